"""Arrays that nested lists of numbers stand for: their dtype and their shape, without NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.catalog.values import FLOAT32_MAX


class RaggedError(ValueError):
    """Lists at one depth differ in length."""


def array_dtype(value: Any) -> str:
    """Return the dtype of the array that nested lists of numbers stand for."""
    kinds = {type(each) for each in items_of(value)}
    return "bool" if kinds == {bool} else "float32" if float in kinds or not kinds <= {int, bool} else "int32"


def nested_shape(value: Any) -> tuple[int, ...]:
    """Return the shape of the array that nested lists stand for. Raises RaggedError."""
    if not isinstance(value, list):
        return ()
    inner = {nested_shape(item) for item in value}
    if len(inner) > 1:
        raise RaggedError
    return (len(value), *(inner.pop() if inner else ()))


def items_of(value: Any) -> Iterator[Any]:
    """Yield what nested lists hold."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += reversed(each)
        else:
            yield each


def limits_of(dtype: str) -> tuple[float, float]:
    """Return the least and the greatest number of a dtype, by which an item is refused."""
    if dtype == "bool":
        return 0, 1
    if dtype.startswith(("int", "uint")):
        bits = int("".join(filter(str.isdigit, dtype)))
        return (0, 2**bits - 1) if dtype.startswith("uint") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    most = {"float16": 65504.0, "float64": float("inf")}.get(dtype, FLOAT32_MAX)
    return -most, most
