"""Evaluate `${...}`: arithmetic on names, numbers, text and lists.

The syntax is a subset of Python's, parsed by `ast` and evaluated here node by node: there are no attributes, and no
calls except of the functions of `operators`; `unsupported` says how to write the rest. Every value is bounded, and the
work of an expression is counted before it is done, so that `9**9**9` is refused before it is computed.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, cast

from graphspec.language.document.scalars import replace_invalid
from graphspec.language.expand.operators import (
    BINARY,
    COMPARISONS,
    FUNCTIONS,
    MAX_BITS,
    TOO_LARGE,
    UNARY,
    LimitError,
    item_of,
    size_of,
)
from graphspec.language.expand.unsupported import explain, explain_syntax
from graphspec.language.expand.work import Work

MAX_LENGTH = 500
MAX_DEPTH = 50
MAX_WORK = 10_000
"""Units of `Work` for one expression: ten passes over a list of 10,000 items."""

_MAX_ERROR_LENGTH = 200
"""Characters of an error message of Python that are shown."""

Value = None | bool | int | float | str | list[Any]

_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}


def chain_names(*several: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return the variables of all mappings; of those with the same name, the first."""
    return ChainMap(*(cast(MutableMapping[str, Value], names) for names in several))


class ExpressionError(Exception):
    """An expression cannot be evaluated.

    help: how to write it instead. offset, length: the place in its text. unknown: the undefined name.
    """

    def __init__(self, message: str, node: ast.AST | None = None, *, unknown: str = "", help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.offset = getattr(node, "col_offset", 0)
        self.length = max(1, (getattr(node, "end_col_offset", None) or self.offset + 1) - self.offset)
        self.unknown = unknown


class FaultyVariableError(Exception):
    """An expression uses a variable without a value, for which a diagnostic exists."""


def evaluate(text: str, names: Mapping[str, Value], work: Work | None = None) -> Value:
    """Return the value of an expression.

    Args:
        text: The expression, without `${` and `}`.
        names: The variables in scope.
        work: Counts the work of the evaluation.

    Raises:
        ExpressionError: The expression has no value.
        FaultyVariableError: A variable in it has none.
        TooMuchWorkError: The evaluation takes more than is left in `work`.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters")
    work = work if work is not None else Work()
    work.spend(5 + len(text) // 2)
    tree = _parsed(text.strip())
    if tree is None:
        raise ExpressionError("this is not an expression", help=explain_syntax(text))
    value: Value = _Evaluation(names, work).value(tree.body)
    return value


@lru_cache(maxsize=256)
def _parsed(text: str) -> ast.Expression | None:
    """Return the syntax tree of an expression, None for an invalid one. Blocks repeat expressions."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes, and about `1or 2`
            return ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Evaluation:
    """The evaluation of one expression. left: the units of work that it may still take."""

    def __init__(self, names: Mapping[str, Value], work: Work) -> None:
        self.names, self.work, self.left = names, work, MAX_WORK

    def value(self, node: ast.AST, depth: int = 0) -> Any:
        """Return the value of `node`, which is bounded. Raises ExpressionError where it has none."""
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep", node)
        self._spend(2, node)
        value = self._value(node, depth)
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise ExpressionError(TOO_LARGE, node)
        if isinstance(value, float) and not math.isfinite(value):
            raise ExpressionError("this number is not finite", node)
        if isinstance(value, complex):
            raise ExpressionError("this number is not real", node)
        if isinstance(value, str | list):
            self._spend(self._size(value, node) // 10, node)
        if isinstance(value, str) and replace_invalid(value)[1] is not None:
            raise ExpressionError("this string contains a character that is not allowed in a spec", node)
        return value

    def _value(self, node: ast.AST, depth: int) -> Any:
        match node:
            case ast.Constant(value=constant) if isinstance(constant, bool | int | float | str) or constant is None:
                return constant
            case ast.Name(id=name):
                return self._look_up(name, node)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self.value(item, depth + 1) for item in items]
            case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
                return self._apply(node, UNARY[type(op)], self.value(operand, depth + 1))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return self._apply(node, BINARY[type(op)], self.value(left, depth + 1), self.value(right, depth + 1))
            case ast.BoolOp(op=op, values=values):
                return self._both_or_either(op, values, depth)
            case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in COMPARISONS for op in ops):
                operands = [self.value(each, depth + 1) for each in (left, *others)]
                pairs = zip(ops, operands, operands[1:], strict=False)
                return all(self._apply(node, COMPARISONS[type(op)], one, other) for op, one, other in pairs)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                return self._apply(node, FUNCTIONS[name], *(self.value(argument, depth + 1) for argument in arguments))
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return self.value(body if self.value(test, depth + 1) else otherwise, depth + 1)
            case ast.Subscript(value=items, slice=index) if not isinstance(index, ast.Slice):
                return self._apply(node, item_of, self.value(items, depth + 1), self.value(index, depth + 1))
            case ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
                raise ExpressionError(f"there is no function `{name}`", node.func, unknown=name)
        part, help = explain(node)
        raise ExpressionError(f"{part} is not part of the expression language", node, help=help)

    def _both_or_either(self, op: ast.boolop, values: list[ast.expr], depth: int) -> Any:
        stop_at = isinstance(op, ast.Or)
        result: Any = None
        for each in values:
            result = self.value(each, depth + 1)
            if bool(result) is stop_at:
                break
        return result

    def _look_up(self, name: str, node: ast.AST) -> Value:
        if name in self.names:
            return self.names[name]
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        raise ExpressionError(f"there is no variable `{name}`", node, unknown=name)

    def _apply(self, node: ast.AST, function: Callable[..., Any], *operands: Any) -> Any:
        """Return the result of `function` for `operands`, all of which are bounded."""
        is_expensive = function is str  # every item is written out
        for operand in operands:
            if isinstance(operand, str | list):
                self._spend(
                    self._size(operand, node) // (1 if is_expensive and isinstance(operand, list) else 10), node
                )
        try:
            return function(*operands)
        except ZeroDivisionError:
            raise ExpressionError("this divides by zero", node) from None
        except LimitError as error:
            raise ExpressionError(str(error), node) from None
        except (TypeError, ValueError, OverflowError, IndexError) as error:
            raise ExpressionError(f"this cannot be evaluated: {str(error)[:_MAX_ERROR_LENGTH]}", node) from None

    def _size(self, value: str | list[Any], node: ast.AST) -> int:
        try:
            return size_of(value)
        except LimitError as error:
            raise ExpressionError(str(error), node) from None

    def _spend(self, units: int, node: ast.AST) -> None:
        self.work.spend(units)
        self.left -= units
        if self.left < 0:
            raise ExpressionError("this takes too much work: its strings and lists are too long together", node)
