"""Linear algebra on the matrices in the last two dimensions. What comes in front of them is many matrices."""

from __future__ import annotations

from graphspec.diagnostics.rules import OPEN_DIMENSION, SHAPE_MISMATCH, WRONG_RANK
from graphspec.shapes.call import Call
from graphspec.shapes.ops.arguments import word
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.tensor import Tensor, Value


def matrices(call: Call, argument: str = "x", *, square: bool = False, known: bool = False) -> Tensor:
    """The tensor, with matrices in its last two dimensions: square ones, or of known sizes."""
    incoming = tensor(call, argument)
    if incoming.rank < 2:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` works on matrices, and what comes in is {incoming}",
            expected="2 dimensions or more",
            help="the last two dimensions hold the matrices",
        )
    if square and incoming.shape[-2] != incoming.shape[-1]:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` works on square matrices, and what comes in is {incoming}",
            expected="two last dimensions of one size",
            help="`ops.pinv` and `ops.svd` take any matrices",
        )
    if known and None in incoming.shape[-2:]:
        call.refuse(
            OPEN_DIMENSION,
            f"`{call.name}` needs to know the sizes of the matrices, and what comes in is {incoming}",
            expected="two last dimensions of known sizes",
            help="give the input its sizes",
        )
    return incoming


@operation("cholesky", "cholesky_inverse", "inv")
def same_matrices(call: Call) -> Value:
    """Other matrices of the same shape."""
    incoming = matrices(call, square=True)
    return Tensor(incoming.shape, incoming.dtype)


@operation("det")
def det(call: Call) -> Value:
    """A number for each matrix."""
    incoming = matrices(call, square=True)
    return Tensor(incoming.shape[:-2], incoming.dtype)


@operation("logdet")
def logdet(call: Call) -> Value:
    """A number for each matrix. Keras looks at no shape in a graph."""
    incoming = tensor(call, "x")
    return Tensor(incoming.shape[:-2], incoming.dtype)


@operation("slogdet")
def slogdet(call: Call) -> Value:
    """Sign and logarithm for each matrix; of the signs Keras forgets the shape."""
    incoming = tensor(call, "x")
    return [Tensor((), incoming.dtype), Tensor(incoming.shape[:-2], incoming.dtype)]


@operation("eig", "eigh")
def eig(call: Call) -> Value:
    """Eigenvalues and eigenvectors."""
    incoming = matrices(call, square=True)
    return [Tensor(incoming.shape[:-1], incoming.dtype), Tensor(incoming.shape, incoming.dtype)]


@operation("lu_factor")
def lu_factor(call: Call) -> Value:
    """Both factors in one matrix, and the pivots."""
    incoming = matrices(call, known=True)
    shape = incoming.shape
    pivots = min(size or 0 for size in shape[-2:])
    return [Tensor(shape, incoming.dtype), Tensor((*shape[:-2], pivots), incoming.dtype)]


@operation("qr")
def qr(call: Call) -> Value:
    """Two factors."""
    incoming = matrices(call, known=True)
    *front, rows, columns = incoming.shape
    inner = min(rows or 0, columns or 0) if word(call, "mode", "reduced", "complete") == "reduced" else rows
    return [Tensor((*front, rows, inner), incoming.dtype), Tensor((*front, inner, columns), incoming.dtype)]


@operation("svd")
def svd(call: Call) -> Value:
    """Two bases and the singular values between them, or these alone."""
    incoming = matrices(call, known=True)
    *front, rows, columns = incoming.shape
    least = min(rows or 0, columns or 0)
    values = Tensor((*front, least), incoming.dtype)
    if not call["compute_uv"]:
        return values
    left, right = ((rows, rows), (columns, columns)) if call["full_matrices"] else ((rows, least), (least, columns))
    return [Tensor((*front, *left), incoming.dtype), values, Tensor((*front, *right), incoming.dtype)]


@operation("pinv")
def pinv(call: Call) -> Value:
    """The pseudo-inverse: rows and columns change places."""
    incoming = matrices(call)
    *front, rows, columns = incoming.shape
    return Tensor((*front, columns, rows), incoming.dtype)


@operation("matrix_rank")
def matrix_rank(call: Call) -> Value:
    """A whole number for each matrix."""
    return Tensor(matrices(call).shape[:-2], "int32")


@operation("solve", "solve_triangular")
def solve(call: Call) -> Value:
    """What the matrices make the right-hand sides of, in the shape of these."""
    equations, sides = matrices(call, "a", square=True), tensor(call, "b")
    if sides.rank < 1:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes vectors or matrices as right-hand sides, and `b` is a single number",
            expected="1 dimension or more",
            help="`ops.divide` takes numbers",
        )
    if sides.rank == equations.rank:
        fits = sides.shape[-2] == equations.shape[-2]
    else:
        fits = equations.rank != sides.rank - 1 or sides.shape[-1] == equations.shape[-1]
    if not fits:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` has equations of {equations} for right-hand sides of {sides}",
            expected="as many right-hand sides as equations",
            help="matrices of right-hand sides have a row for each equation",
        )
    return Tensor(sides.shape, sides.dtype)


@operation("lstsq")
def lstsq(call: Call) -> Value:
    """The nearest solution of one matrix's equations."""
    equations, sides = tensor(call, "a"), tensor(call, "b")
    if equations.rank != 2 or sides.rank not in (1, 2):
        call.refuse(
            WRONG_RANK,
            f"`ops.lstsq` takes one matrix and a vector or matrix, and is given {equations} and {sides}",
            expected="2 dimensions, and 1 or 2, with the batch",
            help="the rows of the matrix are the batch",
        )
    if equations.shape[0] != sides.shape[0]:
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.lstsq` has equations of {equations} for right-hand sides of {sides}",
            expected="as many right-hand sides as equations",
            help="make the first sizes equal",
        )
    return Tensor((equations.shape[1], *sides.shape[1:]), equations.dtype)
