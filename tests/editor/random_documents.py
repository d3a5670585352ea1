"""YAML documents drawn at random, in every style, with comments wherever YAML takes them."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from hypothesis import strategies as st

from graphspec.diagnostics import Report, SourceText
from graphspec.language.document import read_text

T = TypeVar("T")


def tree_of(text: str, name: str = "spec.yaml") -> Any:
    """What `text` means; raises SpecError where it is no sound document."""
    report = Report()
    tree = read_text(SourceText(name, text), report)
    report.raise_if_errors()
    return tree


KEYS = [
    "graphspec",
    "name",
    "inputs",
    "graph",
    "from",
    "apply",
    "merge",
    "loss",
    "Dense",
    "units",
    "repeat",
    "a b",
    "0",
    "k" * 1_500,
]
TEXTS = st.one_of(
    st.sampled_from(
        ["x", "no", "1", "~", "", " a", "a: b", "a #b", "${x + 1}", "it's", '"', "- a", "é", "a\nb", "\tq", "b\u2028c"]
    ),
    st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs", "Cn"]), max_size=8),
)
SCALARS = st.one_of(TEXTS, st.integers(), st.floats(), st.booleans(), st.none())
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | TEXTS, inner, max_size=5),
    max_leaves=12,
)


class Writer:
    """Writes a tree as YAML in a style that is drawn anew at every turn, with comments wherever YAML takes them."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.comments = 0

    def draw(self, strategy: st.SearchStrategy[T]) -> T:
        return self.data.draw(strategy)

    def maybe(self) -> bool:
        return self.draw(st.integers(0, 3)) == 0

    def comment(self) -> str:
        self.comments += 1
        return f"# note {self.comments}" + self.draw(st.sampled_from(["", ": a", " '", " {[", "\x85a: \u2028b"]))

    def end(self) -> str:
        """What ends a line: perhaps a comment, and then perhaps empty lines and comments of their own."""
        text = " " * self.draw(st.integers(1, 9)) + self.comment() if self.maybe() else ""
        text += "\n"
        while self.maybe():
            text += self.draw(st.sampled_from(["\n", "  \n"]))
            if self.maybe():
                text += " " * self.draw(st.integers(0, 9)) + self.comment() + "\n"
        return text

    def flow(self, tree: Any) -> str:
        def gap() -> str:
            if not self.maybe():
                return self.draw(st.sampled_from(["", " "]))
            return self.end() + " " * 12 if self.maybe() else " "

        if isinstance(tree, dict):
            items = [f"{gap()}{self.scalar(key)}: {self.flow(value)}{gap()}" for key, value in tree.items()]
            return "{" + ",".join(items) + gap() + "}"
        if isinstance(tree, list):
            return "[" + ",".join(f"{gap()}{self.flow(value)}{gap()}" for value in tree) + gap() + "]"
        return self.scalar(tree)

    def scalar(self, value: Any) -> str:
        if isinstance(value, str):
            plain = re.fullmatch(r"[A-Za-z][\w\x85\u2028\u2029]*", value) and isinstance(
                tree_of(f"a: {value}")["a"], str
            )
            if plain and self.maybe():
                return value
            if value.isprintable() and self.maybe():
                return "'" + value.replace("'", "''") + "'"
            return json.dumps(value)
        if isinstance(value, float):
            text = repr(value)
            return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)
        return json.dumps(value)

    def block(self, tree: Any, indent: int) -> str:
        """The lines of a collection that is not empty, indented by `indent`."""
        text, margin = "", " " * indent
        for key, value in tree.items() if isinstance(tree, dict) else [("", each) for each in tree]:
            written = self.scalar(key)
            head = f"{written}:" if len(written) < 1_000 else f"? {written}\n{margin}:"
            head = head if isinstance(tree, dict) else "-"
            text += f"{margin}{head}"
            if isinstance(value, dict | list) and value and not self.maybe():
                text += self.end() + self.block(value, indent + self.draw(st.integers(1, 4)))
            elif isinstance(value, str) and re.fullmatch(r"[a-z]+", value) and self.maybe():
                text += (
                    f" {self.draw(st.sampled_from(['|', '>-', '|+']))}{self.draw(st.sampled_from(['', ' # head']))}\n"
                )
                text += f"{margin}     {value}\n"
            else:
                text += f" {self.flow(value)}{self.end()}"
        return text
