"""Operations on the elements of two tensors, or of a tensor and a number."""

from __future__ import annotations

from collections.abc import Callable

from graphspec.diagnostics.rules import UNFIT_ARGUMENT
from graphspec.shapes.call import Call, operation
from graphspec.shapes.ops.elementwise import countable, words
from graphspec.shapes.ops.operands import (
    ARRAY_OPERATIONS,
    broadcast_operands,
    common_dtype,
    dtype_of,
    operand,
    require_tensor,
    strict_dtype_of,
    tensor,
)
from graphspec.shapes.ops.promotion import FLOAT, FLOAT_NUMBER, INT_NUMBER, is_integer
from graphspec.shapes.tensor import Tensor, Value

PairRule = Callable[[Call], str]


def promoted(call: Call) -> str:
    """Return the common dtype of the two."""
    return common_dtype(call, dtype_of(call, "x1"), dtype_of(call, "x2"))


def promoted_countable(call: Call) -> str:
    """Return the common dtype; int32 for truth values."""
    return countable(call, promoted(call))


def promoted_floating(call: Call) -> str:
    """Return the common dtype of the two and a float number."""
    return common_dtype(call, dtype_of(call, "x1"), dtype_of(call, "x2"), FLOAT_NUMBER)


def strictly_promoted(call: Call) -> str:
    """Return the common dtype, a number taken with the dtype that it has by itself."""
    return common_dtype(call, strict_dtype_of(call, "x1"), strict_dtype_of(call, "x2"))


def strictly_floating(call: Call) -> str:
    """Return the dtype of `strictly_promoted` with a float number."""
    return common_dtype(call, strict_dtype_of(call, "x1"), strict_dtype_of(call, "x2"), FLOAT_NUMBER)


def angle_between(call: Call) -> str:
    """Return the dtype of `promoted_floating`, any constant taken for a float."""
    dtypes = [each.dtype if isinstance(each, Tensor) else FLOAT for each in (operand(call, "x1"), operand(call, "x2"))]
    return common_dtype(call, *dtypes, FLOAT_NUMBER)


def measured(call: Call) -> str:
    """Return the common dtype of two tensors, a float one for whole numbers."""
    dtype = common_dtype(call, tensor(call, "x1").dtype, tensor(call, "x2").dtype)
    if dtype == "int64":
        return "float64"
    return FLOAT if is_integer(dtype) else dtype


def truth(call: Call) -> str:
    """Return bool. Keras checks no dtype, and so takes a list for a number."""
    return "bool"


PAIRWISE: dict[PairRule, list[str]] = {
    promoted: words("add floor_divide fmax fmin maximum minimum multiply power subtract"),
    promoted_countable: words("fmod mod"),
    promoted_floating: words("divide divide_no_nan logaddexp logaddexp2 true_divide"),
    strictly_promoted: words("gcd lcm"),
    strictly_floating: words("ldexp nextafter"),
    angle_between: words("arctan2"),
    measured: words("heaviside hypot"),
    truth: words("equal greater greater_equal isclose less less_equal logical_and logical_or logical_xor not_equal"),
}
"""Rule of the dtype → the operations that follow it."""


def _register(dtype: PairRule, names: list[str]) -> None:
    ARRAY_OPERATIONS.update(f"ops.{name}" for name in names)

    @operation(*names)
    def pairwise(call: Call) -> Value:
        require_tensor(call, "x1", "x2")
        result_dtype = dtype(call)
        return Tensor(broadcast_operands(call, "x1", "x2"), result_dtype)


for _rule, _names in PAIRWISE.items():
    _register(_rule, _names)


@operation("allclose")
def allclose(call: Call) -> Value:
    """Infer one truth value. Keras compares no shapes in a graph."""
    return Tensor((), "bool")


@operation("isin")
def isin(call: Call) -> Value:
    """Infer a truth value for each element of the first tensor."""
    return Tensor(tensor(call, "x1").shape, "bool")


@operation(
    *words("bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift left_shift right_shift"),
)
def bitwise(call: Call) -> Value:
    """Infer the shape of the first tensor: Keras ignores that of the second. A shift may be a whole number."""
    x = tensor(call)
    if "shift" in call.name and isinstance(operand(call, "y"), int):
        return Tensor(x.shape, x.dtype)
    return Tensor(x.shape, common_dtype(call, x.dtype, tensor(call, "y").dtype))


@operation("where")
def where(call: Call) -> Value:
    """Infer the common shape of condition and choices; without choices, Keras returns the condition's shape."""
    choices = ("x1", "x2")
    missing = [each for each in choices if operand(call, each) is None]
    if len(missing) == 1:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`ops.where` chooses between two tensors, but `{missing[0]}` is missing",
            expected="both `x1` and `x2`, or none of them",
            help="a number is enough: `ops.where: {x2: 0.0}`",
        )
    dtypes = [INT_NUMBER if missing else dtype_of(call, each) for each in choices]
    dtype = "int64" if missing else common_dtype(call, *dtypes)
    return Tensor(broadcast_operands(call, "condition", *choices), dtype)


@operation("select")
def select(call: Call) -> Value:
    """Infer the shape and dtype of the first choice: in a graph, Keras ignores the others."""
    choices = call["choicelist"]
    if not (isinstance(choices, list) and choices and isinstance(choices[0], Tensor) and call["condlist"]):
        call.refuse(
            UNFIT_ARGUMENT,
            "`ops.select` expects lists of tensors, but the first choice is none",
            expected="a tensor as the first of `choicelist`",
            help="name the choices beside the operation: `call: {choicelist: [a, b]}`",
        )
    return Tensor(choices[0].shape, choices[0].dtype)
