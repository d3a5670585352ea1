"""What is known of a tensor before it exists: its shape, its dtype, and the mask that comes with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Size = int | None
"""The size of one dimension; None is any, as in Keras."""

Shape = tuple[Size, ...]
"""Batch first, as in Keras."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor: `shape` with the batch first, `dtype` by its name in Keras, and the shape of its Keras mask, if any.

    Of a tensor all of this is known, or it is `UNKNOWN`.
    """

    shape: Shape
    dtype: str = "float32"
    mask: Shape | None = None

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
        return "{" + ", ".join(f"{name}: {show(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, tuple):
        sizes = ["null" if size is None else str(size) for size in value]
        if value and value[0] is None:
            sizes[0] = "batch"
        return f"({', '.join(sizes)})"
    return "of unknown shape"
