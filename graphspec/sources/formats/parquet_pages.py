"""How much the pages of a Parquet file say that they unpack to, looked at before pyarrow believes it.

pyarrow makes room for what the header of a page promises, up to 2 GiB for a page of a few bytes, and Python has no way
to ask it beforehand. Footer and page headers are in Thrift's compact protocol, of which this reads what it needs. What
cannot be read here is left for pyarrow to refuse.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import IO, Any

from graphspec.files import open_file
from graphspec.sources.source import DataError, DataSource

LARGEST = 1 << 28
"""Bytes that a page may unpack to, and eight times the values of lists that it may hold; writers make pages of 1 MB."""

_FOOTER = 1 << 20
"""Bytes of a footer that is looked at; reading a larger one would take seconds."""

_HEADER = 1 << 16
"""Bytes within which the header of a page ends."""

_DEEPEST = 16


def refuse_large_pages(source: DataSource, names: Collection[str], mend: str) -> None:
    """Raise DataError where a page of the columns `names` unpacks to more than memory should hold."""
    with open_file(source.path) as file:
        try:
            for path, start, end in _chunks(file):
                if path and path[0] in names:
                    _look(file, start, end, source, len(path) > 1, mend)
        except (_BrokenError, LookupError, TypeError, AttributeError, ValueError, OverflowError):
            return


def _chunks(file: IO[bytes]) -> list[tuple[list[str], int, int]]:
    """The path of each column chunk, and where its pages start and end."""
    size = file.seek(-8, os.SEEK_END) + 8
    length = int.from_bytes(file.read(4), "little")
    if length > min(_FOOTER, size - 8):
        return []
    file.seek(-8 - length, os.SEEK_END)
    found = []
    for group in _Thrift(file.read(length)).struct()[4]:
        for chunk in group[1]:
            metadata = chunk[3]
            start = min(metadata[9], metadata.get(11) or metadata[9])
            found.append(([name.decode() for name in metadata[3]], start, start + metadata[7]))
    return found


def _look(file: IO[bytes], at: int, end: int, source: DataSource, is_list: bool, mend: str) -> None:
    """Look at the header of each page from `at` to `end`."""
    while at < end:
        file.seek(at)
        thrift = _Thrift(file.read(_HEADER))
        page = thrift.struct()
        values = max(page.get(field, {}).get(1, 0) for field in (5, 7, 8))
        size = max(page[2], page[3])
        if size > LARGEST or (is_list and 8 * values > LARGEST):
            raise DataError(
                f"{source.text} has a page of {size:,} bytes and {values:,} values, too many to unpack at once",
                help=mend,
            )
        at += thrift.at + max(0, page[3])


class _BrokenError(Exception):
    """The bytes are not in the compact protocol."""


class _Thrift:
    """Values of Thrift's compact protocol: a struct is a dict by the numbers of its fields."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.depth = data, 0, 0

    def struct(self) -> dict[int, Any]:
        """The struct that begins here. Raises IndexError or _BrokenError where there is none."""
        fields: dict[int, Any] = {}
        number = 0
        self._deeper()
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            kind = head & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind)
        self.depth -= 1
        return fields

    def _value(self, kind: int) -> Any:
        if kind in (4, 5, 6):
            return self._signed(64 if kind == 6 else 32)
        if kind == 8:
            return self._bytes(self._number())
        if kind == 12:
            return self.struct()
        if kind in (9, 10):
            head = self._byte()
            count = self._number() if head >> 4 == 15 else head >> 4
            self._deeper()
            values = [self._value(head & 15) for _ in range(count)]
            self.depth -= 1
            return values
        if kind in (1, 2, 3):
            return self._byte()
        if kind == 7:
            return self._bytes(8)
        raise _BrokenError  # a map, or nothing: the format has none

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _BrokenError

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _bytes(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise _BrokenError
        self.at += count
        return self.data[self.at - count : self.at]

    def _number(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 128 and shift < 70:
            number |= (byte & 127) << shift
            shift += 7
        return number | (byte & 127) << shift

    def _signed(self, bits: int = 64) -> int:
        number = self._number() & ((1 << bits) - 1)  # as pyarrow cuts a number that is too large
        return (number >> 1) ^ -(number & 1)
