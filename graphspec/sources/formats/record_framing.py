"""The framing of TFRecord files: their records, with every checksum tested, in blocks.

A record is its length (8 bytes, little-endian), a masked CRC-32C of that, the data, and a masked CRC-32C of the data.
Files compressed with gzip are unpacked as they are read. No length is trusted: memory grows with what the file holds.
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

_HEAD, _CRC = Struct("<QI"), Struct("<I")
_AROUND = 16
"""Bytes of a record beside its data: the length, and two checksums."""

_READ = 1 << 22
"""Bytes that are read together."""

_LONGEST = 1 << 26
"""No record is longer: it would have to fit into memory several times."""

_COUNTED = 1_000_000
"""A file of more records is counted when it is read."""

_MASK = 0xA282EAD8

AGAIN = "write it again with `tf.io.TFRecordWriter`"


@dataclass(frozen=True)
class Block:
    """Whole records: how many come before them, the bytes they stand in, where their data start, and how long it is."""

    before: int
    buffer: bytes
    starts: list[int]
    lengths: list[int]

    def records(self) -> list[bytes]:
        return [self.buffer[at : at + length] for at, length in zip(self.starts, self.lengths, strict=True)]


def masked_crc(data: bytes) -> int:
    """Return the CRC-32C of `data` as TFRecord files mask it."""
    import google_crc32c

    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def first_record(source: DataSource) -> tuple[bytes, int | None]:
    """The first record, and how many there are where that is soon counted. Raises DataError where there is none.

    Its data are not tested here: that is done where all are read.
    """
    with _opened(source) as (file, size):
        block = next(_Stream(file, size, source).blocks(first_only=True), None)
        if block is None:
            raise DataError(f"{source.text} holds no records", help=AGAIN)
        return block.records()[0], _count(file, size, source) if size is not None else None


def blocks_of_records(source: DataSource) -> Iterator[Block]:
    """All records in order. Raises DataError with the number of a record that is broken, and where it stands."""
    with _opened(source) as (file, size):
        yield from _Stream(file, size, source).blocks()


@contextmanager
def _opened(source: DataSource) -> Iterator[tuple[IO[bytes], int | None]]:
    """The records of a file as a stream, with its size where it is not compressed."""
    with open_file(source.path) as file:
        start = file.read(_HEAD.size)
        file.seek(0)
        if not start:
            raise DataError(f"{source.text} is empty", help=AGAIN)
        if _is_length(start) or start[:3] != b"\x1f\x8b\x08":
            if not _is_length(start) and start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0:
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
            raise DataError(f"{source.text} cannot be unpacked: {error}", help=AGAIN) from None


def _is_length(head: bytes) -> bool:
    return len(head) == _HEAD.size and masked_crc(head[:8]) == _HEAD.unpack(head)[1]


class _Stream:
    """The records of an opened file."""

    def __init__(self, file: IO[bytes], size: int | None, source: DataSource) -> None:
        self.file, self.size, self.source = file, size, source
        self.buffer = b""
        self.offset = 0  # of the buffer, in the file
        self.number = 0  # of the records before the buffer

    def blocks(self, *, first_only: bool = False) -> Iterator[Block]:
        """All whole records that a few megabytes hold; or, first_only, the first one, its data untested."""
        while True:
            starts, lengths, needed = self._walk(1 if first_only else None)
            if not starts:
                if self._more(max(needed - len(self.buffer), 0 if first_only else _READ)):
                    continue
                if self.buffer:
                    raise self._cut_short()
                return
            if not first_only:
                self._check(starts, lengths)
            yield Block(self.number, self.buffer, starts, lengths)
            end = starts[-1] + lengths[-1] + 4
            self.number += len(starts)
            self.offset += end
            self.buffer = self.buffer[end:]

    def _more(self, count: int) -> bool:
        """Read about `count` bytes to the buffer, in pieces, for no length is to be trusted; False at the end."""
        parts = []
        while count > 0 and (part := self.file.read(min(count, _READ))):
            parts.append(part)
            count -= len(part)
        self.buffer = b"".join([self.buffer, *parts])
        return bool(parts)

    def _walk(self, limit: int | None) -> tuple[list[int], list[int], int]:
        """Where the data of the whole records in the buffer start, their lengths, and the bytes the next one needs."""
        starts: list[int] = []
        lengths: list[int] = []
        at, end, needed = 0, len(self.buffer), _HEAD.size
        unpack = _HEAD.unpack_from
        while at + _HEAD.size <= end and len(starts) != limit:
            length = unpack(self.buffer, at)[0]
            stop = at + _AROUND + length
            if stop > end:
                if not starts:
                    self._check_length(at, length)
                    needed = _AROUND + length
                break
            starts.append(at + _HEAD.size)
            lengths.append(length)
            at = stop
        return starts, lengths, needed

    def _check_length(self, at: int, length: int) -> None:
        """Raise DataError where a length is wrong, or promises what the file does not hold."""
        if not _is_length(self.buffer[at : at + _HEAD.size]):
            raise self._wrong(0, at, "the checksum of its length is wrong")
        if self.size is not None and self.offset + at + _AROUND + length > self.size:
            raise self._cut_short()
        if length > _LONGEST:
            raise self._wrong(0, at, f"it takes {length:,} bytes, and more than {_LONGEST:,} are not read")

    def _check(self, starts: list[int], lengths: list[int]) -> None:
        """Raise DataError for the first record whose checksum is wrong."""
        import google_crc32c

        buffer, value, stored = self.buffer, google_crc32c.value, _CRC.unpack_from
        for number, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            head, end = start - _HEAD.size, start + length
            for what, first, last in (("its length", head, start - _CRC.size), ("its data", start, end)):
                crc = value(buffer[first:last])
                if ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF != stored(buffer, last)[0]:
                    raise self._wrong(number, head, f"the checksum of {what} is wrong")

    def _wrong(self, number: int, at: int, what: str) -> DataError:
        place = f"record {self.number + number + 1:,} (byte {self.offset + at:,})"
        if self.offset + at == 0 and what.endswith("length is wrong"):
            return DataError(f"{self.source.text} is no TFRecord file: {place}: {what}", help=AGAIN)
        return DataError(f"{self.source.text} is broken at {place}: {what}", help=AGAIN)

    def _cut_short(self) -> DataError:
        return DataError(f"{self.source.text} is cut short after {self.number:,} whole records", help=AGAIN)


def _count(file: IO[bytes], size: int, source: DataSource) -> int | None:
    """The number of records; None where there are very many. Raises DataError where the file is cut short."""
    at = number = 0
    while at < size and number < _COUNTED:
        file.seek(at)
        head = file.read(_HEAD.size)
        stop = at + _AROUND + _HEAD.unpack(head)[0] if len(head) == _HEAD.size else size + 1
        if stop > size:
            if len(head) == _HEAD.size and not _is_length(head):
                return None  # reading will tell which record is broken
            raise DataError(f"{source.text} is cut short after {number:,} whole records", help=AGAIN)
        at = stop
        number += 1
    return number if at >= size else None
