"""Source → the same spec in canonical order and style: `graphspec fmt`.

The text is read twice: by `language.document`, for its values, and as it is written, with its comments. The formatted
text is read again and must have the same values and comments, or the text is left unchanged.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from yaml import YAMLError

from graphspec.diagnostics import Report, SourceText, SpecError
from graphspec.diagnostics.rules import INTERNAL
from graphspec.editor.formatting.json_text import format_json
from graphspec.editor.formatting.layout import lay_out
from graphspec.editor.formatting.order import put_in_order
from graphspec.editor.formatting.source_nodes import comments_of, read_nodes
from graphspec.editor.formatting.write_text import write_text
from graphspec.language.document import is_json, read_text
from graphspec.language.document.limits import MAX_FINDINGS
from graphspec.language.document.tree import Mapping

_LINE_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Formatted:
    """A source in canonical form.

    Attributes:
        text: The text in canonical form, with the line ends of the first line of the source.
        tree: The values of the source.
        comments: Its comments, sorted; None for JSON.
    """

    text: str
    tree: Mapping
    comments: list[str] | None

    @classmethod
    def of(cls, source: SourceText) -> Formatted:
        """Return a source in canonical form. Whoever writes it looks whether it still means the same.

        Raises:
            SpecError: The source is not a valid document; it holds every finding.
        """
        first = _LINE_BREAK.search(source.text)
        plain = _plain(source)
        tree = _tree(plain)
        text, comments = (format_json(plain.text), None) if is_json(source) else _format_yaml(plain.text)
        return cls(text.replace("\n", first[0] if first is not None else "\n"), tree, comments)

    def means_same(self, other: SourceText) -> bool:
        """Return whether a text has the same values and comments; False where it is not valid."""
        plain = _plain(other)
        try:
            is_kept = self.comments is None or comments_of(plain.text) == self.comments
            return is_kept and means_same(_tree(plain), self.tree)
        except (SpecError, YAMLError):
            return False


def format_source(source: SourceText) -> str:
    """Return the text of `source` in canonical form.

    Raises:
        SpecError: The source is not a valid document; it holds every finding.
    """
    formatted = Formatted.of(source)
    if formatted.text != source.text and not formatted.means_same(SourceText(source.name, formatted.text)):
        raise SpecError.of(
            INTERNAL,
            f"formatting would change the values in {source.name}, so it was left unchanged",
            help="this is a bug in graphspec: please report it with the file",
        )
    return formatted.text


def _plain(source: SourceText) -> SourceText:
    """Return the source with lines that end in LF."""
    return SourceText(source.name, source.text.replace("\r\n", "\n").replace("\r", "\n"))


def _format_yaml(text: str) -> tuple[str, list[str]]:
    """Return `text` in canonical form, and its comments, sorted."""
    root, comments = read_nodes(text)
    put_in_order(root)
    lay_out(root)
    return write_text(root), comments


def _tree(source: SourceText) -> Mapping:
    """Return the tree of `source`. Raises SpecError if it has errors."""
    report = Report(limit=MAX_FINDINGS)
    tree = read_text(source, report)
    report.raise_if_errors()
    return tree


def means_same(one: Any, other: Any) -> bool:
    """Return whether two trees hold the same values of the same types, in any order of keys."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(means_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(means_same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)
