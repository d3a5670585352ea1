"""Values as literals of Python. A text of a spec reaches source only here, so that it is data whatever it holds."""

from __future__ import annotations

import math
from typing import Any

from graphspec.to_python.source import Expression, Items, Pairs, Text, quoted


def literal(value: Any, *, as_tuple: bool = False) -> Expression:
    """Return a value of a spec as an expression. as_tuple: lists, at all depths, as tuples."""
    if isinstance(value, list | tuple):
        items = tuple(literal(item, as_tuple=as_tuple) for item in value)
        return Items(items, "(" if as_tuple or isinstance(value, tuple) else "[")
    if isinstance(value, dict):
        return Pairs(tuple((literal(key), literal(item, as_tuple=as_tuple)) for key, item in value.items()))
    return Text(literal_text(value))


def literal_text(value: bool | int | float | str | None) -> str:
    """Return a scalar as source."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    raise TypeError(f"{type(value).__name__} is no value of a spec")


def formatted(parts: list[tuple[str, bool]]) -> str | None:
    """Return an f-string of plain texts and expressions; None where it would need escapes.

    Args:
        parts: Each a text and whether it is an expression.
    """
    texts = []
    for text, is_expression in parts:
        if any(each in text for each in "\"'\\{}\n") or not text.isprintable():
            return None
        texts.append(f"{{{text}}}" if is_expression else text)
    return f'f"{"".join(texts)}"'
