"""Transforms of the values that a file holds, on headers and on columns.

The order is fixed: vocabulary, pad, scale, cast, one_hot, window. Each predicts on a header what it does to a column.
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
"""Elements of one sample after all transforms at most: a small file could become enormous."""

FLOATS = ("float16", "float32", "float64", "bfloat16")


def transformed_header(found: Header, source: DataSource) -> Header:
    """Return the header after all transforms of `source`. Raises DataError where one does not fit."""
    made = source.transforms
    if made.vocabulary is not None:
        found = replace(found, dtype="int64")
    if made.pad is not None:
        if not found.shape:
            raise DataError(
                f"`pad` lengthens lists, and {source.text} holds single values", part="pad", help="remove `pad`"
            )
        found = replace(found, shape=(made.pad, *found.shape[1:]))
    for key in ("scale", "one_hot"):
        if getattr(made, key) is not None and found.dtype == "string":
            raise DataError(
                f"`{key}` needs numbers, and {source.text} holds text", part=key,
                help="`vocabulary: auto` turns text into indices" if key == "one_hot" else f"remove `{key}`",
            )  # fmt: skip
    if made.scale is not None:
        found = replace(found, dtype="float64" if found.dtype == "float64" else "float32")
    if made.cast is not None:
        found = replace(found, dtype=made.cast)
    if made.one_hot is not None:
        found = replace(found, shape=(*_indices(found.shape), made.one_hot), dtype="float32")
    if made.window is not None:
        shape = found.shape if source.is_target else (made.window.size, *found.shape)
        samples = made.window.count(found.samples) if found.samples is not None else None
        if samples == 0:
            raise DataError(
                f"{source.text} holds {found.samples:,} steps, too few for one window of {made.window.size} and a "
                f"horizon of {made.window.horizon}", part="window", help="make the window smaller",
            )  # fmt: skip
        found = replace(found, shape=shape, samples=samples)
    enlarging = [key for key in ("window", "one_hot", "pad") if getattr(made, key) is not None]
    numbers = prod(size or 1 for size in found.shape)
    if enlarging and numbers > MAX_SAMPLE_ELEMENTS:
        raise DataError(
            f"a sample of {source.text} would hold {numbers:,} numbers, more than {MAX_SAMPLE_ELEMENTS:,}",
            part=enlarging[0], help=f"make `{enlarging[0]}` smaller",
        )  # fmt: skip
    return found


def _indices(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the shape of the indices: as in Keras, an index in a list of its own is an index.

    So is the one channel of an image whose pixels are indices.
    """
    return shape[:-1] if shape[-1:] == (1,) else shape


def transformed(column: Column, source: DataSource) -> Column:
    """Return the column after all transforms of `source`. Reading it may raise DataError for a value.

    Where values are repeated or filled in, its `scanned` holds each value of the files once.
    """
    made = source.transforms
    found = _made(column, source)
    is_enlarged = made.pad is not None or made.one_hot is not None or made.window is not None
    if is_enlarged and found is not column and isinstance(found, Mapped | Windows):
        found.scanned = _made(column, source, each_once=True)
    return found


def _made(column: Column, source: DataSource, *, each_once: bool = False) -> Column:
    """Return the column after all transforms; `each_once`: without repeated and filled-in values."""
    import numpy as np

    made = source.transforms
    if made.vocabulary is not None and made.vocabulary != AUTO:
        column = _looked_up(column, source, made.vocabulary)
    if made.pad is not None and column.shape[1:2] != (made.pad,):
        column = _cut(column, made.pad) if each_once else _padded(column, made.pad)
    if made.scale is not None:
        dtype = np.dtype("float64" if column.dtype == np.float64 else "float32")
        factor = dtype.type(made.scale)
        column = Mapped(column, column.shape[1:], dtype, lambda values: values.astype(dtype) * factor)
    if made.cast is not None:
        column = _cast(column, made.cast)
    if made.one_hot is not None:
        column = _one_hot(column, source, made.one_hot, only_checked=each_once)
    if made.window is not None and not each_once:
        column = Windows(column, made.window, is_target=source.is_target)
    elif made.window is not None:
        column = windowed_steps(column, made.window, is_target=source.is_target)
    return column


def _cast(column: Column, dtype: str) -> Column:
    import numpy as np

    if dtype == "string":
        return Mapped(column, column.shape[1:], np.dtype(object), lambda values: values.astype(str).astype(object))
    kind = np.dtype("float32" if dtype == "bfloat16" else dtype)
    return Mapped(column, column.shape[1:], kind, lambda values: values.astype(kind))


def _looked_up(column: Column, source: DataSource, words: tuple[str | int, ...]) -> Column:
    import numpy as np

    indices = {as_word(word): index for index, word in enumerate(words)}

    def look_up(values: Array) -> Array:
        try:
            found = [indices[as_word(value)] for value in values.reshape(-1).tolist()]
        except KeyError as missing:
            word = missing.args[0]
            mend = "add it to the vocabulary, or fix the file"
            raise DataError(
                f"{source.text} holds {f'`{word[:60]}`' if source.is_shown else 'a word'}, which is not in the "
                "vocabulary",
                part="vocabulary",
                help=did_you_mean(word, list(indices), mend) if source.is_shown else mend,
            ) from None
        return np.array(found, np.int64).reshape(values.shape)

    return Mapped(column, column.shape[1:], np.dtype(np.int64), look_up)


def as_word(value: object) -> str:
    """Return a value as an entry of a vocabulary: UTF-8 text, or a number, whole ones without a point."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def is_broken(value: object) -> bool:
    """Return whether `value` is a text with half a surrogate pair, as JSON and NumPy allow."""
    return isinstance(value, str) and not value.isascii() and _HALF.search(value) is not None


def _cut(column: Column, length: int) -> Column:
    shape = (min(length, column.shape[1]), *column.shape[2:])
    return Mapped(column, shape, column.dtype, lambda values: values[:, :length])


def _padded(column: Column, length: int) -> Column:
    import numpy as np

    inner = column.shape[2:]

    def pad(values: Array) -> Array:
        nothing = "" if values.dtype.kind in "USO" else 0
        padded = np.full((len(values), length, *inner), nothing, values.dtype)
        padded[:, : values.shape[1]] = values[:, :length]
        return padded

    return Mapped(column, (length, *inner), column.dtype, pad)


def _one_hot(column: Column, source: DataSource, count: int, *, only_checked: bool = False) -> Column:
    import numpy as np

    shape = _indices(column.shape[1:])

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

    if only_checked:  # a row holds one 1, and zeros
        return Mapped(column, (2,), np.dtype(np.float32), lambda values: np.eye(2)[np.zeros(len(checked(values)), int)])
    return Mapped(column, (*shape, count), np.dtype(np.float32), spread)


def vocabulary_of(column: Column, source: DataSource) -> tuple[str, ...]:
    """Return every word of a column, in order: text as text, numbers by value. Raises DataError."""
    from graphspec.sources.column import in_order

    words: set[str] = set()
    rows = rows_together(column)
    for start in range(0, len(column), rows):
        words.update(map(as_word, in_order(column, start, start + rows).reshape(-1).tolist()))
    if any(map(is_broken, words)):
        raise DataError(
            f"{source.text} holds a word with half a surrogate pair, which is no text", part="vocabulary",
            help="mend the file",
        )  # fmt: skip
    if not words:
        raise DataError(f"{source.text} holds no words", part="vocabulary", help="name the vocabulary")
    are_numbers = all(word.lstrip("-").isdecimal() for word in words)
    return tuple(sorted(words, key=int) if are_numbers else sorted(words))
