"""Transforms of the values that a file holds, on headers and on columns.

The order is fixed: vocabulary, pad, scale, cast, one_hot, window. Each is applied to headers as to columns.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from graphspec.diagnostics.suggest import did_you_mean
from graphspec.sources.column import Mapped, Windows, rows_together, windowed_steps
from graphspec.sources.source import AUTO, DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

    from graphspec.sources.column import Column

    Array = np.ndarray[Any, Any]

_HALF = re.compile("[\ud800-\udfff]")

MAX_SAMPLE_ELEMENTS = 67_108_864
"""Values of one sample after all transforms: otherwise a small file could fill the memory."""

FLOATS = ("float16", "float32", "float64", "bfloat16")


def transformed_header(head: Header, source: DataSource) -> Header:
    """Return the header after all transforms of `source`; raise DataError if one does not fit it."""
    transforms = source.transforms
    if transforms.vocabulary is not None:
        head = replace(head, dtype="int64")
    if transforms.pad is not None:
        if not head.shape:
            raise DataError(
                f"`pad` lengthens lists, and {source.text} holds single values", part="pad", help="remove `pad`"
            )
        head = replace(head, shape=(transforms.pad, *head.shape[1:]))
    for key in ("scale", "one_hot"):
        if getattr(transforms, key) is not None and head.dtype == "string":
            raise DataError(
                f"`{key}` needs numbers, and {source.text} holds text", part=key,
                help="`vocabulary: auto` turns text into indices" if key == "one_hot" else f"remove `{key}`",
            )  # fmt: skip
    if transforms.scale is not None:
        head = replace(head, dtype="float64" if head.dtype == "float64" else "float32")
    if transforms.cast is not None:
        head = replace(head, dtype=transforms.cast)
    if transforms.one_hot is not None:
        head = replace(head, shape=(*_index_shape(head.shape), transforms.one_hot), dtype="float32")
    if transforms.window is not None:
        shape = head.shape if source.is_target else (transforms.window.size, *head.shape)
        samples = transforms.window.count(head.samples) if head.samples is not None else None
        if samples == 0:
            raise DataError(
                f"{source.text} holds {head.samples:,} steps, too few for one window of {transforms.window.size} and a "
                f"horizon of {transforms.window.horizon}", part="window", help="make the window smaller",
            )  # fmt: skip
        head = replace(head, shape=shape, samples=samples)
    enlarging = [key for key in ("window", "one_hot", "pad") if getattr(transforms, key) is not None]
    values = prod(size or 1 for size in head.shape)
    if enlarging and values > MAX_SAMPLE_ELEMENTS:
        raise DataError(
            f"a sample of {source.text} would hold {values:,} numbers, more than {MAX_SAMPLE_ELEMENTS:,}",
            part=enlarging[0], help=f"make `{enlarging[0]}` smaller",
        )  # fmt: skip
    return head


def _index_shape(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the shape of class indices: as in Keras, without a last axis of one."""
    return shape[:-1] if shape[-1:] == (1,) else shape


def transformed(column: Column, source: DataSource) -> Column:
    """Return the column after all transforms of `source`; reading a value of it may raise DataError.

    If values are repeated or filled in, its `scanned` is the column of each value of the files once.
    """
    transforms = source.transforms
    result = _apply(column, source)
    is_enlarged = transforms.pad is not None or transforms.one_hot is not None or transforms.window is not None
    if is_enlarged and result is not column and isinstance(result, Mapped | Windows):
        result.scanned = _apply(column, source, each_once=True)
    return result


def _apply(column: Column, source: DataSource, *, each_once: bool = False) -> Column:
    """Return the column after all transforms, with `each_once` without repeated and filled-in values."""
    import numpy as np

    transforms = source.transforms
    if transforms.vocabulary is not None and transforms.vocabulary != AUTO:
        column = _look_up(column, source, transforms.vocabulary)
    if transforms.pad is not None and column.shape[1:2] != (transforms.pad,):
        column = _truncate(column, transforms.pad) if each_once else _pad(column, transforms.pad)
    if transforms.scale is not None:
        dtype = np.dtype("float64" if column.dtype == np.float64 else "float32")
        factor = dtype.type(transforms.scale)
        column = Mapped(column, column.shape[1:], dtype, lambda values: values.astype(dtype) * factor)
    if transforms.cast is not None:
        column = _cast(column, transforms.cast)
    if transforms.one_hot is not None:
        column = _one_hot(column, source, transforms.one_hot, only_checked=each_once)
    if transforms.window is not None and not each_once:
        column = Windows(column, transforms.window, is_target=source.is_target)
    elif transforms.window is not None:
        column = windowed_steps(column, transforms.window, is_target=source.is_target)
    return column


