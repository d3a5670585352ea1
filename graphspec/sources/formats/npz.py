"""Reader of `.npz`: archives of arrays, each read by its key."""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.files import open_file, zip_in
from graphspec.sources.column import Column
from graphspec.sources.format import Format
from graphspec.sources.formats.npy import ArrayHeader, map_array, read_header
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np


_BLOCK_BYTES = 1 << 24
"""Unpacked bytes of one block."""

_MAX_UNPACKED = 1 << 28
"""Bytes of one sample of a compressed array, or of a compressed array in Fortran order, which is unpacked whole."""

_MAX_DEFLATE_RATIO = 1032
"""Bytes that deflate unpacks from one byte."""

_ARCHIVE_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError, NotImplementedError,
    RuntimeError, OSError,
)  # fmt: skip
"""Errors of zipfile and NumPy for a broken archive."""


def header(source: DataSource) -> Header:
    """Return the header of the array `source.key`; raise DataError if it cannot be read."""
    with _open_member(source) as (archive, member), archive.open(member) as file:
        return _read_header(source, member, file).of_samples()


def names(source: DataSource) -> list[str]:
    """Return the names of the arrays; raise DataError if the archive cannot be read."""
    with _open_archive(source) as archive:
        return _names(archive)


def column(source: DataSource) -> Column | None:
    """Return the array memory-mapped, or None if the archive compresses it."""
    with _open_member(source) as (archive, member):
        if member.compress_type != zipfile.ZIP_STORED:
            return None
        with archive.open(member) as file:
            head = _read_header(source, member, file)
    if head.shape[0] == 0:
        return None
    with open_file(source.path) as whole:
        whole.seek(member.header_offset)
        name, extra = struct.unpack("<26xHH", whole.read(30))
        return map_array(whole, source, head, member.header_offset + 30 + name + extra + head.start)


def blocks(source: DataSource) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the array in blocks of samples.

    Raises:
        DataError: the archive is broken, or more bytes than `_MAX_UNPACKED` must be unpacked at once.
    """
    import numpy as np

    with _open_member(source) as (archive, member), archive.open(member) as file:
        head = _read_header(source, member, file)
        sample = head.shape[1:]
        size = head.item_size * math.prod(sample)
        rows = max(1, head.shape[0] if head.is_fortran else _BLOCK_BYTES // max(1, size))
        if (rows if head.is_fortran else 1) * size > _MAX_UNPACKED:
            raise DataError(
                f"{source.text}[{source.key}] is compressed, and "
                f"{'all its samples' if head.is_fortran else 'one sample'} "
                f"must be unpacked at once: more than {_MAX_UNPACKED:,} bytes",
                help="save the array as .npy" + (", in C order: `numpy.ascontiguousarray`" if head.is_fortran else ""),
            )
        for start in range(0, head.shape[0], rows):
            count = min(rows, head.shape[0] - start)
            data = file.read(count * size)
            if len(data) < count * size:
                raise EOFError("it is cut short")
            yield np.frombuffer(data, head.descr).reshape((count, *sample), order="F" if head.is_fortran else "C")


def _read_header(source: DataSource, member: zipfile.ZipInfo, file: IO[bytes]) -> ArrayHeader:
    return read_header(file, member.file_size, f"{source.text}[{source.key}]")


@contextmanager
def _open_member(source: DataSource) -> Iterator[tuple[zipfile.ZipFile, zipfile.ZipInfo]]:
    """Open the archive and its member `source.key`; turn errors within the block into DataError."""
    with _open_archive(source) as archive:
        member = archive.getinfo(_member_name(archive, source))
        ratio = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: _MAX_DEFLATE_RATIO}.get(member.compress_type)
        if ratio is None:
            raise zipfile.BadZipFile("it is compressed in a way that NumPy does not write")
        if member.file_size > ratio * member.compress_size:
            raise zipfile.BadZipFile("it promises more than it can hold")
        yield archive, member


@contextmanager
def _open_archive(source: DataSource) -> Iterator[zipfile.ZipFile]:
    """Open the archive; turn errors within the block into DataError."""
    with open_file(source.path) as file:
        try:
            with zip_in(file) as archive:
                yield archive
        except _ARCHIVE_ERRORS as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(
                f"{source.text} is no readable .npz archive: {reason}", help="write it again with `numpy.savez`"
            ) from None


def _names(archive: zipfile.ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist()]


def _member_name(archive: zipfile.ZipFile, source: DataSource) -> str:
    keys = _names(archive)
    if source.key is None:
        if len(keys) == 1:
            return archive.namelist()[0]
        raise DataError(
            f"{source.text} holds {len(keys)} arrays",
            help=f"name one: `{{file: {source.text}, key: {keys[0] if keys else '...'}}}`; it has {one_of(keys)}",
        )
    if source.key not in keys:
        raise DataError(
            f"{source.text} has no array `{source.key}`",
            part="key",
            help=did_you_mean(source.key, keys, f"it has {one_of(keys)}"),
            missing=source.key,
        )
    return archive.namelist()[keys.index(source.key)]


FORMAT = Format(".npz", ("key",), header, column, blocks, names=names)
