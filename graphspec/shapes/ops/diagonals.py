"""Operations between vectors and the diagonals of matrices."""

from __future__ import annotations

from graphspec.diagnostics.rules import BAD_AXIS, WRONG_RANK
from graphspec.shapes.call import Call, product
from graphspec.shapes.ops.arguments import axis, integer
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.ops.reductions import product as grown
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.tensor import Shape, Size, Tensor, Value


@operation("diag")
def diag(call: Call) -> Value:
    """The matrix with a vector as its diagonal; of a matrix, its diagonal."""
    incoming = tensor(call, "x")
    if incoming.rank == 1:
        return Tensor(_square(call, incoming.shape[0]), incoming.dtype)
    if incoming.rank != 2:
        call.refuse(
            WRONG_RANK,
            f"`ops.diag` takes a vector or a matrix, and what comes in is {incoming}",
            expected="1 or 2 dimensions, with the batch",
            help="`ops.diagonal` takes more dimensions: `ops.diagonal: {axis1: -2, axis2: -1}`",
        )
    rows, columns = incoming.shape
    return Tensor((_length(call, "k", rows, columns),), incoming.dtype)


@operation("diagflat")
def diagflat(call: Call) -> Value:
    """The matrix with all elements as its diagonal."""
    incoming = tensor(call, "x")
    return Tensor(_square(call, product(incoming.shape)), incoming.dtype)


@operation("diagonal")
def diagonal(call: Call) -> Value:
    """The diagonals of matrices in two dimensions, as the last one."""
    incoming = tensor(call, "x")
    rest, rows, columns = _plane(call, incoming)
    return Tensor((*rest, _length(call, "offset", rows, columns)), incoming.dtype)


@operation("trace")
def trace(call: Call) -> Value:
    """The sums of the diagonals."""
    incoming = tensor(call, "x")
    return Tensor(_plane(call, incoming)[0], grown(call, incoming.dtype))


def _plane(call: Call, incoming: Tensor) -> tuple[Shape, Size, Size]:
    """The other dimensions, and the two that hold the matrices."""
    one, other = axis(call, "axis1", incoming.rank), axis(call, "axis2", incoming.rank)
    if one == other:
        call.refuse(
            BAD_AXIS,
            f"`axis1` and `axis2` of `{call.name}` are one axis of {incoming}",
            argument="axis2" if call.states("axis2") else "axis1",
            expected="two different axes",
            help="the last two dimensions are -2 and -1",
        )
    rest = tuple(size for number, size in enumerate(incoming.shape) if number not in (one, other))
    return rest, incoming.shape[one], incoming.shape[other]


def _square(call: Call, size: Size) -> Shape:
    side = None if size is None else size + abs(integer(call, "k"))
    return side, side


def _length(call: Call, argument: str, rows: Size, columns: Size) -> Size:
    """How long a diagonal is, so many columns to the right of the main one."""
    if rows is None or columns is None:
        return None
    shift = integer(call, argument)
    remaining = columns - shift if shift > 0 else rows + shift
    return max(0, min(remaining, rows, columns))
