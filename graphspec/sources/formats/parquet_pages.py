"""Size limit of the pages of a Parquet file, checked before pyarrow allocates memory for them.

pyarrow allocates what the header of a page declares, up to 2 GiB for a page of a few bytes, and offers no way to ask
for that size. Footer and page headers are parsed here, as far as needed, from the compact protocol of Thrift; pyarrow
itself reports those that cannot be parsed.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import IO, Any

from graphspec.files import open_file
from graphspec.sources.source import DataError, DataSource

MAX_PAGE = 1 << 28
"""Unpacked bytes of a page, and 8 times its values in columns of lists; writers make pages of 1 MB."""

_MAX_FOOTER = 1 << 20
"""Bytes of a footer; parsing a larger one would take seconds, so it goes unchecked."""

_MAX_HEADER = 1 << 16
"""Bytes of the header of a page."""

_MAX_DEPTH = 16


def refuse_large_pages(source: DataSource, names: Collection[str], help: str) -> None:
    """Raise DataError if a page unpacks to too many bytes or values.

    Args:
        source: The file.
        names: The columns to check.
        help: The `help` of the error.
    """
    with open_file(source.path) as file:
        try:
            for path, start, end in _column_chunks(file):
                if path and path[0] in names:
                    _check_pages(file, start, end, source=source, is_list=len(path) > 1, help=help)
        except (_ThriftError, LookupError, TypeError, AttributeError, ValueError, OverflowError):
            return


def _column_chunks(file: IO[bytes]) -> list[tuple[list[str], int, int]]:
    """Return path, start and end of each column chunk."""
    size = file.seek(-8, os.SEEK_END) + 8
    length = int.from_bytes(file.read(4), "little")
    if length > min(_MAX_FOOTER, size - 8):
        return []
    file.seek(-8 - length, os.SEEK_END)
    chunks = []
    for group in _ThriftReader(file.read(length)).struct()[4]:
        for chunk in group[1]:
            metadata = chunk[3]
            start = min(metadata[9], metadata.get(11) or metadata[9])
            chunks.append(([name.decode() for name in metadata[3]], start, start + metadata[7]))
    return chunks


def _check_pages(file: IO[bytes], at: int, end: int, *, source: DataSource, is_list: bool, help: str) -> None:
    """Check the header of each page from `at` to `end`."""
    while at < end:
        file.seek(at)
        thrift = _ThriftReader(file.read(_MAX_HEADER))
        page = thrift.struct()
        values = max(page.get(field, {}).get(1, 0) for field in (5, 7, 8))
        size = max(page[2], page[3])
        if size > MAX_PAGE or (is_list and 8 * values > MAX_PAGE):
            raise DataError(
                f"{source.text} has a page of {size:,} bytes and {values:,} values, too many to unpack at once",
                help=help,
            )
        at += thrift.at + max(0, page[3])


class _ThriftError(Exception):
    """An error for bytes that do not follow the compact protocol."""


class _ThriftReader:
    """A reader of the compact protocol of Thrift; a struct becomes a dict keyed by field number."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.depth = data, 0, 0

    def struct(self) -> dict[int, Any]:
        """Return the struct at the current position; raise IndexError or _ThriftError if there is none."""
        fields: dict[int, Any] = {}
        number = 0
        self._enter()
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
            self._enter()
            values = [self._value(head & 15) for _ in range(count)]
            self.depth -= 1
            return values
        if kind in (1, 2, 3):
            return self._byte()
        if kind == 7:
            return self._bytes(8)
        raise _ThriftError  # a map, which Parquet does not use, or an unknown type

    def _enter(self) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _ThriftError

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _bytes(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise _ThriftError
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
