"""`graphspec fmt` as the formatting of an editor, of a whole document or of a range of lines."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

from lsprotocol import types

from graphspec.diagnostics import SourceText, SpecError
from graphspec.editor.formatting import Formatted
from graphspec.editor.server.document import Document
from graphspec.editor.server.positions import Lines

_MANY_LINES = 3_000
"""The number of lines above which the text is replaced as a whole."""

_Change = tuple[int, int, str]
"""The first line, the line after the last, and the text in their place."""


def format_document(document: Document) -> list[types.TextEdit]:
    """Return the edits that format a document; none where it has a syntax error."""
    return _safe_edits(document, _changes(document))


def format_range(document: Document, asked: types.Range) -> list[types.TextEdit]:
    """Return the edits that format the lines of a range.

    Formatting may move keys into a range or out of it. Where the edits of the range alone would change the meaning or
    lose a comment, there are none.
    """
    last = asked.end.line - (asked.end.character == 0 and asked.end.line > asked.start.line)
    changes = _changes(document)
    inside = [each for each in changes if each[0] <= last and max(each[1] - 1, each[0]) >= asked.start.line]
    return _safe_edits(document, inside)


def _changes(document: Document) -> list[_Change]:
    """Return the changes of lines that format the document, in order; none where it cannot be formatted."""
    formatted = _formatted(document.path, document.text)
    if formatted is None or formatted.text == document.text:
        return []
    old, new = _lines(document.text), _lines(formatted.text)
    if len(old) > _MANY_LINES:
        return [(0, len(old), formatted.text)]
    changes: list[_Change] = []
    for tag, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal" and end - start == last - first:
            changes += [(start + number, start + number + 1, line) for number, line in enumerate(new[first:last])]
        elif tag != "equal":
            changes.append((start, end, "".join(new[first:last])))
    return changes


@lru_cache(maxsize=4)
def _formatted(path: str, text: str) -> Formatted | None:
    """Return the text in canonical form; None where it cannot be formatted."""
    try:
        return Formatted.of(SourceText(path, text.lstrip("\ufeff")))
    except SpecError:
        return None


def _lines(text: str) -> list[str]:
    starts = Lines(text).starts
    return [text[start:end] for start, end in pairwise([*starts, len(text)])]


def _safe_edits(document: Document, changes: list[_Change]) -> list[types.TextEdit]:
    """Return edits that make the changes; none where these alone would change a value or lose a comment."""
    if not changes or not _keeps_meaning(document, changes):
        return []
    lines = document.lines
    starts = [*lines.starts, len(document.text)]
    return [
        types.TextEdit(lines.range(starts[start], starts[min(end, len(starts) - 1)]), text)
        for start, end, text in changes
    ]


def _keeps_meaning(document: Document, changes: list[_Change]) -> bool:
    """Return whether changes leave the values and comments as they are."""
    formatted = _formatted(document.path, document.text)
    lines = _lines(document.text)
    for start, end, text in reversed(changes):
        lines[start:end] = [text]
    changed = SourceText(document.path, "".join(lines).lstrip("\ufeff"))
    return formatted is not None and formatted.means_same(changed)
