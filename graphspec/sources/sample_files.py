"""Converted samples: memory-mapped files that are written block by block and read at random access.

Numbers and fixed-width text are stored in `values.npy`. Other text takes two files: `text.npy`, the UTF-8 bytes of all
texts, and `offsets.npy`, the start of each text and the end of the last.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from graphspec.sources.mapped_file import MappedFile, pages
from graphspec.sources.source import DataError

if TYPE_CHECKING:
    import numpy as np

    from graphspec.sources.column import Column

    Array = np.ndarray[Any, Any]

VALUES, TEXT, OFFSETS = "values.npy", "text.npy", "offsets.npy"
_ROWS = 1 << 16
"""Rows that are rewritten at once when the dtype has to become wider."""


class Writer:
    """A writer of blocks of samples to `folder`; its methods raise OSError where the disk refuses them."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder, self.text = folder, text
        self.count = 0
        self.inner: tuple[int, ...] | None = None
        self._values: _Npy | None = None
        self._offsets: _Npy | None = None
        self._end = 0

    @property
    def size(self) -> int:
        """Return the number of bytes written so far."""
        return sum(each.size for each in (self._values, self._offsets) if each is not None)

    @property
    def holds_text(self) -> bool:
        """Return whether the samples are text of variable length."""
        return self._offsets is not None

    def add(self, block: Array) -> None:
        """Write the samples of one block.

        Raises:
            DataError: The samples have another shape than those before.
        """
        import numpy as np

        if self.inner is None:
            self.inner = block.shape[1:]
        if block.shape[1:] != self.inner or (block.dtype == object and self._values and not self._offsets):
            raise DataError(
                f"{self.text} holds samples of shape {list(block.shape[1:])} after some of shape {list(self.inner)}",
                help="all samples must have one shape",
            )
        self.count += len(block)
        if block.dtype != object:
            self._values = self._values or _Npy(self.folder / VALUES, np.result_type(block.dtype), block.shape[1:])
            self._values.add(block)
            return
        if self._values is None or self._offsets is None:
            self._values = _Npy(self.folder / TEXT, np.dtype(np.uint8), ())
            self._offsets = _Npy(self.folder / OFFSETS, np.dtype(np.int64), ())
            self._offsets.add(np.zeros(1, np.int64))
        ends: list[int] = []
        for text in block.reshape(-1).tolist():  # one by one: a block may hold one long text many times
            data = str(text).encode("utf-8", "surrogatepass")
            self._end += len(data)
            ends.append(self._end)
            self._values.add(np.frombuffer(data, np.uint8))
        self._offsets.add(np.array(ends, np.int64))

    def finish(self) -> None:
        """Complete the headers and flush everything to disk."""
        for each in (self._values, self._offsets):
            if each is not None:
                each.finish()

    def close(self) -> None:
        """Close the files, complete or not."""
        for each in (self._values, self._offsets):
            if each is not None:
                with suppress(OSError):  # the flush of its buffer fails on a full disk, already reported
                    each.file.close()


class _Npy:
    """A `.npy` file whose first axis grows, and whose dtype may become wider."""

    def __init__(self, path: Path, dtype: np.dtype[Any], inner: tuple[int, ...]) -> None:
        self.path, self.dtype, self.inner, self.count = path, dtype, inner, 0
        self.file: IO[bytes] = open(path, "wb")  # noqa: SIM115
        self.start = self.file.write(self._header())

    @property
    def size(self) -> int:
        return self.start + self.count * self.dtype.itemsize * math.prod(self.inner)

    def _header(self) -> bytes:
        """Return the header, always of one length: NumPy leaves room for the first axis to grow."""
        from numpy.lib import format

        written = io.BytesIO()
        fields = {
            "descr": format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self.count, *self.inner),
        }
        format.write_array_header_1_0(written, fields)
        return written.getvalue()

    def add(self, block: Array) -> None:
        import numpy as np

        wider = np.result_type(self.dtype, block.dtype)
        if wider != self.dtype:
            self._widen(wider)
        self.file.write(np.ascontiguousarray(block, self.dtype).reshape(-1).view(np.uint8).data)
        self.count += len(block)

    def _widen(self, dtype: np.dtype[Any]) -> None:
        """Rewrite the file with the wider `dtype`."""
        import numpy as np

        self.finish()
        wider = _Npy(self.path.with_name(f"{self.path.name}.wider"), dtype, self.inner)
        narrow = np.load(self.path, mmap_mode="r", allow_pickle=False)
        for start in range(0, len(narrow), _ROWS):
            wider.add(narrow[start : start + _ROWS])
        del narrow
        wider.file.flush()
        wider.path.replace(self.path)
        self.file, self.dtype, self.start = wider.file, dtype, wider.start

    def finish(self) -> None:
        self.file.seek(0)
        self.file.write(self._header())
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


class Texts:
    """A column of text in memory-mapped files: `offsets` of shape (texts + 1,) and the bytes `text` of all."""

    def __init__(self, offsets: Array, text: Array, shape: tuple[int, ...]) -> None:
        import numpy as np

        self.offsets, self.text, self.shape = offsets, text, shape
        self.dtype = np.dtype(object)

    @property
    def bytes_per_sample(self) -> int:
        """Return the average bytes of a sample."""
        return len(self.text) // max(1, len(self))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, at: Array, /) -> Array:
        """Return the samples at the indices `at` as `str`, shape (len(at), *shape[1:])."""
        import numpy as np

        each = math.prod(self.shape[1:])
        places = (np.asarray(at, np.int64)[:, None] * each + np.arange(each)).reshape(-1)
        starts, ends = self.offsets[places], self.offsets[places + 1]
        bounds = zip(starts.tolist(), ends.tolist(), strict=True)
        data = self.text.data
        texts = np.empty(len(places), object)
        texts[:] = [str(data[start:end], "utf-8", "surrogatepass") for start, end in bounds]
        del data
        pages.add(self.offsets, len(places), 0)
        pages.add(self.text, len(places), int((ends - starts).sum()))
        return texts.reshape(len(at), *self.shape[1:])


def open_column(folder: Path, shape: Sequence[int]) -> Column:
    """Return the converted column of `shape` in `folder`.

    Raises:
        ValueError: The files are damaged or have another shape.
        OSError: A file cannot be read.
    """
    import numpy as np

    def mapped(name: str) -> Array:
        array: Array = np.load(folder / name, mmap_mode="r", allow_pickle=False)
        if (folder / name).stat().st_size != getattr(array, "offset", 0) + array.nbytes:
            raise ValueError(f"{name} does not have the size in its header")
        return array

    if (folder / VALUES).exists():
        values = mapped(VALUES)
        if values.shape != tuple(shape):
            raise ValueError(f"{VALUES} does not have the shape {list(shape)}")
        path = folder / VALUES
        return MappedFile(values, path, str(path), path.stat().st_size) if values.size else values
    offsets, text = mapped(OFFSETS), mapped(TEXT)
    if len(offsets) != math.prod(shape) + 1 or int(offsets[-1]) != len(text):
        raise ValueError(f"{OFFSETS} does not fit {TEXT}")
    return Texts(offsets, text, tuple(shape))
