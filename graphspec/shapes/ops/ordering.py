"""Operations that sort, search, count and accumulate along an axis, and those on segments of the first one."""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.rules import SHAPE_MISMATCH, WRONG_RANK
from graphspec.shapes.call import Call, Unreadable, product
from graphspec.shapes.ops.arguments import axis, dtype, integer, size, word, wrong
from graphspec.shapes.ops.elementwise import countable, floating
from graphspec.shapes.ops.operands import common, tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.promotion import is_float
from graphspec.shapes.sizes import replaced, without
from graphspec.shapes.tensor import Shape, Tensor, Value


def along(call: Call, incoming: Tensor) -> Shape:
    """The shape, if it has the axis; without one, that of all elements in one dimension."""
    if call["axis"] is None:
        return (product(incoming.shape),)
    axis(call, "axis", incoming.rank)
    return incoming.shape


@operation("sort")
def sort(call: Call) -> Value:
    """The elements in order along an axis."""
    incoming = tensor(call, "x")
    return Tensor(along(call, incoming), incoming.dtype)


@operation("argsort")
def argsort(call: Call) -> Value:
    """The places of the elements in order along an axis."""
    return Tensor(along(call, tensor(call, "x")), "int32")


@operation("argpartition")
def argpartition(call: Call) -> Value:
    """The places of the elements, parted at one of them. Keras looks for no axis in a graph."""
    incoming = tensor(call, "x")
    integer(call, "kth")
    return Tensor((product(incoming.shape),) if call["axis"] is None else incoming.shape, "int32")


@operation("cumsum", "cumprod")
def cumulate(call: Call) -> Value:
    """The sum or product of all elements up to each."""
    incoming = tensor(call, "x")
    return Tensor(along(call, incoming), countable(call, dtype(call, incoming.dtype)))


@operation("nancumsum", "nancumprod")
def cumulate_numbers(call: Call) -> Value:
    """As `cumulate`, what is no number left out. Keras looks for no axis in a graph."""
    incoming = tensor(call, "x")
    shape = (product(incoming.shape),) if call["axis"] is None else incoming.shape
    return Tensor(shape, countable(call, dtype(call, incoming.dtype)))


@operation("diff")
def diff(call: Call) -> Value:
    """The differences of neighbours, `n` times over."""
    incoming = tensor(call, "a")
    number = axis(call, "axis", incoming.rank)
    length = incoming.shape[number]
    left = None if length is None else max(length - integer(call, "n"), 0)
    return Tensor(replaced(incoming.shape, number, left), incoming.dtype)


@operation("trapezoid")
def trapezoid(call: Call) -> Value:
    """The area along an axis, which is counted round and round."""
    incoming = tensor(call, "y")
    shape = incoming.shape
    if call["axis"] is not None and shape:
        shape = without(shape, integer(call, "axis") % len(shape))
    return Tensor(shape, floating(call, incoming.dtype))


@operation("top_k")
def top_k(call: Call) -> Value:
    """The greatest of the last dimension, and their places. Keras counts none in a graph."""
    incoming = tensor(call, "x")
    if not incoming.shape:
        _needs_dimensions(call, incoming, 1)
    shape = (*incoming.shape[:-1], size(call, "k"))
    return [Tensor(shape, incoming.dtype), Tensor(shape, "int32")]


@operation("in_top_k")
def in_top_k(call: Call) -> Value:
    """Whether each target is among the greatest. Keras compares no shapes in a graph."""
    return Tensor(tensor(call, "targets").shape, "bool")


@operation("searchsorted")
def searchsorted(call: Call) -> Value:
    """The place of each value in a sorted vector."""
    ordered, values = tensor(call, "sorted_sequence"), tensor(call, "values")
    if ordered.rank != 1:
        call.refuse(
            WRONG_RANK,
            f"`ops.searchsorted` searches in a vector, and `sorted_sequence` is {ordered}",
            argument="sorted_sequence",
            expected="one dimension, which is the batch",
            help="give the input a `batch_size` and the shape `[]`",
        )
    length = ordered.shape[0]
    return Tensor(values.shape, "int32" if length is not None and length < 2**31 else "int64")


