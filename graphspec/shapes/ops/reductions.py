"""Operations that take dimensions together: sums, extremes, averages, quantiles."""

from __future__ import annotations

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.shapes.call import Call
from graphspec.shapes.ops.arguments import axis, axis_list, dtype, removed, word
from graphspec.shapes.ops.elementwise import DtypeRule, floating, floating_from_whole, plain_float, same, truth, words
from graphspec.shapes.ops.operands import common, operand, tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.promotion import FLOAT, is_float, is_integer
from graphspec.shapes.sizes import agree
from graphspec.shapes.tensor import Shape, Tensor, Value, show


def index(call: Call, dtype: str) -> str:
    """A position, or a count."""
    return "int32"


def promoted(call: Call, dtype: str) -> str:
    """The dtype by itself, which Keras may narrow or refuse."""
    return common(call, dtype)


def product(call: Call, dtype: str) -> str:
    """Small whole numbers grow, as their products do."""
    if dtype in ("bool", "int8", "int16"):
        return "int32"
    return "uint32" if dtype in ("uint8", "uint16") else dtype


def total(call: Call, dtype: str) -> str:
    """As `product`, of dtypes that Keras promotes."""
    return product(call, common(call, dtype))


def average(call: Call, dtype: str) -> str:
    """Whole numbers become floats."""
    averaged = common(call, dtype, FLOAT)
    return averaged if is_integer(dtype) or dtype == "bool" else dtype


REDUCTIONS: dict[DtypeRule, list[str]] = {
    same: words("amax amin max min ptp"),
    truth: words("all any"),
    index: words("argmax argmin count_nonzero"),
    promoted: words("nanmax nanmin"),
    total: words("nansum sum"),
    product: words("nanprod"),
    average: words("mean"),
    floating: words("median nanmean nanmedian nanstd nanvar var"),
    floating_from_whole: words("std"),
    plain_float: words("logsumexp"),
}
"""How the dtype is found → the operations that find it so."""


def reduced(call: Call, shape: Shape, argument: str = "axis") -> Shape:
    """The shape without the axes that the argument names: all where it names none, 1 each with `keepdims`."""
    keep = bool(call["keepdims"])
    if call[argument] is None:
        return (1,) * len(shape) if keep else ()
    gone = axis_list(call, argument, len(shape))
    if keep:
        return tuple(1 if number in gone else size for number, size in enumerate(shape))
    return removed(call, argument, shape, gone)


def _register(rule: DtypeRule, names: list[str]) -> None:
    @operation(*names)
    def reduction(call: Call) -> Value:
        incoming = tensor(call, "x")
        return Tensor(reduced(call, incoming.shape), rule(call, incoming.dtype))


for _rule, _names in REDUCTIONS.items():
    _register(_rule, _names)


@operation("size")
def size(call: Call) -> Value:
    """How many elements there are."""
    tensor(call, "x")
    return Tensor((), "int32")


@operation("prod")
def prod(call: Call) -> Value:
    """A product, in the dtype that the spec may state."""
    incoming = tensor(call, "x")
    return Tensor(reduced(call, incoming.shape), dtype(call, product(call, incoming.dtype)))


@operation("nanargmax", "nanargmin")
def position(call: Call) -> Value:
    """A position along one axis."""
    incoming = tensor(call, "x")
    _takes_one_axis(call)
    return Tensor(reduced(call, incoming.shape), "int32")


@operation("moments")
def moments(call: Call) -> Value:
    """Mean and variance, in the dtype that comes in."""
    incoming = tensor(call, "x")
    each = Tensor(reduced(call, incoming.shape, "axes"), incoming.dtype)
    return [each, each]


@operation("norm")
def norm(call: Call) -> Value:
    """A norm; of two dimensions it is one of matrices, which knows fewer orders."""
    incoming, order = tensor(call, "x"), call["ord"]
    if isinstance(order, str):
        word(call, "ord", "fro", "nuc")
    axes = list(range(incoming.rank)) if call["axis"] is None else axis_list(call, "axis", incoming.rank)
    if len(axes) == 1 and isinstance(order, str):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`ord: {order}` is a norm of matrices, and `ops.norm` takes one dimension together here",
            argument="ord",
            expected="a number, or two axes",
            help="name the two dimensions of the matrices: `axis: [-2, -1]`",
        )
    if len(axes) == 2 and order not in (None, "fro", "nuc", float("inf"), float("-inf"), 1, -1, 2, -2):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`ord: {order}` is no norm of matrices, and `ops.norm` takes two dimensions together here",
            argument="ord",
            expected="1, -1, 2, -2, fro or nuc",
            help="for a norm of vectors name one axis",
        )
    return Tensor(reduced(call, incoming.shape), floating_from_whole(call, incoming.dtype))


@operation("quantile", "nanquantile")
def quantile(call: Call) -> Value:
    """Quantiles, those of several `q` in front; a list of one counts as a number."""
    incoming = tensor(call, "x")
    return Tensor((*_quantiles(call, least=2), *reduced(call, incoming.shape)), floating(call, incoming.dtype))


@operation("percentile")
def percentile(call: Call) -> Value:
    """Percentiles, those of several `q` in front."""
    incoming = tensor(call, "x")
    found = incoming.dtype if is_float(incoming.dtype) else FLOAT
    return Tensor((*_quantiles(call, least=0), *reduced(call, incoming.shape)), found)


@operation("nanpercentile")
def nanpercentile(call: Call) -> Value:
    """As `percentile`, in a dtype that is found otherwise."""
    incoming = tensor(call, "x")
    found = FLOAT if is_integer(incoming.dtype) else floating(call, incoming.dtype)
    return Tensor((*_quantiles(call, least=0), *reduced(call, incoming.shape)), found)


def _quantiles(call: Call, least: int) -> Shape:
    """The dimension that `q` adds: none for a number, and none for a list of fewer than `least`."""
    wanted = operand(call, "q")
    if isinstance(wanted, Tensor):
        return wanted.shape[:1]
    if isinstance(wanted, list):
        return (len(wanted),) if len(wanted) >= least else ()
    return ()


@operation("average")
def weighted_average(call: Call) -> Value:
    """An average, weighted by what has the shape of the tensor, or the size of the axis."""
    incoming = tensor(call, "x")
    weights = tensor(call, "weights") if operand(call, "weights") is not None else None
    kinds = [incoming.dtype, "float", *([weights.dtype] if weights is not None else [])]
    found = common(call, *kinds)
    if call["axis"] is None:
        if weights is not None and not agree(weights.shape, incoming.shape):
            _unfit_weights(call, weights, show(incoming))
        return Tensor((), found)
    _takes_one_axis(call)
    along = axis(call, "axis", incoming.rank)
    sizes = incoming.shape[along]
    if weights is not None and not agree(weights.shape, (sizes,)) and not agree(weights.shape, incoming.shape):
        _unfit_weights(call, weights, f"{show(incoming)} or {show((sizes,))}")
    return Tensor(reduced(call, incoming.shape), found)


def _unfit_weights(call: Call, weights: Tensor, wanted: str) -> None:
    call.refuse(
        SHAPE_MISMATCH,
        f"the weights of `{call.name}` are {weights}, and do not fit what is averaged",
        expected=f"weights of shape {wanted}",
        help="give a weight to each element, or one to each along `axis`",
    )


def _takes_one_axis(call: Call) -> None:
    stated = call["axis"]
    if isinstance(stated, list | tuple):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` takes one axis together, and `axis` lists {len(stated)}",
            argument="axis",
            expected="a whole number",
            help="name one axis, or leave `axis` out to take all together",
        )
