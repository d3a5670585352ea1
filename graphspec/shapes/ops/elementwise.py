"""Operations on each element of one tensor: the shape stays, and the dtype follows one of a few rules.

Those that fill a shape, or change the dtype alone, are here as well.
"""

from __future__ import annotations

from collections.abc import Callable

from graphspec.diagnostics.rules import SHAPE_MISMATCH, WRONG_DTYPE
from graphspec.shapes.call import Call, operation
from graphspec.shapes.ops.arguments import dtype, sizes
from graphspec.shapes.ops.operands import common_dtype, require_tensor, tensor
from graphspec.shapes.ops.promotion import FLOAT, FLOAT_NUMBER, is_integer
from graphspec.shapes.tensor import Tensor, Value

DtypeRule = Callable[[Call, str], str]


def same(call: Call, dtype: str) -> str:
    """Return the same dtype, whatever it is: Keras checks none in a graph."""
    return dtype


def floating(call: Call, dtype: str) -> str:
    """Return the common dtype with a float number."""
    return common_dtype(call, dtype, FLOAT_NUMBER)


def floating_from_whole(call: Call, dtype: str) -> str:
    """Return float32 for whole numbers and truth values; any other dtype is unchanged."""
    return FLOAT if is_integer(dtype) or dtype == "bool" else dtype


def real_floating(call: Call, dtype: str) -> str:
    """Return the dtype of `floating_from_whole`. Refuses complex numbers."""
    if dtype.startswith("complex"):
        call.refuse_input(WRONG_DTYPE, "real numbers", dtype, help="`ops.abs` takes complex numbers too")
    return floating_from_whole(call, dtype)


def wide_floating(call: Call, dtype: str) -> str:
    """Return a float dtype: float64 for int64 and float64."""
    if dtype in ("int64", "float64"):
        return "float64"
    return dtype if dtype in ("bfloat16", "float16") else FLOAT


def wide_floating_from_whole(call: Call, dtype: str) -> str:
    """Return the dtype of `wide_floating` for whole numbers but uint64, and truth values; others are unchanged."""
    forgotten = dtype == "uint64" or not (is_integer(dtype) or dtype == "bool")
    return dtype if forgotten else wide_floating(call, dtype)


def countable(call: Call, dtype: str) -> str:
    """Return int32 for truth values; any other dtype is unchanged."""
    return "int32" if dtype == "bool" else dtype


def truth(call: Call, dtype: str) -> str:
    """Return bool."""
    return "bool"


def plain_float(call: Call, dtype: str) -> str:
    """Return float32."""
    return FLOAT


def words(names: str) -> list[str]:
    """Return the names, which a table writes with blanks between."""
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
"""Rule of the dtype → the operations that follow it."""


def _register(dtype: DtypeRule, names: list[str]) -> None:
    @operation(*names)
    def elementwise(call: Call) -> Value:
        x = tensor(call)
        return Tensor(x.shape, dtype(call, x.dtype))


for _rule, _names in ELEMENTWISE.items():
    _register(_rule, _names)


@operation("stop_gradient")
def stop_gradient(call: Call) -> Value:
    """Infer the same shape and dtype."""
    variable = tensor(call, "variable")
    return Tensor(variable.shape, variable.dtype)


@operation("cast", "saturate_cast")
def cast(call: Call) -> Value:
    """Infer the same shape in the dtype that is named; null is float32."""
    return Tensor(tensor(call).shape, dtype(call, FLOAT))


@operation("array", "convert_to_tensor", "empty_like", "full_like", "ones_like", "zeros_like")
def like(call: Call) -> Value:
    """Infer the same shape, in the same dtype or the one that is named."""
    x = tensor(call)
    return Tensor(x.shape, dtype(call, x.dtype))


@operation("full")
def full(call: Call) -> Value:
    """Infer the shape that is written."""
    require_tensor(call, "fill_value")
    return Tensor(sizes(call, "shape"), dtype(call, FLOAT))


@operation("view")
def view(call: Call) -> Value:
    """Infer the shape for the same bytes read as another dtype: the last dimension grows or shrinks with its width."""
    x = tensor(call)
    target = dtype(call, x.dtype) or x.dtype
    old, new = _bytes(call, x.dtype), _bytes(call, target)
    if old == new:
        return Tensor(x.shape, target)
    if not x.shape or (x.shape[-1] is not None and x.shape[-1] * old % new):
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.view` cannot read {x} of {x.dtype} as {target}",
            argument="dtype",
            expected=f"a last dimension whose {old} bytes each fill whole numbers of {new} bytes",
            help=f"`ops.cast: {target}` converts the numbers",
        )
    last = x.shape[-1]
    return Tensor((*x.shape[:-1], None if last is None else last * old // new), target)


def _bytes(call: Call, name: str) -> int:
    """Return the bytes that a number of the dtype takes. Refuses text."""
    if name == "string":
        call.refuse_input(WRONG_DTYPE, "numbers", "text", help="the layer `StringLookup` converts text to numbers")
    bits = 8 if name == "bool" else int("".join(filter(str.isdigit, name.partition("_")[0])))
    return bits // 8
