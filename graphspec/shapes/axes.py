"""Axes by number: which dimension of a tensor is meant."""

from __future__ import annotations

from graphspec.shapes.tensor import Shape


def normal(axis: int, rank: int) -> int | None:
    """The axis counted from the front; None where a tensor of `rank` has no such axis."""
    if not -rank <= axis < rank:
        return None
    return axis % rank


def there_are(rank: int) -> str:
    """The axes of a tensor of `rank`, for people."""
    return f"an axis from {-rank} to {rank - 1}" if rank else "a tensor with dimensions"


def without(shape: Shape, axis: int) -> Shape:
    """The shape without one dimension, counted from the front."""
    return shape[:axis] + shape[axis + 1 :]


def replaced(shape: Shape, axis: int, size: int | None) -> Shape:
    """The shape with another size at an axis, counted from the front."""
    return (*shape[:axis], size, *shape[axis + 1 :])
