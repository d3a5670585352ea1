"""`${...}`: arithmetic on names, numbers, text and lists, and nothing else.

The syntax is a part of Python's, parsed by `ast` and evaluated here node by node, so that there is no attribute, no
call but of the functions below, and no way out. Every value is bounded, and with the length of an expression so is
its time: `9**9**9` is refused before it is computed.
"""

from __future__ import annotations

import ast
import math
import operator
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, cast

from graphspec.document.scalars import without_holes

MAX_LENGTH = 500
MAX_DEPTH = 50
MAX_BITS = 256
MAX_ITEMS = 10_000

Value = None | bool | int | float | str | list[Any]

_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "round": round,
    "int": int,
    "float": float,
    "str": str,
    "len": len,
}


def layered(*several: Mapping[str, Value]) -> Mapping[str, Value]:
    """The names of all of `several`, the first that has a name deciding."""
    return ChainMap(*(cast(MutableMapping[str, Value], names) for names in several))


class ExpressionError(Exception):
    """An expression cannot be evaluated. `offset` and `length` tell where in its text, `names` what is in scope."""

    def __init__(self, message: str, node: ast.AST | None = None, *, unknown: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = getattr(node, "col_offset", 0)
        self.length = max(1, (getattr(node, "end_col_offset", None) or self.offset + 1) - self.offset)
        self.unknown = unknown


class FaultyVariableError(Exception):
    """An expression uses a variable that has no value, of which a finding has been made already."""


def evaluate(text: str, names: Mapping[str, Value]) -> Value:
    """The value of the expression `text` with `names`. Raises ExpressionError where it has none."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError("this is no expression") from None
    value: Value = _bounded(_evaluate(tree.body, names, 0), tree.body)
    return value


def _evaluate(node: ast.AST, names: Mapping[str, Value], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep", node)

    def value(inner: ast.AST) -> Any:
        return _bounded(_evaluate(inner, names, depth + 1), inner)

    match node:
        case ast.Constant(value=constant) if isinstance(constant, bool | int | float | str) or constant is None:
            return constant
        case ast.Name(id=name):
            return _look_up(name, names, node)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [value(item) for item in items]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _apply(node, _UNARY[type(op)], value(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            operands = value(left), value(right)
            _refuse_large(op, *operands, node)
            return _apply(node, _BINARY[type(op)], *operands)
        case ast.BoolOp(op=op, values=values):
            return _both_or_either(op, values, value)
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARISONS for op in ops):
            operands_ = [value(each) for each in (left, *others)]
            pairs = zip(ops, operands_, operands_[1:], strict=False)
            return all(_apply(node, _COMPARISONS[type(op)], one, other) for op, one, other in pairs)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return _apply(node, FUNCTIONS[name], *(value(argument) for argument in arguments))
        case ast.Call(func=ast.Name(id=name)):
            raise ExpressionError(f"there is no function `{name}`", node.func, unknown=name)
    raise ExpressionError("this is not part of the expression language", node)


def _both_or_either(op: ast.boolop, values: list[ast.expr], value: Callable[[ast.AST], Any]) -> Any:
    stop_at = isinstance(op, ast.Or)
    found: Any = None
    for each in values:
        found = value(each)
        if bool(found) is stop_at:
            break
    return found


def _look_up(name: str, names: Mapping[str, Value], node: ast.AST) -> Value:
    if name in names:
        return names[name]
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    raise ExpressionError(f"there is no variable `{name}`", node, unknown=name)


def _apply(node: ast.AST, function: Callable[..., Any], *operands: Any) -> Any:
    try:
        return function(*operands)
    except ZeroDivisionError:
        raise ExpressionError("this divides by zero", node) from None
    except (TypeError, ValueError, OverflowError, IndexError) as error:
        raise ExpressionError(f"this cannot be computed: {error}", node) from None


def _refuse_large(op: ast.operator, left: Any, right: Any, node: ast.AST) -> None:
    """Refuse what would be large before it is computed; `_bounded` refuses what is a little too large after it."""
    if isinstance(op, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        if abs(right) * max(1, abs(left).bit_length()) > 2 * MAX_BITS:
            raise ExpressionError("this number is too large", node)
    elif isinstance(op, ast.Mult):
        for several, times in ((left, right), (right, left)):
            if isinstance(several, str | list) and isinstance(times, int) and _size(several) * times > MAX_ITEMS:
                raise ExpressionError("this text or list is too long", node)
    elif isinstance(op, ast.Mod) and isinstance(left, str):
        raise ExpressionError("`%` is the remainder of a division; text is not formatted", node)


def _bounded(value: Any, node: ast.AST) -> Any:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ExpressionError("this number is too large", node)
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("this number is not finite", node)
    if isinstance(value, complex):
        raise ExpressionError("this number is not real", node)
    if _size(value) > MAX_ITEMS:
        raise ExpressionError("this text or list is too long", node)
    if isinstance(value, str) and without_holes(value)[1] is not None:
        raise ExpressionError("this text holds a character that no text of a spec can hold", node)
    return value


def _size(value: Any) -> int:
    """How many characters or items a value holds, those of its items included."""
    if isinstance(value, list):
        return len(value) + sum(map(_size, value))
    return len(value) if isinstance(value, str) else 1
