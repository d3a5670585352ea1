"""Shape rules of operations that make a tensor from their arguments alone, in nodes without `from`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphspec.diagnostics.rules import TOO_LARGE, UNFIT_ARGUMENT
from graphspec.language.arrays import array_dtype
from graphspec.language.objects import Object
from graphspec.shapes.call import Call, ShapeRule, Unreadable, layer
from graphspec.shapes.ops.arguments import dtype, integer, refuse_value, sizes
from graphspec.shapes.ops.operands import array_shape
from graphspec.shapes.tensor import UNKNOWN, Shape, Tensor, Value
from graphspec.sources import DataError, DataSource, header

MAX_NUMBERS = 10_000_000
"""Numbers of a constant, which a saved model holds as text."""

_FLOAT = "float32"


def making(name: str) -> str:
    """Return the name under which the rule of an operation without tensors is registered."""
    return f"{name}()"


def _rule(*names: str) -> Callable[[ShapeRule], ShapeRule]:
    def register(rule: ShapeRule) -> ShapeRule:
        layer(*(making(f"ops.{name}") for name in names))(lambda call: _bounded(call, rule(call)))
        return rule

    return register


def _bounded(call: Call, value: Value) -> Value:
    """Return a tensor. Refuses one of too many numbers, since it is made with the model."""
    if isinstance(value, Tensor) and math.prod(size or 0 for size in value.shape) > MAX_NUMBERS:
        call.refuse(
            TOO_LARGE,
            f"`{call.name}` makes {value}, more than {MAX_NUMBERS:,} numbers",
            expected="the limit is exceeded here",
            help="a constant is saved with the model: make it smaller, or compute it from an input",
        )
    return value


@_rule("array")
def array(call: Call) -> Value:
    """Infer the shape of nested lists or of a file."""
    value = call["x"]
    if isinstance(value, Object):
        return _of_file(call, value.arguments["file"])
    return Tensor(array_shape(call, "x", value), dtype(call, array_dtype(value)))


def _of_file(call: Call, source: DataSource) -> Value:
    try:
        head = header(source)
    except (DataError, OSError):
        return UNKNOWN  # which the check of files says
    stored = head.dtype or _FLOAT
    found = "bool" if stored == "bool" else _FLOAT if stored.startswith(("float", "bfloat")) else "int32"
    return Tensor((head.samples, *head.shape), dtype(call, found))


@_rule("arange")
def arange(call: Call) -> Value:
    """Infer the count of the numbers from `start` up to `stop`, by `step`."""
    start, stop, step = (_number(call, name) for name in ("start", "stop", "step"))
    first, last = (0, start) if stop is None else (start, stop)
    by = 1 if step is None else step
    if by == 0:
        refuse_value(call, "step", "a number other than 0")
    is_whole = all(isinstance(each, int) for each in (start, stop, step) if each is not None)
    count = max(0, math.ceil((last - first) / by))
    if not count:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`ops.arange` makes no number from {first} up to {last} by {by}",
            argument="start",
            expected="a `stop` beyond `start`",
        )
    return Tensor((count,), dtype(call, "int32" if is_whole else _FLOAT))


@_rule("linspace", "geomspace", "logspace")
def space(call: Call) -> Value:
    """Infer `num` numbers between two ends."""
    for name in ("start", "stop"):
        _number(call, name)
    if call["retstep"]:
        raise Unreadable
    return Tensor((integer(call, "num", least=0),), dtype(call, _FLOAT))


@_rule("zeros", "ones", "full")
def filled(call: Call) -> Value:
    """Infer the shape that is written."""
    if isinstance(call["fill_value"], list):
        raise Unreadable
    value = call["shape"]
    shape = (integer(call, "shape", least=0),) if isinstance(value, int) else sizes(call, "shape")
    if any(size is None or size < 0 for size in shape):
        refuse_value(call, "shape", "a list of sizes, without `null`")
    return Tensor(shape, dtype(call, _FLOAT))


@_rule("eye", "tri")
def matrix(call: Call) -> Value:
    """Infer a matrix of `N` rows and `M` columns, by default as many."""
    rows = integer(call, "N", least=0)
    columns = rows if call["M"] is None else integer(call, "M", least=0)
    integer(call, "k")
    return Tensor((rows, columns), dtype(call, _FLOAT))


@_rule("identity")
def identity(call: Call) -> Value:
    """Infer a square matrix."""
    rows = integer(call, "n", least=0)
    return Tensor((rows, rows), dtype(call, _FLOAT))


@_rule("bartlett", "blackman", "hamming", "hanning", "kaiser")
def window(call: Call) -> Value:
    """Infer a window of `x` numbers."""
    if call.name == "ops.kaiser":
        _number(call, "beta")
    shape: Shape = (integer(call, "x", least=1),)
    return Tensor(shape, _FLOAT)


def _number(call: Call, argument: str) -> Any:
    value = call[argument]
    if value is None and not (argument == "start" or call.name != "ops.arange"):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse_value(call, argument, "a number")
    return value
