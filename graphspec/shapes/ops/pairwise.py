"""Operations on the elements of two tensors that meet, one of them perhaps a number."""

from __future__ import annotations

from collections.abc import Callable

from graphspec.diagnostics.rules import UNFIT_ARGUMENT
from graphspec.shapes.call import Call
from graphspec.shapes.ops.elementwise import countable, words
from graphspec.shapes.ops.operands import common, kind_of, operand, strict_kind_of, tensor, together, traced
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.promotion import FLOAT, FLOAT_NUMBER, INT_NUMBER, is_integer
from graphspec.shapes.tensor import Tensor, Value

PairRule = Callable[[Call], str]


def promoted(call: Call) -> str:
    """The common dtype of the two."""
    return common(call, kind_of(call, "x1"), kind_of(call, "x2"))


def promoted_countable(call: Call) -> str:
    """The common dtype; truth values become whole numbers."""
    return countable(call, promoted(call))


def promoted_floating(call: Call) -> str:
    """The common dtype of the two and a float number."""
    return common(call, kind_of(call, "x1"), kind_of(call, "x2"), FLOAT_NUMBER)


def strictly_promoted(call: Call) -> str:
    """The common dtype, a number taken with the dtype that it has by itself."""
    return common(call, strict_kind_of(call, "x1"), strict_kind_of(call, "x2"))


def strictly_floating(call: Call) -> str:
    """As `strictly_promoted`, with a float number."""
    return common(call, strict_kind_of(call, "x1"), strict_kind_of(call, "x2"), FLOAT_NUMBER)


def angle_between(call: Call) -> str:
    """As `promoted_floating`, any constant taken for a float."""
    kinds = [each.dtype if isinstance(each, Tensor) else FLOAT for each in (operand(call, "x1"), operand(call, "x2"))]
    return common(call, *kinds, FLOAT_NUMBER)


def measured(call: Call) -> str:
    """The common dtype of two tensors, floats for whole numbers."""
    dtype = common(call, tensor(call, "x1").dtype, tensor(call, "x2").dtype)
    if dtype == "int64":
        return "float64"
    return FLOAT if is_integer(dtype) else dtype


def truth(call: Call) -> str:
    """Truth values. Keras looks at no dtype, and so takes a list for a number."""
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
"""How the dtype is found → the operations that find it so."""


def _register(dtype: PairRule, names: list[str]) -> None:
    @operation(*names)
    def pairwise(call: Call) -> Value:
        traced(call, "x1", "x2")
        found = dtype(call)
        return Tensor(together(call, "x1", "x2"), found)


for _rule, _names in PAIRWISE.items():
    _register(_rule, _names)


@operation("allclose")
def allclose(call: Call) -> Value:
    """One truth value. Keras compares no shapes in a graph."""
    return Tensor((), "bool")


@operation("isin")
def isin(call: Call) -> Value:
    """A truth value for each element of the first."""
    return Tensor(tensor(call, "x1").shape, "bool")


@operation(*words("bitwise_and bitwise_or bitwise_xor"))
def bitwise(call: Call) -> Value:
    """Bits of two tensors; Keras gives the first one's shape, without a look at the other's."""
    return Tensor(tensor(call, "x").shape, common(call, tensor(call, "x").dtype, tensor(call, "y").dtype))


@operation(*words("bitwise_left_shift bitwise_right_shift left_shift right_shift"))
def shift(call: Call) -> Value:
    """As `bitwise`, and the second may be a whole number."""
    shifted = tensor(call, "x")
    if isinstance(operand(call, "y"), int):
        return Tensor(shifted.shape, shifted.dtype)
    return Tensor(shifted.shape, common(call, shifted.dtype, tensor(call, "y").dtype))


@operation("where")
def where(call: Call) -> Value:
    """Three that meet; without the two to choose from, Keras gives the condition's shape."""
    chosen = ("x1", "x2")
    missing = [each for each in chosen if operand(call, each) is None]
    if len(missing) == 1:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`ops.where` chooses between two, and `{missing[0]}` is not given",
            expected="both `x1` and `x2`, or none of them",
            help="a number will do: `ops.where: {x2: 0.0}`",
        )
    dtypes = [INT_NUMBER if missing else kind_of(call, each) for each in chosen]
    dtype = "int64" if missing else common(call, *dtypes)
    return Tensor(together(call, "condition", *chosen), dtype)


@operation("select")
def select(call: Call) -> Value:
    """The first choice: in a graph Keras gives its shape and dtype, without a look at the others."""
    choices = call["choicelist"]
    conditions = call["condlist"]
    if not (isinstance(choices, list) and choices and isinstance(choices[0], Tensor) and conditions):
        call.refuse(
            UNFIT_ARGUMENT,
            "`ops.select` takes lists of tensors, and the first choice is none",
            expected="a tensor as the first of `choicelist`",
            help="name the choices beside the operation: `call: {choicelist: [a, b]}`",
        )
    return Tensor(choices[0].shape, choices[0].dtype)
