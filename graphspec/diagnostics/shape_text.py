"""Shapes as text: `(batch, 28, 28, 1)` for a tensor, `[28, 28, 1]` for a sample; `null` is an unknown size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

MAX_LISTED = 8
"""Tensors of a list or mapping, and sizes of a shape that is too long to be one, that a message lists."""

_MAX_SIZES = 64
_MAX_SAMPLE_SIZES = 12


def shape_text(value: object) -> str:
    """Return the shape of a tensor as `(batch, 100, null)`; those of several in `[]`, by name in `{}`.

    Args:
        value: a shape as a tuple, anything with a `shape`, or lists and mappings of these.
    """
    value = getattr(value, "shape", value)
    if isinstance(value, dict):
        named = _first(list(value.items()), MAX_LISTED, lambda item: f"{item[0]}: {shape_text(item[1])}")
        return "{" + ", ".join(named) + "}"
    if isinstance(value, tuple) and all(size is None or isinstance(size, int) for size in value):
        sizes = list(_first(value, MAX_LISTED if len(value) > _MAX_SIZES else _MAX_SIZES, size_text))
        if value and value[0] is None:
            sizes[0] = "batch"
        return f"({', '.join(sizes)})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_first(value, MAX_LISTED, shape_text))}]"
    return "of unknown shape"


def sample_shape(shape: Iterable[int | None]) -> str:
    """Return the shape of a sample, without the batch, as specs write it: `[100, null]`."""
    sizes = list(map(size_text, shape))
    if len(sizes) <= _MAX_SAMPLE_SIZES:
        return f"[{', '.join(sizes)}]"
    return f"[{', '.join(sizes[:_MAX_SAMPLE_SIZES])}, ... ({len(sizes)} dimensions)]"


def size_text(size: int | None) -> str:
    """Return a size as specs write it."""
    return "null" if size is None else str(size)


def _first(values: Sequence[Any], limit: int, text_of: Callable[[Any], str]) -> Iterator[str]:
    """Yield the text of the first values, and how many follow."""
    yield from map(text_of, values[:limit])
    if len(values) > limit:
        yield f"… {len(values) - limit:,} more"
