"""What is known of a tensor before it exists: its shape, its dtype, and the mask that comes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Size = int | None
"""The size of one dimension; None is any, as in Keras."""

Shape = tuple[Size, ...]
"""Batch first, as in Keras."""

MAX_RANK = 64
"""Dimensions of a tensor: arrays of NumPy, from which Keras trains, have no more."""
MAX_ELEMENTS = 2**63 - 1
"""Elements of a tensor, and of each of its dimensions: TensorFlow counts them in 64 bits."""

MOST_SHOWN = 8
"""Shapes of a list, and sizes of what is no shape for its rank, that a message shows."""


class TooLargeError(Exception):
    """Say what a tensor would have more of than any can have."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor: `shape` with the batch first, `dtype` by its name in Keras, and the shape of its Keras mask, if any.

    Of a tensor all of this is known, or it is `UNKNOWN`.
    """

    shape: Shape
    dtype: str = "float32"
    mask: Shape | None = None

    def __post_init__(self) -> None:
        """Hold the bounds. Raises TooLargeError."""
        if len(self.shape) > MAX_RANK:
            raise TooLargeError(f"{len(self.shape):,} dimensions")
        if any(size is not None and size > MAX_ELEMENTS for size in self.shape):
            raise TooLargeError(f"a dimension of more than {MAX_ELEMENTS:,}")

    @property
    def rank(self) -> int:
        """The number of dimensions, with the batch."""
        return len(self.shape)

    def __str__(self) -> str:
        return show(self.shape)


class Unknown:
    """A value of which nothing is known: what a custom layer gives, or what a finding has been made of."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()

Value = Tensor | Unknown | list["Value"] | dict[str, "Value"]
"""What a node or a layer gives: a tensor, or several in a list or by name."""


def tensors(value: object) -> Iterator[Tensor | Unknown]:
    """Every tensor in `value`, lists and mappings gone through in order; anything else is passed over."""
    if isinstance(value, Tensor | Unknown):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors(item)


def is_known(value: object) -> bool:
    """Whether every tensor in `value` is known."""
    return not any(isinstance(each, Unknown) for each in tensors(value))


def show(value: object) -> str:
    """A value for people: a shape is `(batch, 100, null)`, as specs write sizes, with `batch` for an open first one."""
    if isinstance(value, Tensor):
        value = value.shape
    if isinstance(value, dict):
        named = _first(list(value.items()), MOST_SHOWN, lambda item: f"{item[0]}: {show(item[1])}")
        return "{" + ", ".join(named) + "}"
    if isinstance(value, list):
        return f"[{', '.join(_first(value, MOST_SHOWN, show))}]"
    if isinstance(value, tuple):
        sizes = list(_first(value, MOST_SHOWN if len(value) > MAX_RANK else MAX_RANK, show_size))
        if value and value[0] is None:
            sizes[0] = "batch"
        return f"({', '.join(sizes)})"
    return "of unknown shape"


def show_size(size: Size) -> str:
    """Return a size as specs write it."""
    return "null" if size is None else str(size)


def _first(values: Sequence[Any], most: int, show_each: Callable[[Any], str]) -> Iterator[str]:
    """Yield the text of the first values, and how many there are behind them."""
    yield from map(show_each, values[:most])
    if len(values) > most:
        yield f"… {len(values) - most:,} more"
