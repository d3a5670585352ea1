"""Reader of the framing of TFRecord files: blocks of records, with every checksum verified.

A record is its length (8 bytes, little-endian), a masked CRC-32C of that, the data, and a masked CRC-32C of the data.
Gzip files are unpacked as they are read. No length is trusted: memory grows with the bytes that were read.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from struct import Struct
from typing import IO

from graphspec.files import open_file
from graphspec.sources.source import DataError, DataSource

_HEADER, _CRC = Struct("<QI"), Struct("<I")
_OVERHEAD = 16
"""Bytes of a record besides its data: the length and two checksums."""

_READ_BYTES = 1 << 22
"""Bytes of one read."""

_MAX_RECORD = 1 << 26
"""Bytes of the data of a record, which must fit into memory several times."""

_MAX_COUNTED = 1_000_000
"""Records that are counted without reading their data."""

_MASK = 0xA282EAD8

_HELP = "write it again with `tf.io.TFRecordWriter`"


@dataclass(frozen=True)
class RecordBlock:
    """A run of whole records in one buffer.

    Attributes:
        before: Number of records before the block.
        buffer: Bytes of the records.
        starts: Start of the data of each record in `buffer`.
        lengths: Bytes of the data of each record.
    """

    before: int
    buffer: bytes
    starts: list[int]
    lengths: list[int]

    def records(self) -> list[bytes]:
        """Return the data of each record."""
        return [self.buffer[at : at + length] for at, length in zip(self.starts, self.lengths, strict=True)]


def masked_crc(data: bytes) -> int:
    """Return the masked CRC-32C of `data`, as TFRecord files store it."""
    import google_crc32c

    return _masked(google_crc32c.value(data))


def _masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def first_record(source: DataSource) -> tuple[bytes, int | None]:
    """Return the data of the first record, without verifying its checksum, and the number of records.

    The number is None for a compressed file, or one of many records.

    Raises:
        DataError: the file holds no record, or is truncated.
    """
    with _open_records(source) as (file, size):
        block = next(_RecordReader(file, size, source).blocks(first_only=True), None)
        if block is None:
            raise DataError(f"{source.text} holds no records", help=_HELP)
        return block.records()[0], _count_records(file, size, source) if size is not None else None


def record_blocks(source: DataSource) -> Iterator[RecordBlock]:
    """Yield all records in order; raise DataError for the first broken one."""
    with _open_records(source) as (file, size):
        yield from _RecordReader(file, size, source).blocks()


@contextmanager
def _open_records(source: DataSource) -> Iterator[tuple[IO[bytes], int | None]]:
    """Open the stream of records, and return its size unless it is compressed."""
    with open_file(source.path) as file:
        start = file.read(_HEADER.size)
        file.seek(0)
        if not start:
            raise DataError(f"{source.text} is empty", help=_HELP)
        if _has_valid_length(start) or start[:3] != b"\x1f\x8b\x08":
            if not _has_valid_length(start) and start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0:
                raise DataError(
                    f"{source.text} is no TFRecord file, unless it is compressed with zlib, which is not read",
                    help='write it uncompressed, or with the compression "GZIP"',
                )
            yield file, os.fstat(file.fileno()).st_size
            return
        try:
            with gzip.open(file) as unpacked:
                yield unpacked, None  # type: ignore[misc]
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise DataError(f"{source.text} cannot be unpacked: {error}", help=_HELP) from None


def _has_valid_length(header: bytes) -> bool:
    return len(header) == _HEADER.size and masked_crc(header[:8]) == _HEADER.unpack(header)[1]


class _RecordReader:
    """A reader of the records of an open file."""

    def __init__(self, file: IO[bytes], size: int | None, source: DataSource) -> None:
        self.file, self.size, self.source = file, size, source
        self.buffer = b""
        self.offset = 0  # of the buffer in the file
        self.number = 0  # records before the buffer

    def blocks(self, *, first_only: bool = False) -> Iterator[RecordBlock]:
        """Yield blocks of whole records; with `first_only`, the first record, without verifying its checksum."""
        while True:
            starts, lengths, needed = self._find_records(1 if first_only else None)
            if not starts:
                if self._read_more(max(needed - len(self.buffer), 0 if first_only else _READ_BYTES)):
                    continue
                if self.buffer:
                    raise self._truncated_error()
                return
            if not first_only:
                self._check(starts, lengths)
            yield RecordBlock(self.number, self.buffer, starts, lengths)
            end = starts[-1] + lengths[-1] + 4
            self.number += len(starts)
            self.offset += end
            self.buffer = self.buffer[end:]

    def _read_more(self, count: int) -> bool:
        """Append up to `count` bytes to the buffer, in pieces; return False at the end of the file."""
        parts = []
        while count > 0 and (part := self.file.read(min(count, _READ_BYTES))):
            parts.append(part)
            count -= len(part)
        self.buffer = b"".join([self.buffer, *parts])
        return bool(parts)

    def _find_records(self, limit: int | None) -> tuple[list[int], list[int], int]:
        """Return starts and lengths of the whole records in the buffer, and the bytes that the next one needs."""
        starts: list[int] = []
        lengths: list[int] = []
        at, end, needed = 0, len(self.buffer), _HEADER.size
        unpack = _HEADER.unpack_from
        while at + _HEADER.size <= end and len(starts) != limit:
            length = unpack(self.buffer, at)[0]
            stop = at + _OVERHEAD + length
            if stop > end:
                if not starts:
                    self._check_length(at, length)
                    needed = _OVERHEAD + length
                break
            starts.append(at + _HEADER.size)
            lengths.append(length)
            at = stop
        return starts, lengths, needed

    def _check_length(self, at: int, length: int) -> None:
        """Raise DataError for a length with a wrong checksum, or beyond the file or the limit."""
        if not _has_valid_length(self.buffer[at : at + _HEADER.size]):
            raise self._record_error(0, at, "the checksum of its length is wrong")
        if self.size is not None and self.offset + at + _OVERHEAD + length > self.size:
            raise self._truncated_error()
        if length > _MAX_RECORD:
            raise self._record_error(0, at, f"it takes {length:,} bytes, and more than {_MAX_RECORD:,} are not read")

    def _check(self, starts: list[int], lengths: list[int]) -> None:
        """Raise DataError for the first record with a wrong checksum."""
        import google_crc32c

        buffer, value, stored = self.buffer, google_crc32c.value, _CRC.unpack_from
        for number, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            header, end = start - _HEADER.size, start + length
            for what, first, last in (("its length", header, start - _CRC.size), ("its data", start, end)):
                if _masked(value(buffer[first:last])) != stored(buffer, last)[0]:
                    raise self._record_error(number, header, f"the checksum of {what} is wrong")

    def _record_error(self, number: int, at: int, what: str) -> DataError:
        place = f"record {self.number + number + 1:,} (byte {self.offset + at:,})"
        if self.offset + at == 0 and what.endswith("length is wrong"):
            return DataError(f"{self.source.text} is no TFRecord file: {place}: {what}", help=_HELP)
        return DataError(f"{self.source.text} is broken at {place}: {what}", help=_HELP)

    def _truncated_error(self) -> DataError:
        return DataError(f"{self.source.text} is cut short after {self.number:,} whole records", help=_HELP)


def _count_records(file: IO[bytes], size: int, source: DataSource) -> int | None:
    """Return the number of records, or None if there are many; raise DataError if the file is truncated."""
    at = number = 0
    while at < size and number < _MAX_COUNTED:
        file.seek(at)
        header = file.read(_HEADER.size)
        stop = at + _OVERHEAD + _HEADER.unpack(header)[0] if len(header) == _HEADER.size else size + 1
        if stop > size:
            if len(header) == _HEADER.size and not _has_valid_length(header):
                return None  # reading reports which record is broken
            raise DataError(f"{source.text} is cut short after {number:,} whole records", help=_HELP)
        at = stop
        number += 1
    return number if at >= size else None
