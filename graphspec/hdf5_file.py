"""Checks of untrusted HDF5 files: plain trees of arrays, within the file, of bounded size.

An HDF5 file can refer to other files, by external links, external storage and virtual datasets; to itself; and to
arrays of any size in a few bytes. Keras writes none of this, and a file with any of it is refused before it is read.
"""

from __future__ import annotations

import math
from typing import Any

import h5py

_MAX_DEPTH = 100
_MAX_ENTRIES = 200_000
"""Groups and datasets in a file; a model of 10,000 layers has fewer."""


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
