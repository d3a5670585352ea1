"""`.npz`: an archive of arrays, each read by its key."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.files import open_file, zip_in
from graphspec.sources.column import Column
from graphspec.sources.format import Format
from graphspec.sources.formats.npy import array_header, mapped, read_header
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np


_BLOCK = 1 << 24
"""Bytes that are unpacked together."""

_AT_ONCE = 1 << 28
"""The most bytes that one sample may take, or an array whose samples lie across all of it, where it is compressed."""

_DENSEST = 1032
"""Deflate makes at most so many bytes of one."""

_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError, NotImplementedError,
    RuntimeError, OSError,
)  # fmt: skip
"""What zipfile and NumPy raise for a broken archive."""


def header(source: DataSource) -> Header:
    """The header of the array `source.key`. Raises DataError where the archive or the array cannot be read."""
    with _opened(source) as (archive, member), archive.open(member) as file:
        return read_header(file, member.file_size, f"{source.text}[{source.key}]")


def column(source: DataSource) -> Column | None:
    """The array, memory-mapped where the archive holds it as it is; None where it is compressed."""
    found = header(source)
    with _opened(source) as (_, member):
        pass
    if member.compress_type != zipfile.ZIP_STORED or found.samples == 0:
        return None
    with open_file(source.path) as file:
        file.seek(member.header_offset)
        name, extra = struct.unpack("<26xHH", file.read(30))
        file.seek(name + extra, os.SEEK_CUR)
        return mapped(file, source)


def blocks(source: DataSource) -> Iterator[np.ndarray[Any, Any]]:
    """The array in blocks of samples, unpacked as they are read."""
    import numpy as np

    with _opened(source) as (archive, member), archive.open(member) as file:
        shape, in_columns, dtype = array_header(file)
        size = dtype.itemsize * math.prod(shape[1:])
        if (shape[0] * size if in_columns else size) > _AT_ONCE:
            raise DataError(
                f"{source.text}[{source.key}] is compressed, and {'all its samples' if in_columns else 'one sample'} "
                f"must be unpacked at once: more than {_AT_ONCE:,} bytes",
                help="save the array as .npy" + (", in C order: `numpy.ascontiguousarray`" if in_columns else ""),
            )
        if in_columns:
            file.seek(0)
            yield np.lib.format.read_array(file, allow_pickle=False)
            return
        rows = max(1, _BLOCK // max(1, size))
        for start in range(0, shape[0], rows):
            count = min(rows, shape[0] - start)
            data = file.read(count * size)
            if len(data) < count * size:
                raise EOFError("it is cut short")
            yield np.frombuffer(data, dtype).reshape(count, *shape[1:])


@contextmanager
def _opened(source: DataSource) -> Iterator[tuple[zipfile.ZipFile, zipfile.ZipInfo]]:
    """The archive and the member that is meant. What breaks within the block ends in DataError."""
    with open_file(source.path) as file:
        try:
            with zip_in(file) as archive:
                member = archive.getinfo(_member(archive, source))
                most = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: _DENSEST}.get(member.compress_type)
                if most is None:
                    raise zipfile.BadZipFile("it is compressed in a way that NumPy does not write")
                if member.file_size > most * member.compress_size:
                    raise zipfile.BadZipFile("it promises more than it can hold")
                yield archive, member
        except _BROKEN as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(
                f"{source.text} is no readable .npz archive: {reason}", help="write it again with `numpy.savez`"
            ) from None


def _member(archive: zipfile.ZipFile, source: DataSource) -> str:
    names = archive.namelist()
    keys = [name.removesuffix(".npy") for name in names]
    if source.key is None:
        if len(names) == 1:
            return names[0]
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
    return names[keys.index(source.key)]


FORMAT = Format(".npz", ("key",), header, column, blocks)
