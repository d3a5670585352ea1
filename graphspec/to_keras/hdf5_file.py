"""HDF5 files that are not trusted: what lies in one, lies in it alone, once, and unpacks to no more than it should.

An HDF5 file can name other files as its data, by external links, external storage and virtual datasets; lead back into
itself; and promise arrays of any size in a few bytes. Keras writes none of this, and a file that has it is refused
before anything of it is read.
"""

from __future__ import annotations

import math
from typing import Any

import h5py

_DEEPEST = 100
_MOST = 200_000
"""Groups and datasets in one file; a model of 10,000 layers has fewer."""


def check_hdf5(file: h5py.File, limit: int) -> None:
    """Raise ValueError unless `file` is a plain tree of arrays of numbers that take no more than `limit` bytes."""
    seen = {_address(file)}
    waiting: list[tuple[h5py.Group, int]] = [(file, 1)]
    total = 0
    while waiting:
        group, depth = waiting.pop()
        for key in group:
            child = own(group, key)
            if _address(child) in seen:
                raise ValueError(f"`{child.name}` in it is there under another name, too")
            seen.add(_address(child))
            if len(seen) > _MOST or depth > _DEEPEST:
                raise ValueError(f"it holds more than {_MOST:,} groups, or groups more than {_DEEPEST} deep")
            if isinstance(child, h5py.Group):
                waiting.append((child, depth + 1))
            elif isinstance(child, h5py.Dataset):
                total += _size(child)
                if total > limit:
                    raise ValueError(f"it would unpack to more than {limit // 2**20:,} MiB")


def own(group: h5py.Group, key: str) -> Any:
    """Return what lies under `key` in the file itself: a link out of it would read other files of this machine.

    Raises ValueError where it lies elsewhere.
    """
    if not isinstance(group.get(key, getlink=True), h5py.HardLink):
        raise ValueError(f"`{key}` in it is a link")
    found = group[key]
    if isinstance(found, h5py.Dataset) and (found.external or found.is_virtual):
        raise ValueError(f"`{key}` in it lies in another file")
    return found


def _address(found: Any) -> int:
    return int(h5py.h5o.get_info(found.id).addr)


def _size(dataset: h5py.Dataset) -> int:
    """The bytes that reading `dataset` takes: those of its values, or those of one of its chunks if that is larger."""
    if dataset.dtype.hasobject:
        raise ValueError(f"`{dataset.name}` in it holds text or references, not numbers")
    chunk = math.prod(dataset.chunks) if dataset.chunks else 0
    return int(max(dataset.size or 0, chunk) * dataset.dtype.itemsize)
