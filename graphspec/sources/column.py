"""Columns: arrays of samples at random access, in memory, memory-mapped or computed lazily from other columns.

A column has a shape, whose first axis is the samples, and a dtype; indexing it with an array of indices returns those
samples. A NumPy array is a column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

from graphspec.sources.source import Window

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Column(Protocol):
    """An array of samples at random access; where it leaves out some, `skipped` holds their indices."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of samples, followed by the shape of one."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values; for text `object` or one of NumPy's string dtypes."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, at: Array, /) -> Array:
        """Return the samples at the indices `at`, shape (len(at), *shape[1:])."""
        ...


class Mapped:
    """A column computed from another: `change` maps a batch of its samples to samples of `shape` and `dtype`."""

    scanned: Column | None = None
    """The column to scan instead, where this one repeats or fills in values."""

    def __init__(
        self, base: Column, shape: tuple[int, ...], dtype: np.dtype[Any], change: Callable[[Array], Array]
    ) -> None:
        self.base, self.dtype, self._change = base, dtype, change
        self.shape = (len(base), *shape)

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, at: Array, /) -> Array:
        return self._change(self.base[at])


class Joined:
    """The concatenation of several columns, such as shards."""

    def __init__(self, parts: Sequence[Column]) -> None:
        import numpy as np

        self.parts = parts
        self.ends = np.cumsum([len(part) for part in parts])
        self.shape: tuple[int, ...] = (int(self.ends[-1]), *parts[0].shape[1:])
        self.dtype = np.result_type(*(part.dtype for part in parts))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, at: Array, /) -> Array:
        import numpy as np

        samples = np.empty((len(at), *self.shape[1:]), self.dtype)
        shard = np.searchsorted(self.ends, at, side="right")
        for number in np.unique(shard):
            chosen = shard == number
            start = self.ends[number] - len(self.parts[number])
            samples[chosen] = self.parts[number][at[chosen] - start]
        return samples


class Windows:
    """The windows of a series, or the target step of each."""

    scanned: Column | None = None
    """The column to scan instead, where windows overlap."""

    def __init__(self, base: Column, window: Window, *, is_target: bool) -> None:
        import numpy as np

        self.base, self.window, self.dtype = base, window, base.dtype
        self.offsets = np.array([window.size - 1 + window.horizon]) if is_target else np.arange(window.size)
        inner = () if is_target else (window.size,)
        self.shape: tuple[int, ...] = (window.count(len(base)), *inner, *base.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, at: Array, /) -> Array:
        import numpy as np

        steps = (np.asarray(at, np.int64)[:, None] * self.window.stride + self.offsets).reshape(-1)
        return self.base[steps].reshape(len(at), *self.shape[1:])


class Leading:
    """The first `count` samples of a column."""

    def __init__(self, base: Column, count: int) -> None:
        self.base, self.dtype = base, base.dtype
        self.shape: tuple[int, ...] = (count, *base.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, at: Array, /) -> Array:
        return self.base[at]


def windowed_steps(base: Column, window: Window, *, is_target: bool) -> Column:
    """Return the steps of a series that windows use, each once, for a scan."""
    windows = Windows(base, window, is_target=is_target)
    if is_target or window.stride >= window.size or not len(windows):
        return windows
    return Leading(base, (len(windows) - 1) * window.stride + window.size)


def skipped(column: Column) -> Array:
    """Return the indices of the samples that `column` leaves out."""
    import numpy as np

    while isinstance(column, Mapped):
        column = column.base
    indices: Array = getattr(column, "skipped", np.zeros(0, np.int64))
    return indices


def skipped_files(column: Column) -> list[str]:
    """Return the names of the files whose samples `column` leaves out."""
    while isinstance(column, Mapped):
        column = column.base
    names: list[str] = getattr(column, "skipped_files", [])
    return names


def rows_together(column: Column, numbers: int = 1 << 22) -> int:
    """Return how many samples to read at once to stay near the memory of `numbers` numbers."""
    at_once = numbers if column.dtype.kind != "O" else numbers // 64  # a text takes as much as many numbers
    rows = at_once // max(1, prod(column.shape[1:]))
    return max(1, min(rows, 16 * numbers // max(1, _bytes_per_sample(column))))


def _bytes_per_sample(column: Column) -> int:
    """Return the average bytes of text in a sample of `column` or its base, or 0."""
    if isinstance(column, Joined):
        return max(map(_bytes_per_sample, column.parts))
    base = getattr(column, "base", None)
    size: int = getattr(column, "bytes_per_sample", 0)
    return size if base is None else _bytes_per_sample(base)


def in_order(column: Column, start: int, stop: int) -> Array:
    """Return the samples from `start` to `stop`, of a NumPy array without a copy."""
    import numpy as np

    if isinstance(column, np.ndarray):
        return column[start:stop]
    return column[np.arange(start, min(stop, len(column)))]


def dtype_of(column: Column) -> str:
    """Return the dtype of a column as Keras names it."""
    return "string" if column.dtype.kind in "USO" else str(column.dtype)
