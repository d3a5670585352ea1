"""An array in a file that is mapped into memory, and that tells when the file has been cut short meanwhile.

To read a mapped page that the file no longer has ends the whole process, so the file's size is looked at before each
reading. A file that is replaced by another of its name does no harm: the mapping keeps the old one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec.sources.source import DataError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class MappedFile:
    """The column of `array`, which is mapped from the first `needed` bytes of the file at `path`."""

    def __init__(self, array: Array, path: Path, text: str, needed: int) -> None:
        self.array, self.path, self.text, self.needed = array, path, text, needed
        self.shape, self.dtype = array.shape, array.dtype
        self.inode = path.stat().st_ino

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, at: Array | slice, /) -> Array:
        try:
            now = self.path.stat()
        except OSError:
            return self.array[at]  # it was removed or is out of reach, and the mapping lives on
        if now.st_ino == self.inode and now.st_size < self.needed:
            raise DataError(
                f"{self.text} was cut short while it was read: it holds {now.st_size:,} bytes of {self.needed:,}",
                help="leave data files alone while a model is trained on them; write new ones under another name",
            )
        return self.array[at]
