"""Operations that reduce dimensions: sums, extremes, averages, quantiles."""

from __future__ import annotations

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.diagnostics.shape_text import shape_text
from graphspec.shapes.call import Call, operation
from graphspec.shapes.ops.arguments import axis, axis_list, choice, dtype, without_axes
from graphspec.shapes.ops.elementwise import DtypeRule, floating, floating_from_whole, plain_float, same, truth, words
from graphspec.shapes.ops.operands import common_dtype, operand, tensor
from graphspec.shapes.ops.promotion import FLOAT, is_float, is_integer
from graphspec.shapes.sizes import compatible
from graphspec.shapes.tensor import Shape, Tensor, Value


def index(call: Call, dtype: str) -> str:
    """Return int32, for an index or a count."""
    return "int32"


def promoted(call: Call, dtype: str) -> str:
    """Return the dtype as Keras promotes it by itself; it may narrow or refuse it."""
    return common_dtype(call, dtype)


def product_dtype(call: Call, dtype: str) -> str:
    """Return a dtype of 32 bits for smaller whole numbers; any other is unchanged."""
    if dtype in ("bool", "int8", "int16"):
        return "int32"
    return "uint32" if dtype in ("uint8", "uint16") else dtype


def total(call: Call, dtype: str) -> str:
    """Return the dtype of `product_dtype` after promotion."""
    return product_dtype(call, common_dtype(call, dtype))


def average(call: Call, dtype: str) -> str:
    """Return a float dtype for whole numbers; any other is unchanged."""
    averaged = common_dtype(call, dtype, FLOAT)
    return averaged if is_integer(dtype) or dtype == "bool" else dtype


REDUCTIONS: dict[DtypeRule, list[str]] = {
    same: words("amax amin max min ptp"),
    truth: words("all any"),
    index: words("argmax argmin count_nonzero"),
    promoted: words("nanmax nanmin"),
    total: words("nansum sum"),
    product_dtype: words("nanprod"),
    average: words("mean"),
    floating: words("median nanmean nanmedian nanstd nanvar var"),
    floating_from_whole: words("std"),
    plain_float: words("logsumexp"),
}
"""Rule of the dtype → the operations that follow it."""


def reduced(call: Call, shape: Shape, argument: str = "axis") -> Shape:
    """Return the shape without the axes that the argument names, by default all; `keepdims` leaves them with size 1."""
    keep = bool(call["keepdims"])
    if call[argument] is None:
        return (1,) * len(shape) if keep else ()
    axes = axis_list(call, argument, len(shape))
    if keep:
        return tuple(1 if number in axes else size for number, size in enumerate(shape))
    return without_axes(call, argument, shape, axes)


def _register(rule: DtypeRule, names: list[str]) -> None:
    @operation(*names)
    def reduction(call: Call) -> Value:
        x = tensor(call)
        return Tensor(reduced(call, x.shape), rule(call, x.dtype))


for _rule, _names in REDUCTIONS.items():
    _register(_rule, _names)


@operation("size")
def size(call: Call) -> Value:
    """Infer one whole number."""
    tensor(call, "x")
    return Tensor((), "int32")


@operation("prod")
def prod(call: Call) -> Value:
    """Infer a product, in the dtype that the spec may name."""
    x = tensor(call)
    return Tensor(reduced(call, x.shape), dtype(call, product_dtype(call, x.dtype)))


@operation("nanargmax", "nanargmin")
def position(call: Call) -> Value:
    """Infer an index along one axis."""
    x = tensor(call)
    _expect_one_axis(call)
    return Tensor(reduced(call, x.shape), "int32")


@operation("moments")
def moments(call: Call) -> Value:
    """Infer mean and variance, in the dtype of the input."""
    x = tensor(call)
    each = Tensor(reduced(call, x.shape, "axes"), x.dtype)
    return [each, each]


