"""The text of a spec → every key and value in it that can be mutated, each with its characters.

In: text, as `graphspec.language.document` reads it. Out: a tree of `Place`s. Offsets count characters of the text; the
end of a block collection is that of the last thing in it: comments and blank lines after it are not part of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphspec.diagnostics import Report, SourceText, Span
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import Mapping, Sequence, plain

Path = tuple[str | int, ...]


@dataclass(eq=False)
class Place:
    """A value, and its key unless it is an item of a list. `key` and `at` are stretches of the text."""

    path: Path
    value: Any
    at: tuple[int, int]
    key: tuple[int, int] | None = None
    parent: Place | None = None
    children: list[Place] = field(default_factory=list)

    @property
    def is_collection(self) -> bool:
        return isinstance(self.value, dict | list)

    @property
    def name(self) -> str | int:
        """The key, or the number in a list."""
        return self.path[-1]

    def walk(self) -> Iterator[Place]:
        """Every place below this one."""
        for child in self.children:
            yield child
            yield from child.walk()


class Text:
    """The text of one spec, with the places in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        tree = read_tree(text)
        assert isinstance(tree, Mapping)
        self.root = self._place((), tree, tree.span, None, None)

    def line_of(self, offset: int) -> int:
        """The line, from 1, of the character at `offset`."""
        return bisect_right(self.starts, offset)

    def _place(self, path: Path, value: Any, span: Span, key: Span | None, parent: Place | None) -> Place:
        place = Place(path, plain(value), self._stretch(span), self._stretch(key) if key else None, parent)
        if isinstance(value, Mapping):
            for name, item in value.entries():
                place.children.append(self._place((*path, name.value), item.value, item.span, name.span, place))
        elif isinstance(value, Sequence):
            for number, item in enumerate(value.entries()):
                place.children.append(self._place((*path, number), item.value, item.span, None, place))
        if place.children and not self.is_flow(place):
            place.at = (place.at[0], place.children[-1].at[1])
        return place

    def _stretch(self, span: Span) -> tuple[int, int]:
        end = self.starts[min(span.end_line, len(self.starts)) - 1] + span.end_column - 1
        return self.starts[span.line - 1] + span.column - 1, min(end, len(self.text))

    def is_flow(self, place: Place) -> bool:
        """Whether a collection stands in brackets."""
        return self.text[place.at[0] : place.at[0] + 1] in ("{", "[")


def read_tree(text: str) -> Any:
    """What `text` holds, as graphspec reads it."""
    return read_yaml(SourceText("spec.yaml", text), Report())
