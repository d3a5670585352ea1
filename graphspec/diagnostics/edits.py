"""Fixes → text: edits applied to the bytes of a file."""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphspec.diagnostics.model import Edit, Fix, SourceText

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(r"\r\n|\n|\r")


def edited(data: bytes, source: SourceText, fixes: Iterable[Fix]) -> tuple[bytes, list[Fix]]:
    """Apply fixes that do not overlap, and return the new bytes and these fixes.

    Of overlapping fixes the first in the text is applied; the others may be found again in the new text.

    Args:
        data: The bytes of the file.
        source: Its text.
        fixes: The fixes, with spans in `source`.
    """
    offsets = _Offsets(source)
    applied: list[Fix] = []
    edits: list[tuple[int, int, str]] = []
    for fix in sorted(fixes, key=lambda fix: min(offsets.of(edit) for edit in fix.edits)):
        ranges = [(*offsets.of(edit), edit.text) for edit in fix.edits]
        if all(_are_apart(new, old) for new in ranges for old in edits):
            edits += ranges
            applied.append(fix)
    text = source.text
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return (_BOM if data.startswith(_BOM) else b"") + text.encode("utf-8"), applied


def _are_apart(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    return one[1] <= other[0] or other[1] <= one[0] if one[:2] != other[:2] else False


class _Offsets:
    """The offsets of lines and columns in a text."""

    def __init__(self, source: SourceText) -> None:
        self.starts = [0, *(match.end() for match in _LINE_END.finditer(source.text))]
        self.length = len(source.text)

    def of(self, edit: Edit) -> tuple[int, int]:
        """Return the start and end offset of an edit."""
        span = edit.span
        return self._at(span.line, span.column), self._at(span.end_line, span.end_column)

    def _at(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column - 1 if line <= len(self.starts) else self.length
