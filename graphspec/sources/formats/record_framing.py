"""Reader of the framing of TFRecord files: blocks of records, with every checksum verified.

A record is its length (8 bytes, little-endian), a masked CRC-32C of that, the data, and a masked CRC-32C of the data.
Gzip files are unpacked as they are read. No length is trusted: memory grows with the bytes that were read. TensorFlow's
own reader aborts the process at a huge length, and takes some truncated files for whole ones.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct
from typing import IO

from graphspec.files import open_file
from graphspec.sources.format import import_reader
from graphspec.sources.source import DataError, DataSource

_HEADER, _CRC = Struct("<QI"), Struct("<I")
_OVERHEAD = _HEADER.size + _CRC.size
"""Bytes of a record besides its data: the length and two checksums."""

_BLOCK_BYTES = 1 << 22
"""Bytes of one read, and of the records of one block."""

_MAX_RECORD = 1 << 26
"""Bytes of the data of a record, which must fit into memory several times."""

_MAX_COUNTED = 1_000_000
"""Records that are counted without reading their data."""

_HELP = "write it again with `tf.io.TFRecordWriter`"


def masked(crc: int) -> int:
    """Return a CRC-32C as TFRecord files store it."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def first_record(source: DataSource) -> tuple[bytes, int | None]:
    """Return the data of the first record, and the number of records.

    The number is None for a compressed file, or one of many records.

    Raises:
        DataError: the file holds no record, or the first is broken, or the file is truncated.
    """
    with _open_records(source) as (file, size):
        record = next(_records(source, file, size), None)
        if record is None:
            raise DataError(f"{source.text} holds no records", help=_HELP)
        return record, _count_records(source, file, size) if size is not None else None


def record_blocks(source: DataSource) -> Iterator[list[bytes]]:
    """Yield the data of all records in order, in blocks; raise DataError for the first broken one."""
    with _open_records(source) as (file, size):
        block: list[bytes] = []
        block_bytes = 0
        for record in _records(source, file, size):
            block.append(record)
            block_bytes += _OVERHEAD + len(record)
            if block_bytes >= _BLOCK_BYTES:
                yield block
                block, block_bytes = [], 0
        if block:
            yield block


@contextmanager
def _open_records(source: DataSource) -> Iterator[tuple[IO[bytes], int | None]]:
    """Open the stream of records, and return its size unless it is compressed."""
    import_reader(source, "google_crc32c", "records")
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
    from google_crc32c import value

    return len(header) == _HEADER.size and masked(value(header[:8])) == _HEADER.unpack(header)[1]


def _records(source: DataSource, file: IO[bytes], size: int | None) -> Iterator[bytes]:
    """Yield the data of each record of an open file of `size` bytes."""
    from google_crc32c import value

    at = number = 0  # bytes and records before this one
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise _truncated_error(source, number)
        length, length_crc = _HEADER.unpack(header)
        problem = ""
        if masked(value(header[:8])) != length_crc:
            problem = "the checksum of its length is wrong"
        elif size is not None and at + _OVERHEAD + length > size:
            raise _truncated_error(source, number)
        elif length > _MAX_RECORD:
            problem = f"it takes {length:,} bytes, and more than {_MAX_RECORD:,} are not read"
        else:
            record, crc = _read(file, length), file.read(_CRC.size)
            if len(crc) < _CRC.size:
                raise _truncated_error(source, number)
            if masked(value(record)) != _CRC.unpack(crc)[0]:
                problem = "the checksum of its data is wrong"
        if problem:
            verdict = "is no TFRecord file:" if problem.endswith("length is wrong") and not at else "is broken at"
            raise DataError(f"{source.text} {verdict} record {number + 1:,} (byte {at:,}): {problem}", help=_HELP)
        yield record
        at += _OVERHEAD + length
        number += 1


def _read(file: IO[bytes], count: int) -> bytes:
    """Read `count` bytes, or fewer at the end of the file, in pieces: memory grows with what is there."""
    if count <= _BLOCK_BYTES:
        return file.read(count)
    parts = []
    while count and (part := file.read(min(count, _BLOCK_BYTES))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _count_records(source: DataSource, file: IO[bytes], size: int) -> int | None:
    """Return the number of records, or None if there are many; raise DataError if the file is truncated."""
    at = number = 0
    while at < size and number < _MAX_COUNTED:
        file.seek(at)
        header = file.read(_HEADER.size)
        at += _OVERHEAD + int.from_bytes(header[:8], "little")
        if len(header) < _HEADER.size or at > size:
            if len(header) == _HEADER.size and not _has_valid_length(header):
                return None  # reading reports which record is broken
            raise _truncated_error(source, number)
        number += 1
    return number if at >= size else None


def _truncated_error(source: DataSource, whole: int) -> DataError:
    return DataError(f"{source.text} is cut short after {whole:,} whole records", help=_HELP)
