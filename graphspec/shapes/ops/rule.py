"""How a shape rule of an operation is registered: by names without `ops.`, its result held to what Keras takes."""

from __future__ import annotations

from collections.abc import Callable

from graphspec.diagnostics.rules import UNFIT_ARGUMENT
from graphspec.shapes.call import Call, ShapeRule
from graphspec.shapes.call import operation as register
from graphspec.shapes.tensor import Tensor, Value, show, tensors


def operation(*names: str) -> Callable[[ShapeRule], ShapeRule]:
    """Registers a rule for the operations `names`, as `reshape` and `image.resize`."""

    def decorate(rule: ShapeRule) -> ShapeRule:
        def checked(call: Call) -> Value:
            return _checked(call, rule(call))

        register(*(f"ops.{name}" for name in names))(checked)
        return rule

    return decorate


def _checked(call: Call, value: Value) -> Value:
    """The value, which Keras wants to be of sizes that are not negative, and a graph to hold a tensor."""
    results = list(tensors(value))
    if not results:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` would make nothing of {call.shown()}",
            expected="arguments that give a tensor or more",
            help="ask for one part at least",
        )
    for each in results:
        if isinstance(each, Tensor) and any(size is not None and size < 0 for size in each.shape):
            call.refuse(
                UNFIT_ARGUMENT,
                f"`{call.name}` would make {show(each)} of {call.shown()}",
                expected="arguments that give sizes of 0 or more",
                help="compare the arguments with the shape that comes in",
            )
    return value
