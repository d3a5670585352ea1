"""Checks of untrusted HDF5 files: plain trees of arrays, within the file, of bounded size.

An HDF5 file can refer to other files, by external links, external storage and virtual datasets; to itself; and to
arrays of any size in a few bytes. Keras writes none of this, and a file with any of it is refused before it is read.
So is one whose heaps of text, which hold the names of layers, would let the library of HDF5 loop without an end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import h5py

_MAX_DEPTH = 100
_MAX_ENTRIES = 200_000
"""Groups and datasets in a file; a model of 10,000 layers has fewer."""


_HEAP = b"GCOL\1"
"""The first bytes of a heap of text."""

_MIN_HEAP = 4_096
"""Bytes of the smallest heap that the library of HDF5 reads."""

_MAX_TEXTS = 400_000
_CHUNK = 2**22


@contextmanager
def open_raw(raw: BinaryIO) -> Iterator[h5py.File]:
    """Open an HDF5 file whose heaps of text are checked. Raises ValueError if one is damaged, or OSError."""
    with h5py.File(raw, "r") as file:
        _check_heaps(raw, file.id.get_create_plist().get_sizes()[1])
        yield file


@contextmanager
def open_checked(raw: BinaryIO, limit: int) -> Iterator[h5py.File]:
    """Open a file and check it as `check_hdf5` does. Raises ValueError, or OSError."""
    with open_raw(raw) as file:
        check_hdf5(file, limit)
        yield file


def _check_heaps(raw: BinaryIO, length_bytes: int) -> None:
    """Raise ValueError unless the texts of each heap follow each other to its end.

    The library of HDF5 goes from text to text by the sizes that the heap states, be they 0.
    """
    size = raw.seek(0, 2)
    header = -(-(8 + length_bytes) // 8) * 8
    texts = 0

    def number(at: int, count: int) -> int:
        raw.seek(at)
        return int.from_bytes(raw.read(count), "little")

    for start in _places(raw, _HEAP):
        heap = number(start + 8, length_bytes)
        if not _MIN_HEAP <= heap <= size - start:
            continue  # the library refuses it, or it is part of an array
        at, end = start + header, start + heap
        while end - at >= header:
            length = number(at + 8, length_bytes)
            step = header + -(-length // 8) * 8 if number(at, 2) else length  # text 0 is what is free
            texts += 1
            if not 0 < step <= end - at or texts > _MAX_TEXTS:
                raise ValueError("the texts in it are damaged")
            at += step


def _places(raw: BinaryIO, sought: bytes) -> Iterator[int]:
    """Yield every place of a few bytes in a file, which is read in parts."""
    before, start = b"", 0
    raw.seek(0)
    while chunk := raw.read(_CHUNK):
        data = before + chunk
        at = data.find(sought)
        while at >= 0:
            yield start + at
            at = data.find(sought, at + 1)
        before = data[1 - len(sought) :]
        start += len(data) - len(before)
        raw.seek(start + len(before))


def check_hdf5(file: h5py.File, limit: int) -> None:
    """Raise ValueError unless a file is a plain tree of numeric arrays within `limit` bytes."""
    seen = {_address(file)}
    waiting: list[tuple[h5py.Group, int]] = [(file, 1)]
    total = 0
    while waiting:
        group, depth = waiting.pop()
        for key in group:
            child = owned_child(group, key)
            if _address(child) in seen:
                raise ValueError(f"`{child.name}` in it is there under another name, too")
            seen.add(_address(child))
            if len(seen) > _MAX_ENTRIES or depth > _MAX_DEPTH:
                raise ValueError(f"it holds more than {_MAX_ENTRIES:,} groups, or groups more than {_MAX_DEPTH} deep")
            if isinstance(child, h5py.Group):
                waiting.append((child, depth + 1))
            elif isinstance(child, h5py.Dataset):
                total += _size(child)
                if total > limit:
                    raise ValueError(f"it would unpack to more than {limit // 2**20:,} MiB")


def owned_child(group: h5py.Group, key: str) -> Any:
    """Return the group or dataset at `key`. Raises ValueError if it is in another file."""
    if not isinstance(group.get(key, getlink=True), h5py.HardLink):
        raise ValueError(f"`{key}` in it is a link")
    child = group[key]
    if isinstance(child, h5py.Dataset) and (child.external or child.is_virtual):
        raise ValueError(f"`{key}` in it lies in another file")
    return child


def _address(child: Any) -> int:
    return int(h5py.h5o.get_info(child.id).addr)


def _size(dataset: h5py.Dataset) -> int:
    """Return the memory for reading a dataset in bytes: its values, or one larger chunk."""
    if dataset.dtype.hasobject:
        raise ValueError(f"`{dataset.name}` in it holds text or references, not numbers")
    chunk = math.prod(dataset.chunks) if dataset.chunks else 0
    return int(max(dataset.size or 0, chunk) * dataset.dtype.itemsize)
