"""An array in a file that is mapped into memory, and that tells when the file has been cut short meanwhile.

To read a mapped page that the file no longer has ends the whole process, so the file's size is looked at before each
reading. A file that is replaced by another of its name does no harm: the mapping keeps the old one.

Pages that were read count as memory of the process until they are given back, which is done now and then: an epoch over
20 GB would look like 20 GB otherwise, and be so to whoever sets a limit.
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
"""Bytes that the reading of a byte makes the system map at most, as long as they are in its cache."""
_MOST = 1 << 27
"""Bytes of mapped pages after which they are given back."""


class MappedFile:
    """The column of `array`, which is mapped from the first `needed` bytes of the file at `path`."""

    def __init__(self, array: Array, path: Path, text: str, needed: int) -> None:
        self.array, self.path, self.text, self.needed = array, path, text, needed
        self.shape, self.dtype = array.shape, array.dtype
        self.inode = path.stat().st_ino
        self._a_sample = max(_PAGES, array.nbytes // max(1, len(array)))
        self._held = 0

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, at: Array, /) -> Array:
        self._check_size()
        found: Array = self.array[at]
        self._held += len(found) * self._a_sample
        if self._held > _MOST:
            self._give_back()
        return found

    def _give_back(self) -> None:
        self._held = 0
        mapped = getattr(self.array, "_mmap", None)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)

    def _check_size(self) -> None:
        try:
            now = self.path.stat()
        except OSError:
            return  # it was removed or is out of reach, and the mapping lives on
        if now.st_ino == self.inode and now.st_size < self.needed:
            raise DataError(
                f"{self.text} was cut short while it was read: it holds {now.st_size:,} bytes of {self.needed:,}",
                help="leave data files alone while a model is trained on them; write new ones under another name",
            )
