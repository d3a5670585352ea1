"""Samples as files that can be memory-mapped, written block by block, and read back at random access.

Numbers, and text of a fixed width, are one `.npy` file, `values.npy`. Other text is two: `text.npy`, the UTF-8 bytes of
all of it, and `offsets.npy`, where each text begins and the last one ends.
"""

from __future__ import annotations

import io
import math
import mmap
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from graphspec.sources.mapped_file import MappedFile
from graphspec.sources.source import DataError

if TYPE_CHECKING:
    import numpy as np

    from graphspec.sources.column import Column

    Array = np.ndarray[Any, Any]

VALUES, TEXT, OFFSETS = "values.npy", "text.npy", "offsets.npy"
_ROWS = 1 << 16
"""Rows that are written anew together, where the dtype turns out wider."""

_MOST = 1 << 27
"""Bytes of mapped pages after which they are given back."""


class Writer:
    """Writes blocks of samples to `folder`. Its methods raise OSError where the disk does not take them."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder, self.text = folder, text
        self.count = 0
        self.inner: tuple[int, ...] | None = None
        self._values: _Npy | None = None
        self._offsets: _Npy | None = None
        self._end = 0

    @property
    def size(self) -> int:
        """The bytes written so far."""
        return sum(each.size for each in (self._values, self._offsets) if each is not None)

    @property
    def holds_text(self) -> bool:
        """Whether the samples are text, which takes as many bytes as it is long."""
        return self._offsets is not None

    def add(self, block: Array) -> None:
        """Write the samples of one more block. Raises DataError where they are not shaped like those before."""
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
        """Complete the headers, and have all of it on the disk."""
        for each in (self._values, self._offsets):
            if each is not None:
                each.finish()

    def close(self) -> None:
        """Close the files, complete or not."""
        for each in (self._values, self._offsets):
            if each is not None:
                with suppress(OSError):  # what it still holds does not fit the disk, which has been told
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
        """Always of one length: NumPy leaves room for the first axis to grow."""
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
        """Write what has been written again, as `dtype`."""
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
    """A column of text in memory-mapped files. offsets: shape (texts + 1,); text: the bytes of all."""

    def __init__(self, offsets: Array, text: Array, shape: tuple[int, ...]) -> None:
        import numpy as np

        self.offsets, self.text, self.shape = offsets, text, shape
        self.dtype = np.dtype(object)
        self._held = 0

    @property
    def bytes_per_sample(self) -> int:
        """How many bytes a sample takes on average."""
        return len(self.text) // max(1, len(self))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, at: Array, /) -> Array:
        """The samples at the indices `at`, as `str`: shape (len(at), *shape[1:])."""
        import numpy as np

        each = math.prod(self.shape[1:])
        places = (np.asarray(at, np.int64)[:, None] * each + np.arange(each)).reshape(-1)
        starts, ends = self.offsets[places], self.offsets[places + 1]
        bounds = zip(starts.tolist(), ends.tolist(), strict=True)
        held = self.text.data
        found = np.empty(len(places), object)
        found[:] = [str(held[start:end], "utf-8", "surrogatepass") for start, end in bounds]
        del held
        self._give_back(len(places) * mmap.ALLOCATIONGRANULARITY + int((ends - starts).sum()))
        return found.reshape(len(at), *self.shape[1:])

    def _give_back(self, read: int) -> None:
        """Give the mapped pages back once many bytes were read: until then they count as memory of the process."""
        self._held += read
        if self._held > _MOST and hasattr(mmap, "MADV_DONTNEED"):
            self._held = 0
            for array in (self.offsets, self.text):
                mapped = getattr(array, "_mmap", None)
                if mapped is not None:
                    mapped.madvise(mmap.MADV_DONTNEED)


def opened(folder: Path, shape: Sequence[int]) -> Column:
    """The column of the given shape in `folder`. Raises ValueError or OSError where the files do not hold it."""
    import numpy as np

    def mapped(name: str) -> Array:
        array: Array = np.load(folder / name, mmap_mode="r", allow_pickle=False)
        if (folder / name).stat().st_size != getattr(array, "offset", 0) + array.nbytes:
            raise ValueError(f"{name} has not the size that its header tells")
        return array

    if (folder / VALUES).exists():
        values = mapped(VALUES)
        if values.shape != tuple(shape):
            raise ValueError(f"{VALUES} has not the shape {list(shape)}")
        path = folder / VALUES
        return MappedFile(values, path, str(path), path.stat().st_size) if values.size else values
    offsets, text = mapped(OFFSETS), mapped(TEXT)
    if len(offsets) != math.prod(shape) + 1 or int(offsets[-1]) != len(text):
        raise ValueError(f"{OFFSETS} does not fit {TEXT}")
    return Texts(offsets, text, tuple(shape))
