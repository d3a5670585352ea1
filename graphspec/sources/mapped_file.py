"""A memory-mapped array that reports when its file is truncated.

Reading a mapped page beyond the end of the file kills the process, so the size of the file is checked before each read.
Replacing the file is harmless: the mapping keeps the old one.

Pages that were read count as memory of the process until they are released, which happens regularly: otherwise an epoch
over 20 GB would reach a memory limit.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec.sources.source import DataError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


_PAGES = 1 << 16
"""The most bytes that the system maps when one byte is read."""
MAX_MAPPED = 1 << 27
"""Bytes of mapped pages after which they are released."""


class MappedFile:
    """A column over `array`, which is mapped from the first `needed` bytes of the file at `path`."""

    def __init__(self, array: Array, path: Path, text: str, needed: int) -> None:
        self.array, self.path, self.text, self.needed = array, path, text, needed
        self.shape, self.dtype = array.shape, array.dtype
        self.inode = path.stat().st_ino
        self._bytes_per_sample = max(_PAGES, array.nbytes // max(1, len(array)))
        self._held = 0

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, at: Array, /) -> Array:
        self._check_size()
        samples: Array = self.array[at]
        self._held += len(samples) * self._bytes_per_sample
        if self._held > MAX_MAPPED:
            self._held = 0
            release_pages(self.array)
        return samples

    def _check_size(self) -> None:
        try:
            now = self.path.stat()
        except OSError:
            return  # the file is gone, but the mapping stays valid
        if now.st_ino == self.inode and now.st_size < self.needed:
            raise DataError(
                f"{self.text} was cut short while it was read: it holds {now.st_size:,} bytes of {self.needed:,}",
                help="leave data files alone while a model is trained on them; write new ones under another name",
            )


def release_pages(array: Array) -> None:
    """Release the pages of a memory-mapped array, on systems that can."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