@operation("norm")
def norm(call: Call) -> Value:
    """Infer a norm; that of two dimensions is one of matrices, which has fewer orders."""
    x, order = tensor(call, "x"), call["ord"]
    if isinstance(order, str):
        choice(call, "ord", "fro", "nuc")
    axes = list(range(x.rank)) if call["axis"] is None else axis_list(call, "axis", x.rank)
    if len(axes) == 1 and isinstance(order, str):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`ord: {order}` is a norm of matrices, but `ops.norm` reduces one dimension here",
            argument="ord",
            expected="a number, or two axes",
            help="name the two dimensions of the matrices: `axis: [-2, -1]`",
        )
    if len(axes) == 2 and order not in (None, "fro", "nuc", float("inf"), float("-inf"), 1, -1, 2, -2):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`ord: {order}` is no norm of matrices, but `ops.norm` reduces two dimensions here",
            argument="ord",
            expected="1, -1, 2, -2, fro or nuc",
            help="for a norm of vectors name one axis",
        )
    return Tensor(reduced(call, x.shape), floating_from_whole(call, x.dtype))


@operation("quantile", "nanquantile")
def quantile(call: Call) -> Value:
    """Infer quantiles, with a first dimension for several `q`; a list of one counts as a number."""
    x = tensor(call)
    return Tensor((*_quantiles(call, least=2), *reduced(call, x.shape)), floating(call, x.dtype))


@operation("percentile")
def percentile(call: Call) -> Value:
    """Infer percentiles, with a first dimension for several `q`."""
    x = tensor(call)
    result_dtype = x.dtype if is_float(x.dtype) else FLOAT
    return Tensor((*_quantiles(call, least=0), *reduced(call, x.shape)), result_dtype)


@operation("nanpercentile")
def nanpercentile(call: Call) -> Value:
    """Infer the shape of `percentile`, in a dtype by another rule."""
    x = tensor(call)
    result_dtype = FLOAT if is_integer(x.dtype) else floating(call, x.dtype)
    return Tensor((*_quantiles(call, least=0), *reduced(call, x.shape)), result_dtype)


def _quantiles(call: Call, least: int) -> Shape:
    """Return the dimension that `q` adds: none for a number, and none for a list of fewer than `least`."""
    q = operand(call, "q")
    if isinstance(q, Tensor):
        return q.shape[:1]
    return (len(q),) if isinstance(q, list) and len(q) >= least else ()


@operation("average")
def weighted_average(call: Call) -> Value:
    """Infer an average; weights have the shape of the tensor, or the size of the axis."""
    x = tensor(call)
    weights = tensor(call, "weights") if operand(call, "weights") is not None else None
    dtypes = [x.dtype, "float", *([weights.dtype] if weights is not None else [])]
    result_dtype = common_dtype(call, *dtypes)
    if call["axis"] is None:
        if weights is not None and not compatible(weights.shape, x.shape):
            _refuse_weights(call, weights, shape_text(x))
        return Tensor((), result_dtype)
    _expect_one_axis(call)
    along = axis(call, "axis", x.rank)
    sizes = x.shape[along]
    if weights is not None and not compatible(weights.shape, (sizes,)) and not compatible(weights.shape, x.shape):
        _refuse_weights(call, weights, f"{shape_text(x)} or {shape_text((sizes,))}")
    return Tensor(reduced(call, x.shape), result_dtype)


def _refuse_weights(call: Call, weights: Tensor, expected: str) -> None:
    call.refuse(
        SHAPE_MISMATCH,
        f"`weights` of `{call.name}` are {weights}, which do not fit the tensor",
        expected=f"weights of shape {expected}",
        help="give each element a weight, or each index along `axis`",
    )


def _expect_one_axis(call: Call) -> None:
    """Refuse a list of axes."""
    axes = call["axis"]
    if isinstance(axes, list | tuple):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` reduces one axis, but `axis` lists {len(axes)}",
            argument="axis",
            expected="a whole number",
            help="name one axis, or remove `axis` to reduce all",
        )
