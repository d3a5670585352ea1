"""Positions of the protocol, in units of an encoding → offsets in a text, and back.

The protocol counts lines and characters from 0. A character has the units of UTF-16, unless client and server agree on
another encoding. A position past the end of a line or of the text stands for that end.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import Literal

from lsprotocol.types import Position, Range

from graphspec.diagnostics import Span

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE_END = re.compile(r"\r\n|\n|\r")
_SIZES: dict[Encoding, tuple[str, int]] = {
    "utf-8": ("utf-8", 1),
    "utf-16": ("utf-16-le", 2),
    "utf-32": ("utf-32-le", 4),
}


def units(text: str, encoding: Encoding) -> int:
    """Return the number of units of `text`."""
    if text.isascii() or encoding == "utf-32":
        return len(text)
    codec, size = _SIZES[encoding]
    return len(text.encode(codec, "surrogatepass")) // size


def index_of(line: str, character: int, encoding: Encoding) -> int:
    """Return the index of the character that begins at or around unit `character` of a line."""
    if line.isascii() or encoding == "utf-32":
        return min(character, len(line))
    passed = 0
    for index, each in enumerate(line):
        passed += units(each, encoding)
        if passed > character:
            return index
    return len(line)


class Lines:
    """The lines of a text, with the places of offsets, positions and spans in it."""

    def __init__(self, text: str, encoding: Encoding = "utf-16") -> None:
        self.text, self.encoding = text, encoding

    @cached_property
    def starts(self) -> list[int]:
        """The offset of the start of each line."""
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    @cached_property
    def marks(self) -> int:
        """The number of byte order marks before the text, which spans do not count."""
        return len(self.text) - len(self.text.lstrip("\ufeff"))

    def line(self, number: int) -> str:
        """Return line `number`, counted from 0, without its end; empty past the last line."""
        if not 0 <= number < len(self.starts):
            return ""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.text)
        return self.text[self.starts[number] : end].rstrip("\r\n")

    def offset(self, position: Position) -> int:
        """Return the offset of a position."""
        if position.line >= len(self.starts):
            return len(self.text)
        line = self.line(position.line)
        return self.starts[position.line] + index_of(line, position.character, self.encoding)

    def position(self, offset: int) -> Position:
        """Return the position of an offset."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self.starts, offset) - 1
        return Position(line, units(self.text[self.starts[line] : offset], self.encoding))

    def range(self, start: int, end: int) -> Range:
        """Return the range from one offset to another."""
        return Range(self.position(start), self.position(end))

    @property
    def whole(self) -> Range:
        """The range of the whole text."""
        return self.range(0, len(self.text))

    def offset_at(self, line: int, column: int) -> int:
        """Return the offset of a line and a column of a span, which count characters from 1."""
        if line > len(self.starts):
            return len(self.text)
        marks = self.marks if line == 1 else 0
        return min(self.starts[line - 1] + marks + column - 1, len(self.text))

    def span_range(self, span: Span) -> Range:
        """Return the range of a span of this text."""
        return self.range(self.offset_at(span.line, span.column), self.offset_at(span.end_line, span.end_column))

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and the column that spans give to an offset."""
        line = bisect_right(self.starts, offset) - 1
        return line + 1, offset - self.starts[line] + 1 - (self.marks if line == 0 else 0)
