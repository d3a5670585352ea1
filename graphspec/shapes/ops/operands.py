"""What feeds an operation: tensors, and the constants that stand in for them.

A number counts as a tensor without dimensions, and adopts the dtype that it meets. Of a list Keras knows in a graph
neither shape nor dtype: an operation takes one only where it asks for neither.
"""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.rules import BAD_OPERANDS, SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_DTYPE
from graphspec.shapes.call import Call, Unreadable
from graphspec.shapes.promotion import FLOAT_NUMBER, INT_NUMBER, promote, strict
from graphspec.shapes.sizes import broadcast
from graphspec.shapes.tensor import Shape, Tensor, show


def operand(call: Call, argument: str) -> Any:
    """What feeds an argument that takes one tensor: the tensor, or a constant. Refuses several tensors."""
    value = call[argument]
    if not isinstance(value, list) or not any(isinstance(item, Tensor) for item in value):
        return value
    if len(value) > 1:
        call.refuse(
            BAD_OPERANDS,
            f"`{argument}` of `{call.name}` takes one tensor, and is given {len(value)}",
            expected="one tensor",
            help="pick one of them, as `node[0]`",
        )
    return value[0]


def tensor(call: Call, argument: str) -> Tensor:
    """The tensor that feeds `argument`. Refuses where it is a constant."""
    value = operand(call, argument)
    if not isinstance(value, Tensor):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{argument}` of `{call.name}` takes a tensor, and "
            + ("is not given" if value is None else f"is {_constant(value)}"),
            argument=argument,
            expected=f"a tensor for `{argument}`",
            help=f"feed it: `from: {{{argument}: ...}}`",
        )
    return value


def traced(call: Call, *arguments: str) -> None:
    """Refuse a call that feeds none of `arguments` a tensor: Keras makes a graph only of those."""
    if not any(isinstance(operand(call, each), Tensor) for each in arguments):
        call.refuse(
            BAD_OPERANDS,
            f"no tensor comes into `{' or '.join(arguments)}` of `{call.name}`",
            expected=f"a tensor for `{arguments[0]}`",
            help=f"feed it: `from: {{{arguments[0]}: ...}}`",
        )


def given(call: Call, argument: str) -> bool:
    """Whether the argument is given and is not null."""
    return call[argument] is not None


def listed(call: Call, argument: str) -> list[Tensor]:
    """The tensors that feed an argument that takes a list. Refuses where one is a constant."""
    value = call[argument]
    if not isinstance(value, list) or not value:
        raise Unreadable
    for item in value:
        if not isinstance(item, Tensor):
            call.refuse(
                UNFIT_ARGUMENT,
                f"`{argument}` of `{call.name}` takes tensors, and one of the list is {_constant(item)}",
                argument=argument,
                expected="a list of tensors",
            )
    return value


def shape_of(call: Call, argument: str) -> Shape:
    """The shape of what feeds `argument`; that of a constant is empty."""
    value = operand(call, argument)
    return value.shape if isinstance(value, Tensor) else ()


def kind_of(call: Call, argument: str) -> str:
    """The dtype of what feeds `argument`: `int` or `float` for a number. Refuses where it has none."""
    value = operand(call, argument)
    if isinstance(value, Tensor):
        return value.dtype
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return INT_NUMBER
    if not isinstance(value, float):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{argument}` of `{call.name}` is {_constant(value)}, and Keras takes a tensor or one number in a graph",
            argument=argument,
            expected="a tensor or a number",
            help="give one number, or compute the tensor in the graph",
        )
    return FLOAT_NUMBER


def strict_kind_of(call: Call, argument: str) -> str:
    """The dtype of what feeds `argument`; that of a number is its own."""
    return strict(kind_of(call, argument))


def together(call: Call, *arguments: str) -> Shape:
    """The shape that the operands stretch to. Refuses where they do not fit."""
    shapes = [shape_of(call, argument) for argument in arguments]
    found = broadcast(*shapes)
    if found is None:
        meeting = " and ".join(show(shape) for shape in shapes if shape)
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` works element by element, and {meeting} do not fit",
            expected="sizes that are equal or 1, counted from the last dimension",
            help="make the sizes equal, or put a 1 in with `ops.expand_dims`",
        )
    return found


def common(call: Call, *dtypes: str) -> str:
    """The common dtype of `dtypes`. Refuses where there is none."""
    found = promote(*dtypes)
    if found is None:
        distinct = list(dict.fromkeys({INT_NUMBER: "a whole number", FLOAT_NUMBER: "float"}.get(d, d) for d in dtypes))
        call.refuse(
            WRONG_DTYPE,
            f"`{call.name}` cannot compute with {' and '.join(distinct)}: Keras knows no dtype for the result",
            expected="dtypes of numbers that Keras converts to each other",
            help="the layer `StringLookup` makes numbers of text"
            if "string" in dtypes
            else "convert the tensor first: `ops.cast: float32`",
        )
    return found


def _constant(value: Any) -> str:
    """A constant for people."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else "no number"
