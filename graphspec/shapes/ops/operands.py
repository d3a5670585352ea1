"""The operands of an operation: tensors, and constants in their place.

A number counts as a tensor without dimensions, and adopts the dtype of the other operand. Of a list Keras knows in a
graph neither shape nor dtype. Operations on the elements of several tensors therefore get it as an array, see
`ARRAY_OPERATIONS`; another takes one only where it asks for neither.
"""

from __future__ import annotations

import math
from typing import Any

from graphspec.catalog.values import FLOAT32_MAX
from graphspec.diagnostics.rules import BAD_OPERANDS, SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_DTYPE
from graphspec.diagnostics.shape_text import shape_text
from graphspec.diagnostics.suggest import kind_of
from graphspec.language.arrays import RaggedError, array_dtype, items_of, nested_shape
from graphspec.shapes.call import Call, Unreadable
from graphspec.shapes.ops.promotion import FLOAT_NUMBER, INT_NUMBER, promote, strict
from graphspec.shapes.sizes import broadcast
from graphspec.shapes.tensor import Shape, Tensor

_PRODUCTS = {f"ops.{name}" for name in ("matmul", "dot", "inner", "outer", "tensordot")}
ARRAY_OPERATIONS: set[str] = {"ops.where", *_PRODUCTS}
"""Operations of which a constant list is an array: float32, int32 or bool by its numbers. Pairwise ones are added."""


def broadcasts(name: str) -> bool:
    """Return whether an operation computes with the elements of several tensors, which it broadcasts."""
    return name in ARRAY_OPERATIONS and name not in _PRODUCTS


def array_shape(call: Call, argument: str, value: Any) -> Shape:
    """Return the shape of the array that nested lists stand for. Refuses lists of differing lengths."""
    try:
        return nested_shape(value)
    except RaggedError:
        return call.refuse(
            UNFIT_ARGUMENT,
            f"the lists in `{argument}` of `{call.name}` differ in length",
            argument=argument,
            expected="a number, or lists of one length",
            help="pad the shorter ones",
        )


def _array(call: Call, argument: str, value: list[Any]) -> Tensor:
    """Return the array of nested lists. Refuses an item that is no number, or that its dtype cannot hold."""
    array = Tensor(array_shape(call, argument, value), array_dtype(value))
    low, high = (-(2**31), 2**31 - 1) if array.dtype == "int32" else (-FLOAT32_MAX, FLOAT32_MAX)
    for item in items_of(value):
        if not isinstance(item, bool | int | float) or not (low <= item <= high or math.isinf(item) or item != item):
            call.refuse_argument(
                UNFIT_ARGUMENT,
                argument,
                f"is an array of {array.dtype}, and an item is {kind_of(item)}",
                f"numbers that {array.dtype} holds",
            )
    return array


def operand(call: Call, argument: str) -> Any:
    """Return the operand of a parameter that takes one tensor: a tensor, or a constant. Refuses several tensors."""
    value = call[argument]
    if not isinstance(value, list):
        return value
    if not any(isinstance(item, Tensor) for item in value):
        if call.name in ARRAY_OPERATIONS and value:
            return _array(call, argument, value)
        return value
    if len(value) > 1:
        call.refuse(
            BAD_OPERANDS,
            f"`{argument}` of `{call.name}` expects one tensor, but received {len(value)}",
            expected="one tensor",
            help="pick one of them, as `node[0]`",
        )
    return value[0]


def tensor(call: Call, argument: str = "x") -> Tensor:
    """Return the tensor for `argument`. Refuses a constant."""
    value = operand(call, argument)
    if not isinstance(value, Tensor):
        call.refuse_argument(
            UNFIT_ARGUMENT,
            argument,
            "expects a tensor, but " + ("is missing" if value is None else f"is {_constant(value)}"),
            f"a tensor for `{argument}`",
            help=f"write `from: {{{argument}: ...}}`, with the name of a tensor; a node with `constant` is one",
        )
    return value


def require_tensor(call: Call, *arguments: str) -> None:
    """Refuse a call in which none of `arguments` is a tensor: Keras has a graph only of those."""
    if not any(isinstance(operand(call, each), Tensor) for each in arguments):
        call.refuse(
            BAD_OPERANDS,
            f"`{' or '.join(arguments)}` of `{call.name}` must be a tensor",
            expected=f"a tensor for `{arguments[0]}`",
            help=f"write `from: {{{arguments[0]}: ...}}`",
        )


def tensor_list(call: Call, argument: str) -> list[Tensor]:
    """Return the tensors for a parameter that takes a list. Refuses a constant among them."""
    value = call[argument]
    if not isinstance(value, list) or not value:
        raise Unreadable
    for item in value:
        if not isinstance(item, Tensor):
            call.refuse_argument(
                UNFIT_ARGUMENT,
                argument,
                f"expects a list of tensors, but one of them is {_constant(item)}",
                "a list of tensors",
            )
    return value


def shape_of(call: Call, argument: str) -> Shape:
    """Return the shape of an operand; that of a constant is empty."""
    value = operand(call, argument)
    return value.shape if isinstance(value, Tensor) else ()


def dtype_of(call: Call, argument: str) -> str:
    """Return the dtype of an operand: `int` or `float` for a number. Refuses other constants."""
    value = operand(call, argument)
    if isinstance(value, Tensor):
        return value.dtype
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return INT_NUMBER
    if not isinstance(value, float):
        call.refuse_argument(
            UNFIT_ARGUMENT,
            argument,
            f"expects a tensor or one number, but is {_constant(value)}",
            "a tensor or a number",
            help="give one number, or name a tensor in `from`: a node with `constant` holds such numbers",
        )
    return FLOAT_NUMBER


def strict_dtype_of(call: Call, argument: str) -> str:
    """Return the dtype of an operand; that of a number is the one that it has by itself."""
    return strict(dtype_of(call, argument))


def broadcast_operands(call: Call, *arguments: str) -> Shape:
    """Return the common shape of the operands. Refuses shapes that do not broadcast."""
    return common_shape(call, *(shape_of(call, argument) for argument in arguments))


def common_shape(
    call: Call, *shapes: Shape, help: str = "make the sizes equal, or insert a 1 with `ops.expand_dims`"
) -> Shape:
    """Return the shape that all broadcast to. Refuses shapes that do not broadcast."""
    result = broadcast(*shapes)
    if result is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` cannot broadcast {' and '.join(shape_text(shape) for shape in shapes if shape)}",
            expected="sizes that are equal or 1, counted from the last dimension",
            help=help,
        )
    return result


def common_dtype(call: Call, *dtypes: str) -> str:
    """Return the common dtype of `dtypes`. Refuses those that Keras does not promote."""
    result = promote(*dtypes)
    if result is None:
        distinct = list(dict.fromkeys({INT_NUMBER: "a whole number", FLOAT_NUMBER: "float"}.get(d, d) for d in dtypes))
        call.refuse(
            WRONG_DTYPE,
            f"`{call.name}` cannot compute with {' and '.join(distinct)}: Keras has no dtype for the result",
            expected="dtypes of numbers that Keras converts to each other",
            help="the layer `StringLookup` converts text to numbers"
            if "string" in dtypes
            else "convert the tensor first: `ops.cast: float32`",
        )
    return result


def _constant(value: Any) -> str:
    """Return a constant as text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else "no number"
