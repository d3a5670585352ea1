"""Linear algebra on the matrices in the last two dimensions, and on their diagonals; others count matrices."""

from __future__ import annotations

from graphspec.diagnostics.rules import BAD_AXIS, SHAPE_MISMATCH
from graphspec.shapes.call import Call, operation, product
from graphspec.shapes.ops.arguments import axis, choice, integer
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.ops.reductions import product_dtype
from graphspec.shapes.tensor import Shape, Size, Tensor, Value


def matrices(call: Call, argument: str = "x", *, square: bool = False, known: bool = False) -> Tensor:
    """Return the tensor with matrices in its last two dimensions. Refuses another one.

    Args:
        call: the call.
        argument: the parameter that takes the matrices.
        square: the matrices must be square.
        known: their sizes must be known.
    """
    x = tensor(call, argument)
    call.expect_rank(x, least=2, help="the last two dimensions hold the matrices")
    if square and x.shape[-2] != x.shape[-1]:
        call.refuse_input(SHAPE_MISMATCH, "square matrices", x, help="`ops.pinv` and `ops.svd` take any matrices")
    if known and None in x.shape[-2:]:
        call.refuse_unknown("matrices of known size", x, help="give the input its sizes")
    return x


@operation("cholesky", "cholesky_inverse", "inv")
def same_matrices(call: Call) -> Value:
    """Infer square matrices of the same shape."""
    x = matrices(call, square=True)
    return Tensor(x.shape, x.dtype)


@operation("det")
def det(call: Call) -> Value:
    """Infer a number for each square matrix."""
    x = matrices(call, square=True)
    return Tensor(x.shape[:-2], x.dtype)


@operation("logdet")
def logdet(call: Call) -> Value:
    """Infer a number for each matrix. Keras checks no shape in a graph."""
    x = tensor(call)
    return Tensor(x.shape[:-2], x.dtype)


@operation("slogdet")
def slogdet(call: Call) -> Value:
    """Infer sign and logarithm for each matrix; Keras drops the shape of the signs."""
    x = tensor(call)
    return [Tensor((), x.dtype), Tensor(x.shape[:-2], x.dtype)]


@operation("eig", "eigh")
def eig(call: Call) -> Value:
    """Infer eigenvalues and eigenvectors: (..., n) and (..., n, n)."""
    x = matrices(call, square=True)
    return [Tensor(x.shape[:-1], x.dtype), Tensor(x.shape, x.dtype)]


@operation("lu_factor")
def lu_factor(call: Call) -> Value:
    """Infer both factors in one matrix, and the pivots."""
    x = matrices(call, known=True)
    pivots = min(size or 0 for size in x.shape[-2:])
    return [Tensor(x.shape, x.dtype), Tensor((*x.shape[:-2], pivots), x.dtype)]


@operation("qr")
def qr(call: Call) -> Value:
    """Infer two factors: (..., rows, k) and (..., k, columns)."""
    x = matrices(call, known=True)
    *front, rows, columns = x.shape
    inner = min(rows or 0, columns or 0) if choice(call, "mode", "reduced", "complete") == "reduced" else rows
    return [Tensor((*front, rows, inner), x.dtype), Tensor((*front, inner, columns), x.dtype)]


@operation("svd")
def svd(call: Call) -> Value:
    """Infer two bases and the singular values between them, or these alone."""
    x = matrices(call, known=True)
    *front, rows, columns = x.shape
    least = min(rows or 0, columns or 0)
    values = Tensor((*front, least), x.dtype)
    if not call["compute_uv"]:
        return values
    left, right = ((rows, rows), (columns, columns)) if call["full_matrices"] else ((rows, least), (least, columns))
    return [Tensor((*front, *left), x.dtype), values, Tensor((*front, *right), x.dtype)]


@operation("pinv")
def pinv(call: Call) -> Value:
    """Infer the pseudo-inverse: (..., rows, columns) → (..., columns, rows)."""
    x = matrices(call)
    *front, rows, columns = x.shape
    return Tensor((*front, columns, rows), x.dtype)


