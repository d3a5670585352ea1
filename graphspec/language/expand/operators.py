"""The operators and functions of expressions: those of Python, with bounds on their results.

The operands are bounded: whole numbers by MAX_BITS, text and lists by MAX_ITEMS. An operator whose result or time could
be much larger than its operands checks that first, and raises LimitError.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

MAX_BITS = 256
MAX_ITEMS = 10_000
MAX_LEVELS = 50
"""The depth of nested lists."""

MAX_DIGITS = 400
"""Digits for `round`, and characters for `int` and `float`: more than any number here has."""

TOO_LARGE = "this number is too large"
TOO_LONG = "this string or list is too long"
TOO_DEEP = f"this list is nested more than {MAX_LEVELS} deep"


class LimitError(ValueError):
    """A value exceeds, or would exceed, a limit."""


def size_of(value: Any) -> int:
    """Return the number of characters, or of items at all depths. Raises LimitError where it exceeds MAX_ITEMS."""
    if isinstance(value, list):
        return _items_of(value, 0)
    if isinstance(value, str) and len(value) > MAX_ITEMS:
        raise LimitError(TOO_LONG)
    return len(value) if isinstance(value, str) else 1


def _items_of(items: list[Any], level: int) -> int:
    if level >= MAX_LEVELS:
        raise LimitError(TOO_DEEP)
    count = len(items)
    if count > MAX_ITEMS:
        raise LimitError(TOO_LONG)
    for item in items:
        if isinstance(item, list):
            count += _items_of(item, level + 1)
        elif isinstance(item, str):
            count += len(item)
        if count > MAX_ITEMS:
            raise LimitError(TOO_LONG)
    return count


def _of_numbers(operate: Callable[..., Any]) -> Callable[..., Any]:
    """Return the operator with booleans refused. In Python `True + 0` is 1, in a spec it is a mistake."""

    def apply(*operands: Any) -> Any:
        truth = next((each for each in operands if isinstance(each, bool)), None)
        if truth is not None:
            raise TypeError(f"`{str(truth).lower()}` is a boolean, not a number")
        return operate(*operands)

    return apply


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str | list) and isinstance(right, str | list) and size_of(left) + size_of(right) > MAX_ITEMS:
        raise LimitError(TOO_LONG)
    return left + right


def _multiply(left: Any, right: Any) -> Any:
    for several, times in ((left, right), (right, left)):
        if isinstance(several, str | list) and isinstance(times, int) and size_of(several) * times > MAX_ITEMS:
            raise LimitError(TOO_LONG)
    return left * right


def _remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        raise LimitError("`%` computes a remainder, and does not format text")
    return left % right


def _power(left: Any, right: Any) -> Any:
    """Return the power; a whole number beyond twice MAX_BITS is refused before it is computed."""
    if isinstance(left, int) and isinstance(right, int) and right * (abs(left).bit_length() - 1) > MAX_BITS:
        raise LimitError(TOO_LARGE)
    return left**right


def _round(number: Any, digits: Any = None) -> Any:
    """Return the rounded number. Python computes the power of ten first, so the digits are bounded."""
    if isinstance(digits, int) and abs(digits) > MAX_DIGITS:
        raise LimitError(f"`round` takes from -{MAX_DIGITS} to {MAX_DIGITS} digits")
    return round(number, digits)


def _range(*bounds: Any) -> list[int]:
    """Return the whole numbers of a range, which are counted before they are listed."""
    numbers = range(*bounds)
    if (numbers.stop - numbers.start) // numbers.step > MAX_ITEMS:
        raise LimitError(TOO_LONG)
    return list(numbers)


def _sum(items: Any) -> Any:
    """Return the sum of a list of numbers."""
    if not isinstance(items, list):
        raise LimitError("`sum` takes one list of numbers, as in `sum([1, 2])`")
    return _of_numbers(lambda *numbers: sum(numbers))(*items)


def item_of(items: Any, index: Any) -> Any:
    """Return an item of a list or a character of text, by its position from the start or, below 0, from the end."""
    if not isinstance(items, list | str):
        raise LimitError("only lists and strings have items")
    if not isinstance(index, int) or isinstance(index, bool):
        raise LimitError("an item is picked by a whole number, as in `x[0]`")
    if not -len(items) <= index < len(items):
        what = "list" if isinstance(items, list) else "string"
        if not items:
            raise LimitError(f"this {what} is empty, so it has no items")
        if abs(index) > MAX_ITEMS:
            raise LimitError(f"this {what} has no such item: it has [0] to [{len(items) - 1}]")
        raise LimitError(f"this {what} has no item [{index}]: it has [0] to [{len(items) - 1}], and [-1] is the last")
    return items[index]


def _whole(value: Any = 0, base: Any = None) -> Any:
    _refuse_long(value)
    return int(value) if base is None else int(value, base)


def _real(value: Any = 0.0) -> Any:
    _refuse_long(value)
    return float(value)


def _refuse_long(value: Any) -> None:
    if isinstance(value, str) and len(value) > MAX_DIGITS:
        raise LimitError("this text is too long for a number")


BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: _of_numbers(_add),
    ast.Sub: _of_numbers(operator.sub),
    ast.Mult: _of_numbers(_multiply),
    ast.Div: _of_numbers(operator.truediv),
    ast.FloorDiv: _of_numbers(operator.floordiv),
    ast.Mod: _of_numbers(_remainder),
    ast.Pow: _of_numbers(_power),
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: _of_numbers(operator.lt),
    ast.LtE: _of_numbers(operator.le),
    ast.Gt: _of_numbers(operator.gt),
    ast.GtE: _of_numbers(operator.ge),
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: _of_numbers(operator.pos),
    ast.USub: _of_numbers(operator.neg),
    ast.Not: operator.not_,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "round": _of_numbers(_round),
    "int": _whole,
    "float": _real,
    "str": str,
    "len": len,
    "range": _of_numbers(_range),
    "sum": _sum,
}
