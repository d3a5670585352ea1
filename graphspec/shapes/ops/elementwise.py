"""Operations on each element of one tensor: the shape stays, and the dtype follows one of a few rules."""

from __future__ import annotations

from collections.abc import Callable

from graphspec.diagnostics.rules import WRONG_DTYPE
from graphspec.shapes.call import Call
from graphspec.shapes.ops.operands import common, tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.promotion import FLOAT, FLOAT_NUMBER, is_integer
from graphspec.shapes.tensor import Tensor, Value

DtypeRule = Callable[[Call, str], str]


def same(call: Call, dtype: str) -> str:
    """The dtype that comes in, whatever it is: Keras asks no more of it in a graph."""
    return dtype


def floating(call: Call, dtype: str) -> str:
    """What the dtype has in common with a float number."""
    return common(call, dtype, FLOAT_NUMBER)


def floating_from_whole(call: Call, dtype: str) -> str:
    """Whole numbers and truth values become floats; all else is as it was."""
    return FLOAT if is_integer(dtype) or dtype == "bool" else dtype


def real_floating(call: Call, dtype: str) -> str:
    """As `floating_from_whole`, of real numbers."""
    if dtype.startswith("complex"):
        call.refuse(
            WRONG_DTYPE,
            f"`{call.name}` takes real numbers, and what comes in is {dtype}",
            expected="a dtype of real numbers",
            help="`ops.abs` takes complex numbers too",
        )
    return floating_from_whole(call, dtype)


def wide_floating(call: Call, dtype: str) -> str:
    """A float dtype, and `float64` for what has 64 bits and a sign."""
    if dtype in ("int64", "float64"):
        return "float64"
    return dtype if dtype in ("bfloat16", "float16") else FLOAT


def wide_floating_from_whole(call: Call, dtype: str) -> str:
    """As `wide_floating` for whole numbers and truth values, but those that Keras forgets; all else is as it was."""
    forgotten = dtype == "uint64" or not (is_integer(dtype) or dtype == "bool")
    return dtype if forgotten else wide_floating(call, dtype)


def countable(call: Call, dtype: str) -> str:
    """Truth values become whole numbers."""
    return "int32" if dtype == "bool" else dtype


def truth(call: Call, dtype: str) -> str:
    """Truth values."""
    return "bool"


def plain_float(call: Call, dtype: str) -> str:
    """A float, whatever comes in."""
    return FLOAT


def words(names: str) -> list[str]:
    """The names, which a table writes with blanks between."""
    return names.split()


ELEMENTWISE: dict[DtypeRule, list[str]] = {
    same: words(
        "abs absolute bitwise_invert bitwise_not celu conj conjugate copy elu erf erfinv gelu hard_shrink "
        "hard_sigmoid hard_silu hard_tanh imag layer_normalization leaky_relu log_sigmoid nan_to_num negative "
        "real relu relu6 rms_normalization round rsqrt selu sigmoid sign silu soft_shrink softplus softsign "
        "sparse_plus sparse_sigmoid squareplus tanh_shrink threshold tril triu trunc"
    ),
    floating: words(
        "angle arccos arccosh arcsin arcsinh arctan arctanh ceil cos cosh erfc floor log log10 log1p log2 sin sinc "
        "sinh sqrt tan tanh"
    ),
    floating_from_whole: words("exp exp2 expm1"),
    real_floating: words("fabs"),
    wide_floating: words("deg2rad i0 rad2deg"),
    wide_floating_from_whole: words("cbrt"),
    countable: words("clip square"),
    truth: words("isfinite isinf isnan isneginf isposinf isreal logical_not signbit"),
    plain_float: words("reciprocal"),
}
"""How the dtype is found → the operations that find it so."""


def _register(dtype: DtypeRule, names: list[str]) -> None:
    @operation(*names)
    def elementwise(call: Call) -> Value:
        incoming = tensor(call, "x")
        return Tensor(incoming.shape, dtype(call, incoming.dtype))


for _rule, _names in ELEMENTWISE.items():
    _register(_rule, _names)


@operation("stop_gradient")
def stop_gradient(call: Call) -> Value:
    """The tensor as it is."""
    incoming = tensor(call, "variable")
    return Tensor(incoming.shape, incoming.dtype)
