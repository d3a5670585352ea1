"""Lists in a column of a table → a further axis of its samples: all of one length, or padded to one.

Lists come as their innermost values in a row, and the lengths of the lists at each depth, outermost first. Samples come
in blocks, and all blocks must agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphspec.sources.formats.table_columns import part_of
from graphspec.sources.source import DataError, DataSource

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Lists:
    """The lists of one column; remembers what length they have, as the first block tells it.

    place is what a sample of the file is called in messages: `row`, or `line`.
    """

    def __init__(self, source: DataSource, name: str, place: str = "row") -> None:
        self.source, self.name, self.place = source, name, place
        self.sizes: dict[int, int] = {}
        self.shape: tuple[int, ...] | None = None

    def stack(self, values: Array, lengths: list[Array], numbers: Array) -> Array:
        """One array of the shape (samples, length of the outermost lists, ..., length of the innermost).

        values has the shape (all innermost values, ...); numbers names each sample in messages. With `pad`, the
        outermost lists are filled with zeros, or empty texts, or cut at their ends. Raises DataError, with the place
        and both lengths, where lists differ that are not padded.
        """
        found = self._stacked(values, lengths, numbers)
        self.shape = self.shape if self.shape is not None else found.shape[1:]
        if found.shape[1:] != self.shape:  # lists in some blocks, or only empty ones
            raise DataError(
                f"{self.source.text} {self.place} {numbers[0]} column `{self.name}` holds values of shape "
                f"{list(found.shape[1:])} where those before it hold {list(self.shape)}",
                part=part_of(self.source),
                help="all values of a column must have one shape",
            )
        return found

    def _stacked(self, values: Array, lengths: list[Array], numbers: Array) -> Array:
        if not lengths:
            return values
        pad = self.source.transforms.pad
        owners = numbers
        inner: list[int] = []
        for depth, each in enumerate(lengths):
            if depth or pad is None:
                inner.append(self._agreed(depth, each, owners))
            owners = owners.repeat(each)
        if pad is None:
            return values.reshape(len(numbers), *inner, *values.shape[1:])
        try:
            return _padded(values.reshape(int(lengths[0].sum()), *inner, *values.shape[1:]), lengths[0], pad)
        except MemoryError:
            raise DataError(
                f"there is no memory for lists of {pad:,}", part="pad", help="write a smaller `pad`"
            ) from None

    def _agreed(self, depth: int, lengths: Array, owners: Array) -> int:
        """The one length that all lists at `depth` have."""
        if not len(lengths):
            return self.sizes.get(depth, 0)
        size = self.sizes.setdefault(depth, int(lengths[0]))
        differing = (lengths != size).nonzero()[0]
        if len(differing):
            at = differing[0]
            raise DataError(
                f"{self.source.text} {self.place} {owners[at]} column `{self.name}` holds a list of "
                f"{lengths[at]:,} where those before it hold {size:,}",
                part=part_of(self.source),
                help=f"`pad: {max(size, int(lengths.max()))}` fills and cuts lists to one length"
                if depth == 0
                else "make all inner lists equally long",
            )
        return size


def _padded(values: Array, lengths: Array, pad: int) -> Array:
    """The lists in `values`, filled or cut to the length `pad`: shape (lists, pad, ...)."""
    import numpy as np

    empty = "" if values.dtype == object else 0
    found = np.full((len(lengths), pad, *values.shape[1:]), empty, values.dtype)
    kept = np.minimum(lengths, pad)
    starts = np.cumsum(lengths) - lengths
    total = int(kept.sum())
    within = np.arange(total) - (np.cumsum(kept) - kept).repeat(kept)
    found[np.arange(len(lengths)).repeat(kept), within] = values[starts.repeat(kept) + within]
    return found


def stacked(columns: list[Array], source: DataSource, names: list[str]) -> Array:
    """The one array of `column`, or those of `columns` on a last axis. Raises DataError where their shapes differ."""
    import numpy as np

    if source.column is not None:
        return columns[0]
    for array, name in zip(columns, names, strict=True):
        if array.shape != columns[0].shape:
            raise DataError(
                f"{source.text} holds {_a_value(array)} in the column `{name}` and {_a_value(columns[0])} in "
                f"`{names[0]}`, which cannot be stacked",
                part="columns",
                help="name columns of the same shape, or make one input of each",
            )
    return np.stack(columns, axis=-1)


def _a_value(array: Array) -> str:
    return f"lists of shape {list(array.shape[1:])}" if array.ndim > 1 else "single values"
