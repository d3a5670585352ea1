"""`.npz`: an archive of arrays, each read by its key."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from graphspec.sources.npy import read_header
from graphspec.sources.source import DataError, Header, Source
from graphspec.suggest import did_you_mean, one_of

if TYPE_CHECKING:
    import numpy as np


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


def load(source: Source) -> np.ndarray[Any, Any]:
    """The array, read into memory."""
    import numpy as np

    header(source)
    try:
        with np.load(source.path, allow_pickle=False) as archive:
            array: np.ndarray[Any, Any] = archive[source.key or _only_key(source)]
            return array
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise DataError(f"{source.text} cannot be read: {error}", help="write it again with `numpy.savez`") from None


def _only_key(source: Source) -> str:
    with zipfile.ZipFile(source.path) as archive:
        return _member(archive, source).removesuffix(".npy")


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
