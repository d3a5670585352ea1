"""Stacking of the lists in a column of a table into further axes of its samples, and of columns into a last axis.

Nested lists are represented by their innermost values and the lengths of the lists at each depth, outermost first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphspec.sources.formats.table_columns import part_of
from graphspec.sources.source import DataError, DataSource

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Lists:
    """A stacker of the lists of one column, block by block, that keeps the sizes of the first block.

    Args:
        source: The source of the column.
        name: The column in messages.
        place: The word for a sample in messages: `row` or `line`.
    """

    def __init__(self, source: DataSource, name: str, place: str = "row") -> None:
        self.source, self.name, self.place = source, name, place
        self.sizes: dict[int, int] = {}
        self.shape: tuple[int, ...] | None = None

    def stack(self, values: Array, lengths: list[Array], numbers: Array) -> Array:
        """Return one block as an array; with `pad`, the outermost lists are padded or truncated at their ends.

        Args:
            values: The innermost values, shape (values, ...).
            lengths: The lengths of the lists at each depth, outermost first.
            numbers: The row or line of each sample, for messages.

        Returns:
            Shape (samples, length of the outermost lists, ..., length of the innermost lists, ...).

        Raises:
            DataError: lists without padding differ in length, or this block differs in shape from the first.
        """
        array = self._stack(values, lengths, numbers)
        self.shape = self.shape if self.shape is not None else array.shape[1:]
        if array.shape[1:] != self.shape:  # a block without lists, or with empty ones alone
            raise DataError(
                f"{self.source.text} {self.place} {numbers[0]} column `{self.name}` holds values of shape "
                f"{list(array.shape[1:])} where those before it hold {list(self.shape)}",
                part=part_of(self.source),
                help="all values of a column must have one shape",
            )
        return array

    def _stack(self, values: Array, lengths: list[Array], numbers: Array) -> Array:
        if not lengths:
            return values
        pad = self.source.transforms.pad
        owners = numbers
        inner: list[int] = []
        for depth, each in enumerate(lengths):
            if depth or pad is None:
                inner.append(self._common_length(depth, each, owners))
            owners = owners.repeat(each)
        if pad is None:
            return values.reshape(len(numbers), *inner, *values.shape[1:])
        return pad_lists(values.reshape(int(lengths[0].sum()), *inner, *values.shape[1:]), lengths[0], pad)

    def _common_length(self, depth: int, lengths: Array, owners: Array) -> int:
        """Return the length that all lists at `depth` share; raise DataError if they differ."""
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


def pad_lists(values: Array, lengths: Array, pad: int) -> Array:
    """Pad lists with zeros or empty texts, or truncate them, to one length.

    Args:
        values: The values of all lists, shape (values, ...).
        lengths: The length of each list, shape (lists,).
        pad: The length to give them.

    Returns:
        Shape (lists, pad, ...).

    Raises:
        DataError: there is no memory for the lists.
    """
    import numpy as np

    empty = "" if values.dtype == object else 0
    try:
        array = np.full((len(lengths), pad, *values.shape[1:]), empty, values.dtype)
    except MemoryError:
        raise DataError(f"there is no memory for lists of {pad:,}", part="pad", help="write a smaller `pad`") from None
    kept = np.minimum(lengths, pad)
    starts = np.cumsum(lengths) - lengths
    total = int(kept.sum())
    within = np.arange(total) - (np.cumsum(kept) - kept).repeat(kept)
    array[np.arange(len(lengths)).repeat(kept), within] = values[starts.repeat(kept) + within]
    return array


def stack_columns(columns: list[Array], source: DataSource, names: list[str]) -> Array:
    """Return the array of `column`, or those of `columns` stacked on a last axis.

    Raises:
        DataError: the arrays differ in shape.
    """
    import numpy as np

    if source.column is not None:
        return columns[0]
    for array, name in zip(columns, names, strict=True):
        if array.shape != columns[0].shape:
            raise DataError(
                f"{source.text} holds {_shape_phrase(array)} in the column `{name}` and {_shape_phrase(columns[0])} in "
                f"`{names[0]}`, which cannot be stacked",
                part="columns",
                help="name columns of the same shape, or make one input of each",
            )
    return np.stack(columns, axis=-1)


def _shape_phrase(array: Array) -> str:
    return f"lists of shape {list(array.shape[1:])}" if array.ndim > 1 else "single values"
