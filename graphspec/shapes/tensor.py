"""A tensor before it exists: its shape, its dtype, and the shape of its mask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphspec.diagnostics.shape_text import shape_text

Size = int | None
"""The size of one dimension; None is any, as in Keras."""

Shape = tuple[Size, ...]
"""Batch first, as in Keras."""

MAX_RANK = 64
"""Dimensions of a tensor: arrays of NumPy, from which Keras trains, have no more."""
MAX_ELEMENTS = 2**63 - 1
"""Elements of a tensor, and of each of its dimensions: TensorFlow counts them in 64 bits."""


class TooLargeError(Exception):
    """Report more dimensions or elements than a tensor can have."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of known shape and dtype, with the shape of its Keras mask, if it has one.

    A tensor of which anything else is unknown is `UNKNOWN`.
    """

    shape: Shape
    dtype: str = "float32"
    mask: Shape | None = None

    def __post_init__(self) -> None:
        """Check the limits. Raises TooLargeError."""
        if len(self.shape) > MAX_RANK:
            raise TooLargeError(f"{len(self.shape):,} dimensions")
        if any(size is not None and size > MAX_ELEMENTS for size in self.shape):
            raise TooLargeError(f"a dimension of more than {MAX_ELEMENTS:,}")

    @property
    def rank(self) -> int:
        """Number of dimensions, the batch included."""
        return len(self.shape)

    def __str__(self) -> str:
        return shape_text(self.shape)


class Unknown:
    """A value of which nothing is known: the output of a custom layer, or of a step with a diagnostic."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()

Value = Tensor | Unknown | list["Value"] | dict[str, "Value"]
"""The output of a node or a layer: a tensor, or several in a list or by name."""


def tensors(value: object) -> Iterator[Tensor | Unknown]:
    """Yield every tensor in `value`, depth first; skip anything else."""
    if isinstance(value, Tensor | Unknown):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors(item)


def is_known(value: object) -> bool:
    """Return whether every tensor in `value` is known."""
    return not any(isinstance(each, Unknown) for each in tensors(value))


def canonical_axis(axis: int, rank: int) -> int | None:
    """Return the axis counted from the front; None where a tensor of `rank` has no such axis."""
    return axis % rank if -rank <= axis < rank else None


def axes_text(rank: int) -> str:
    """Return the range of the axes of a tensor of `rank`, for messages."""
    return f"an axis from {-rank} to {rank - 1}" if rank else "a tensor with dimensions"
