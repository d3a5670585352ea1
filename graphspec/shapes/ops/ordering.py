"""Operations that sort, search, count and accumulate along an axis, and those on segments of the first one."""

from __future__ import annotations

from graphspec.diagnostics.rules import SHAPE_MISMATCH, WRONG_RANK
from graphspec.shapes.call import Call, Unreadable, operation, product
from graphspec.shapes.ops.arguments import axis, choice, dtype, integer, refuse_value, size
from graphspec.shapes.ops.elementwise import countable, floating
from graphspec.shapes.ops.operands import common_dtype, tensor
from graphspec.shapes.ops.promotion import is_float
from graphspec.shapes.sizes import differ, with_size, without
from graphspec.shapes.tensor import Shape, Tensor, Value

_REDUCED = "apply it before the dimensions are reduced"
_VECTOR = "give the input the shape `[]`: the batch is its one dimension"


def along(call: Call, x: Tensor, *, checked: bool = True) -> Shape:
    """Return the shape, without an axis flattened. Refuses an axis that is not there, if checked."""
    if call["axis"] is None:
        return (product(x.shape),)
    if checked:
        axis(call, "axis", x.rank)
    return x.shape


@operation("sort", "argsort")
def sort(call: Call) -> Value:
    """Infer the elements, or their indices, in order along an axis: the same shape."""
    x = tensor(call)
    return Tensor(along(call, x), x.dtype if call.name == "ops.sort" else "int32")


@operation("argpartition")
def argpartition(call: Call) -> Value:
    """Infer the indices of the elements: the same shape. Keras checks no axis in a graph."""
    x = tensor(call)
    integer(call, "kth")
    return Tensor(along(call, x, checked=False), "int32")


@operation("cumsum", "cumprod", "nancumsum", "nancumprod")
def cumulate(call: Call) -> Value:
    """Infer cumulative sums or products: the same shape. Without NaN, Keras checks no axis in a graph."""
    x = tensor(call)
    shape = along(call, x, checked=not call.name.startswith("ops.nan"))
    return Tensor(shape, countable(call, dtype(call, x.dtype)))


@operation("diff")
def diff(call: Call) -> Value:
    """Infer the differences of neighbours: `n` fewer along the axis."""
    x = tensor(call, "a")
    number = axis(call, "axis", x.rank)
    length = x.shape[number]
    left = None if length is None else max(length - integer(call, "n"), 0)
    return Tensor(with_size(x.shape, number, left), x.dtype)


@operation("trapezoid")
def trapezoid(call: Call) -> Value:
    """Infer the integral along an axis, which Keras takes modulo the rank."""
    x = tensor(call, "y")
    shape = x.shape
    if call["axis"] is not None and shape:
        shape = without(shape, integer(call, "axis") % len(shape))
    return Tensor(shape, floating(call, x.dtype))


@operation("top_k")
def top_k(call: Call) -> Value:
    """Infer the `k` greatest elements of the last dimension, and their indices. Keras compares no sizes."""
    x = tensor(call)
    call.expect_rank(x, least=1, help=_REDUCED)
    shape = (*x.shape[:-1], size(call, "k"))
    return [Tensor(shape, x.dtype), Tensor(shape, "int32")]


@operation("in_top_k")
def in_top_k(call: Call) -> Value:
    """Infer a truth value for each target. Keras compares no shapes in a graph."""
    return Tensor(tensor(call, "targets").shape, "bool")


@operation("searchsorted")
def searchsorted(call: Call) -> Value:
    """Infer the index of each value in a sorted vector."""
    ordered, values = tensor(call, "sorted_sequence"), tensor(call, "values")
    call.expect_rank(ordered, 1, operand="sorted_sequence", help=_VECTOR)
    length = ordered.shape[0]
    return Tensor(values.shape, "int32" if length is not None and length < 2**31 else "int64")


@operation("digitize")
def digitize(call: Call) -> Value:
    """Infer the bin of each element: the same shape."""
    x, bins = tensor(call), tensor(call, "bins")
    call.expect_rank(bins, 0, 1, operand="bins", help="the layer `Discretization` takes its bins as a list")
    return Tensor(x.shape, "int32")


@operation("bincount")
def bincount(call: Call) -> Value:
    """Infer counts of whole numbers in the last dimension; their number depends on the values."""
    x = tensor(call)
    if call["weights"] is not None:
        raise Unreadable
    return Tensor((*x.shape[:-1], None), "int32")


@operation("segment_max", "segment_min", "segment_prod", "segment_sum")
def segment(call: Call) -> Value:
    """Infer the rows of each segment reduced: (rows, ...) → (num_segments, ...)."""
    data, ids = tensor(call, "data"), tensor(call, "segment_ids")
    call.expect_rank(ids, 1, operand="segment_ids", help=_VECTOR)
    if ids.shape[0] is not None:
        call.expect_rank(data, least=1, operand="data", help=_REDUCED)
    if data.shape and differ(ids.shape[0], data.shape[0]):
        call.refuse_argument(
            SHAPE_MISMATCH,
            "segment_ids",
            f"has {ids.shape[0]} elements for the rows of {data}",
            f"{data.shape[0]} segments",
            help="make the two equal",
        )
    return Tensor((size(call, "num_segments"), *data.shape[1:]), data.dtype)


@operation("vander")
def vander(call: Call) -> Value:
    """Infer the powers of each element of a vector: (elements) → (elements, N)."""
    x = tensor(call)
    call.expect_rank(x, 1, help=_VECTOR)
    if not isinstance(call["increasing"], bool):
        refuse_value(call, "increasing", "true or false")
    return Tensor((x.shape[0], x.shape[0] if call["N"] is None else integer(call, "N")), x.dtype)


@operation("corrcoef")
def corrcoef(call: Call) -> Value:
    """Infer correlations; in a graph, Keras returns the shape of the input."""
    x = tensor(call)
    return Tensor(x.shape, "float64" if x.dtype == "int64" else floating(call, x.dtype))


@operation("correlate")
def correlate(call: Call) -> Value:
    """Infer the cross-correlation of two vectors, whose length follows from `mode`."""
    one, other = tensor(call, "x1"), tensor(call, "x2")
    for argument, each in (("x1", one), ("x2", other)):
        if each.rank != 1 or each.shape[0] is None:
            call.refuse_argument(
                WRONG_RANK,
                argument,
                f"must be a vector of known size, but is {each}",
                "one dimension of known size, which is the batch",
                help="give the input a `batch_size` and the shape `[]`",
            )
    sides = sorted((one.shape[0] or 0, other.shape[0] or 0))
    lengths = {"valid": sides[1] - sides[0] + 1, "same": sides[1], "full": sum(sides) - 1}
    common = common_dtype(call, one.dtype, other.dtype)
    if common == "int64":
        common = "float64"
    return Tensor((lengths[choice(call, "mode", *lengths)],), common if is_float(common) else "float32")