@operation("digitize")
def digitize(call: Call) -> Value:
    """The bin of each element."""
    incoming, bins = tensor(call, "x"), tensor(call, "bins")
    if bins.rank > 1:
        call.refuse(
            WRONG_RANK,
            f"`ops.digitize` takes a vector of bins, and `bins` is {bins}",
            argument="bins",
            expected="one dimension, which is the batch",
            help="the layer `Discretization` takes its bins as a list",
        )
    return Tensor(incoming.shape, "int32")


@operation("bincount")
def bincount(call: Call) -> Value:
    """How often each whole number occurs in the last dimension; how many there are hangs on the values."""
    incoming, weights = tensor(call, "x"), call["weights"]
    if weights is not None:
        raise Unreadable
    return Tensor((*incoming.shape[:-1], None), "int32")


@operation("segment_max", "segment_min", "segment_prod", "segment_sum")
def segment(call: Call) -> Value:
    """The rows of each segment taken together."""
    data, ids = tensor(call, "data"), tensor(call, "segment_ids")
    if ids.rank != 1:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes a segment for each row, and `segment_ids` is {ids}",
            argument="segment_ids",
            expected="one dimension, which is the batch",
            help="give the input of the segments the shape `[]`",
        )
    if ids.shape[0] is not None and not data.shape:
        _needs_dimensions(call, data, 1)
    if data.shape and None not in (ids.shape[0], data.shape[0]) and ids.shape[0] != data.shape[0]:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` takes a segment for each row, and there are {ids.shape[0]} for the rows of {data}",
            argument="segment_ids",
            expected=f"{data.shape[0]} segments",
            help="make the two equal",
        )
    return Tensor((size(call, "num_segments"), *data.shape[1:]), data.dtype)


@operation("vander")
def vander(call: Call) -> Value:
    """The powers of each element of a vector."""
    incoming = tensor(call, "x")
    if incoming.rank != 1:
        call.refuse(
            WRONG_RANK,
            f"`ops.vander` takes a vector, and what comes in is {incoming}",
            expected="one dimension, which is the batch",
            help="give the input the shape `[]`",
        )
    if not isinstance(call["increasing"], bool):
        wrong(call, "increasing", "true or false")
    return Tensor((incoming.shape[0], incoming.shape[0] if call["N"] is None else integer(call, "N")), incoming.dtype)


@operation("corrcoef")
def corrcoef(call: Call) -> Value:
    """Correlations; Keras gives the shape that comes in."""
    incoming = tensor(call, "x")
    return Tensor(incoming.shape, "float64" if incoming.dtype == "int64" else floating(call, incoming.dtype))


@operation("correlate")
def correlate(call: Call) -> Value:
    """Two vectors against each other."""
    one, other = tensor(call, "x1"), tensor(call, "x2")
    for argument, each in (("x1", one), ("x2", other)):
        if each.rank != 1 or each.shape[0] is None:
            call.refuse(
                WRONG_RANK,
                f"`ops.correlate` takes vectors of known size, and `{argument}` is {each}",
                argument=argument,
                expected="one dimension of known size, which is the batch",
                help="give the input a `batch_size` and the shape `[]`",
            )
    sides = sorted((one.shape[0] or 0, other.shape[0] or 0))
    lengths = {"valid": sides[1] - sides[0] + 1, "same": sides[1], "full": sum(sides) - 1}
    found = common(call, one.dtype, other.dtype)
    if found == "int64":
        found = "float64"
    return Tensor((lengths[word(call, "mode", *lengths)],), found if is_float(found) else "float32")


def _needs_dimensions(call: Call, incoming: Any, least: int) -> None:
    call.refuse(
        WRONG_RANK,
        f"`{call.name}` takes tensors of {least} dimension{'s' if least > 1 else ''} or more, not a single number",
        expected="a tensor with dimensions",
        help="apply it before the dimensions are taken together",
    )
