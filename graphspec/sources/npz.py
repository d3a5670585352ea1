"""`.npz`: an archive of arrays, each read by its key."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, Literal

from graphspec.sources.format import Format
from graphspec.sources.npy import read_header
from graphspec.sources.source import DataError, Header, Source
from graphspec.suggest import did_you_mean, one_of

if TYPE_CHECKING:
    import numpy as np


_BLOCK = 1 << 24
"""Bytes that are unpacked together."""


def header(source: Source) -> Header:
    """The header of the array `source.key`. Raises DataError where the archive or the array cannot be read."""
    try:
        with zipfile.ZipFile(source.path) as archive:
            member = archive.getinfo(_member(archive, source))
            with archive.open(member) as file:
                return read_header(file, member.file_size, f"{source.text}[{source.key}]")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{source.text} is no readable .npz archive: {error}", help="write it with `numpy.savez`"
        ) from None


def column(source: Source) -> np.ndarray[Any, Any] | None:
    """The array, memory-mapped where the archive holds it as it is; None where it is compressed."""
    import numpy as np

    found = header(source)
    with zipfile.ZipFile(source.path) as archive:
        member = archive.getinfo(_member(archive, source))
    if member.compress_type != zipfile.ZIP_STORED or found.samples == 0:
        return None
    with open(source.path, "rb") as file:
        file.seek(member.header_offset)
        name, extra = struct.unpack("<26xHH", file.read(30))
        file.seek(name + extra, os.SEEK_CUR)
        shape, in_columns, dtype = _array_header(file)
        order: Literal["C", "F"] = "F" if in_columns else "C"
        return np.memmap(source.path, dtype, "r", file.tell(), shape, order)


def blocks(source: Source) -> Iterator[np.ndarray[Any, Any]]:
    """The array in blocks of samples, unpacked as they are read."""
    import numpy as np

    try:
        with zipfile.ZipFile(source.path) as archive, archive.open(_member(archive, source)) as file:
            shape, in_columns, dtype = _array_header(file)
            if in_columns:  # the samples lie across the whole array
                file.seek(0)
                yield np.lib.format.read_array(file, allow_pickle=False)
                return
            size = dtype.itemsize * math.prod(shape[1:])
            rows = max(1, _BLOCK // max(1, size))
            for start in range(0, shape[0], rows):
                count = min(rows, shape[0] - start)
                data = file.read(count * size)
                if len(data) < count * size:
                    raise EOFError("it is cut short")
                yield np.frombuffer(data, dtype).reshape(count, *shape[1:])
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise DataError(f"{source.text} cannot be read: {error}", help="write it again with `numpy.savez`") from None


def _array_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    import numpy as np

    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)


def _member(archive: zipfile.ZipFile, source: Source) -> str:
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