def _cast(column: Column, dtype: str) -> Column:
    import numpy as np

    if dtype == "string":
        return Mapped(column, column.shape[1:], np.dtype(object), lambda values: values.astype(str).astype(object))
    kind = np.dtype("float32" if dtype == "bfloat16" else dtype)
    return Mapped(column, column.shape[1:], kind, lambda values: values.astype(kind))


def _look_up(column: Column, source: DataSource, words: tuple[str | int, ...]) -> Column:
    import numpy as np

    indices = {as_word(word): index for index, word in enumerate(words)}

    def look_up(values: Array) -> Array:
        try:
            flat = [indices[as_word(value)] for value in values.reshape(-1).tolist()]
        except KeyError as missing:
            word = missing.args[0]
            help = "add it to the vocabulary, or fix the file"
            raise DataError(
                f"{source.text} holds {f'`{word[:60]}`' if source.is_shown else 'a word'}, which is not in the "
                "vocabulary",
                part="vocabulary",
                help=did_you_mean(word, list(indices), help) if source.is_shown else help,
            ) from None
        return np.array(flat, np.int64).reshape(values.shape)

    return Mapped(column, column.shape[1:], np.dtype(np.int64), look_up)


def as_word(value: object) -> str:
    """Return a value as an entry of a vocabulary: UTF-8 text, or a number, whole ones without a point."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def is_broken(value: object) -> bool:
    """Return whether `value` is a text with half a surrogate pair, as JSON and NumPy allow."""
    return isinstance(value, str) and not value.isascii() and _HALF.search(value) is not None


def _truncate(column: Column, length: int) -> Column:
    shape = (min(length, column.shape[1]), *column.shape[2:])
    return Mapped(column, shape, column.dtype, lambda values: values[:, :length])


def _pad(column: Column, length: int) -> Column:
    import numpy as np

    inner = column.shape[2:]

    def pad(values: Array) -> Array:
        empty = "" if values.dtype.kind in "USO" else 0
        padded = np.full((len(values), length, *inner), empty, values.dtype)
        padded[:, : values.shape[1]] = values[:, :length]
        return padded

    return Mapped(column, (length, *inner), column.dtype, pad)


def _one_hot(column: Column, source: DataSource, count: int, *, only_checked: bool = False) -> Column:
    import numpy as np

    shape = _index_shape(column.shape[1:])

    def checked(values: Array) -> Array:
        at = values.reshape(len(values), *shape)
        whole: Array = at.astype(np.int64)
        wrong = (whole != at) | (whole < 0) | (whole >= count)
        if wrong.any():
            raise DataError(
                f"{source.text} holds {at[wrong].reshape(-1)[0]}, which is no index from 0 to {count - 1}",
                part="one_hot",
                help=f"write `one_hot: {int(whole.max()) + 1}`, or fix the file",
            )
        return whole

    def spread(values: Array) -> Array:
        whole = checked(values)
        rows = np.zeros((*whole.shape, count), np.float32)
        np.put_along_axis(rows, whole[..., None], 1, axis=-1)
        return rows

    if only_checked:  # a one-hot vector holds a 1 and zeros
        return Mapped(column, (2,), np.dtype(np.float32), lambda values: np.eye(2)[np.zeros(len(checked(values)), int)])
    return Mapped(column, (*shape, count), np.dtype(np.float32), spread)


def vocabulary_of(column: Column, source: DataSource) -> tuple[str, ...]:
    """Return the sorted words of a column, whole numbers by value; raise DataError if there are none."""
    from graphspec.sources.column import in_order

    words: set[str] = set()
    rows = rows_together(column)
    for start in range(0, len(column), rows):
        words.update(map(as_word, in_order(column, start, start + rows).reshape(-1).tolist()))
    if any(map(is_broken, words)):
        raise DataError(
            f"{source.text} holds a word with half a surrogate pair, which is no text", part="vocabulary",
            help="fix the file",
        )  # fmt: skip
    if not words:
        raise DataError(f"{source.text} holds no words", part="vocabulary", help="name the vocabulary")
    are_numbers = all(word.lstrip("-").isdecimal() for word in words)
    return tuple(sorted(words, key=int) if are_numbers else sorted(words))