@operation("matrix_rank")
def matrix_rank(call: Call) -> Value:
    """Infer a whole number for each matrix."""
    return Tensor(matrices(call).shape[:-2], "int32")


@operation("solve", "solve_triangular")
def solve(call: Call) -> Value:
    """Infer the solutions of square systems: the shape of the right-hand sides."""
    a, b = matrices(call, "a", square=True), tensor(call, "b")
    call.expect_rank(b, least=1, operand="b", help="`ops.divide` takes numbers")
    if (b.rank == a.rank and b.shape[-2] != a.shape[-2]) or (a.rank == b.rank - 1 and b.shape[-1] != a.shape[-1]):
        call.refuse_input(
            SHAPE_MISMATCH,
            "a right-hand side for each equation",
            f"equations {a} and sides {b}",
            help="matrices of right-hand sides have a row for each equation",
        )
    return Tensor(b.shape, b.dtype)


@operation("lstsq")
def lstsq(call: Call) -> Value:
    """Infer the least-squares solution of one system: (rows, columns), (rows, ...) → (columns, ...)."""
    a, b = tensor(call, "a"), tensor(call, "b")
    call.expect_rank(a, 2, operand="a", help="the rows of the matrix are the batch")
    call.expect_rank(b, 1, 2, operand="b", help="the rows of the matrix are the batch")
    if a.shape[0] != b.shape[0]:
        call.refuse_input(
            SHAPE_MISMATCH,
            "a right-hand side for each equation",
            f"equations {a} and sides {b}",
            help="make the first sizes equal",
        )
    return Tensor((a.shape[1], *b.shape[1:]), a.dtype)


@operation("diag")
def diag(call: Call) -> Value:
    """Infer the matrix with a vector as its diagonal; for a matrix, its diagonal."""
    x = tensor(call)
    if x.rank == 1:
        return Tensor(_square(call, x.shape[0]), x.dtype)
    call.expect_rank(x, 1, 2, help="`ops.diagonal` takes more dimensions: `ops.diagonal: {axis1: -2, axis2: -1}`")
    return Tensor((_diagonal_size(call, "k", *x.shape),), x.dtype)


@operation("diagflat")
def diagflat(call: Call) -> Value:
    """Infer the matrix with all elements as its diagonal."""
    x = tensor(call)
    return Tensor(_square(call, product(x.shape)), x.dtype)


@operation("diagonal")
def diagonal(call: Call) -> Value:
    """Infer the diagonals of matrices in two dimensions, as the last dimension."""
    x = tensor(call)
    rest, rows, columns = _plane(call, x)
    return Tensor((*rest, _diagonal_size(call, "offset", rows, columns)), x.dtype)


@operation("trace")
def trace(call: Call) -> Value:
    """Infer the sums of the diagonals."""
    x = tensor(call)
    return Tensor(_plane(call, x)[0], product_dtype(call, x.dtype))


def _plane(call: Call, x: Tensor) -> tuple[Shape, Size, Size]:
    """Return the other dimensions, and the two that hold the matrices."""
    one, other = axis(call, "axis1", x.rank), axis(call, "axis2", x.rank)
    if one == other:
        call.refuse(
            BAD_AXIS,
            f"`axis1` and `axis2` of `{call.name}` are one axis of {x}",
            argument="axis2" if call.is_written("axis2") else "axis1",
            expected="two different axes",
            help="the last two dimensions are -2 and -1",
        )
    rest = tuple(size for number, size in enumerate(x.shape) if number not in (one, other))
    return rest, x.shape[one], x.shape[other]


def _square(call: Call, size: Size) -> Shape:
    side = None if size is None else size + abs(integer(call, "k"))
    return side, side


def _diagonal_size(call: Call, argument: str, rows: Size, columns: Size) -> Size:
    """Return the size of a diagonal, as many columns to the right of the main one as the argument says."""
    if rows is None or columns is None:
        return None
    offset = integer(call, argument)
    remaining = columns - offset if offset > 0 else rows + offset
    return max(0, min(remaining, rows, columns))
