"""A memory-mapped array that reports when its file is truncated.

Reading a mapped page beyond the end of the file kills the process, so the size of the file is checked before each read.
Replacing the file is harmless: the mapping keeps the old one.

Pages that were read count as memory of the process until they are released, which happens as soon as those of all files
are many: otherwise an epoch over 20 GB would reach a memory limit. Small files stay mapped: to map a page again takes
longer than to copy a small sample.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from graphspec.sources.source import DataError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


_PAGES = 1 << 16
"""The most bytes that the system maps when one byte is read."""

MAX_MAPPED = 1 << 28
"""Bytes of mapped pages, of all files, after which they are released."""


class _MappedPages:
    """The pages of all mapped files that count as memory of this process, at most."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: WeakKeyDictionary[mmap.mmap, int] = WeakKeyDictionary()
        self._total = 0

    def add(self, array: Array, places: int, size: int) -> None:
        """Count `size` bytes read at `places` places of a mapped array; release the pages of all files if too many."""
        mapped: mmap.mmap | None = getattr(array, "_mmap", None)
        if mapped is None or not hasattr(mmap, "MADV_DONTNEED"):
            return
        with self._lock:
            held = self._held.get(mapped, 0)
            self._held[mapped] = min(held + places * _PAGES + size, len(mapped))
            self._total += self._held[mapped] - held
            if self._total > MAX_MAPPED:
                for each in self._held:
                    each.madvise(mmap.MADV_DONTNEED)
                self._held.clear()
                self._total = 0


pages = _MappedPages()


class MappedFile:
    """A column over `array`, which is mapped from the first `needed` bytes of the file at `path`."""

    def __init__(self, array: Array, path: Path, text: str, needed: int) -> None:
        self.array, self.path, self.text, self.needed = array, path, text, needed
        self.shape, self.dtype = array.shape, array.dtype
        self.inode = path.stat().st_ino
        self._bytes_per_sample = array.nbytes // max(1, len(array))

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, at: Array, /) -> Array:
        self._check_size()
        samples: Array = self.array[at]
        pages.add(self.array, len(samples), len(samples) * self._bytes_per_sample)
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
