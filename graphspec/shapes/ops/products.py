"""Products of two tensors: of matrices, of vectors, and distances."""

from __future__ import annotations

from typing import Any, NoReturn

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.diagnostics.shape_text import shape_text
from graphspec.shapes.call import Call, operation, product
from graphspec.shapes.ops.arguments import integer
from graphspec.shapes.ops.operands import (
    broadcast_operands,
    common_dtype,
    common_shape,
    require_tensor,
    shape_of,
    strict_dtype_of,
    tensor,
)
from graphspec.shapes.ops.pairwise import promoted, strictly_promoted
from graphspec.shapes.sizes import broadcast, differ, without
from graphspec.shapes.tensor import Shape, Tensor, Value


@operation("matmul")
def matmul(call: Call) -> Value:
    """Infer (..., n, k), (..., k, m) → (..., n, m); a vector counts as a matrix."""
    one, other = shape_of(call, "x1"), shape_of(call, "x2")
    dtypes = strict_dtype_of(call, "x1"), strict_dtype_of(call, "x2")
    dtype = "int32" if set(dtypes) == {"int8"} else common_dtype(call, *dtypes)
    if not one or not other:
        call.refuse_input(WRONG_RANK, "matrices", "a scalar", help="`ops.multiply` takes numbers")
    left, right = one if len(one) > 1 else (1, *one), other if len(other) > 1 else (*other, 1)
    if differ(left[-1], right[-2]):
        _refuse_sizes(call, one, other, "second last" if len(other) > 1 else "only")
    outer = common_shape(call, left[:-2], right[:-2], help="`ops.einsum` names the dimensions that belong together")
    shape = (*outer, *left[-2:-1], *right[-1:])
    if len(one) == 1:
        shape = without(shape, len(shape) - 2)
    return Tensor(shape[:-1] if len(other) == 1 else shape, dtype)


def _refuse_sizes(call: Call, one: Shape, other: Shape, which: str) -> NoReturn:
    size = shape_text(one[-1:])[1:-1].replace("batch", "a batch")
    call.refuse(
        SHAPE_MISMATCH,
        f"`{call.name}` multiplies the last dimension of {shape_text(one)} with the {which} of {shape_text(other)}, "
        "which differ",
        expected=f"{size} in the {which} dimension of the other",
        help="`ops.swapaxes` transposes matrices; `ops.einsum` multiplies along any dimensions",
    )


@operation("dot")
def dot(call: Call) -> Value:
    """Infer the product along the last dimension of one and the second last, or only, of the other."""
    one, other, dtype = _operands(call)
    if not one or not other:
        return Tensor(broadcast_operands(call, "x1", "x2"), dtype)
    if len(one) == len(other) == 1:
        if differ(one[0], other[0]):
            _warn_of_sizes(
                call, f"`ops.dot` expects vectors of one size, but received {one[0]} and {other[0]} elements"
            )
        return Tensor((), dtype)
    if len(other) == 1:
        if one[-1] != other[0]:
            _refuse_sizes(call, one, other, "only")
        return Tensor(one[:-1], dtype)
    if differ(one[-1], other[-2]):
        _refuse_sizes(call, one, other, "second last")
    return Tensor((*one[:-1], *without(other, len(other) - 2)), dtype)


def _operands(call: Call) -> tuple[Shape, Shape, str]:
    """Return the shapes of both operands, of which one must be a tensor, and their common dtype."""
    require_tensor(call, "x1", "x2")
    dtype = promoted(call)
    return shape_of(call, "x1"), shape_of(call, "x2"), dtype


@operation("inner")
def inner(call: Call) -> Value:
    """Infer the product along the last dimensions of both."""
    one, other, dtype = _operands(call)
    if one and other and differ(one[-1], other[-1]):
        _refuse_sizes(call, one, other, "last")
    if broadcast(one, other) is None:
        call.warn_of_runtime(
            f"Keras multiplies {shape_text(one)} and {shape_text(other)} element by element as well",
            expected="sizes that are equal or 1, counted from the last dimension",
            help="`ops.matmul` and `ops.einsum` multiply along chosen dimensions alone",
        )
    return Tensor((*one[:-1], *other[:-1]) if one and other else one or other, dtype)


@operation("vdot")
def vdot(call: Call) -> Value:
    """Infer one number. Keras compares no shapes in a graph."""
    return Tensor((), _operands(call)[2])


@operation("outer")
def outer(call: Call) -> Value:
    """Infer each element of one times each of the other: (elements, elements)."""
    one, other, dtype = _operands(call)
    return Tensor((product(one), product(other)), dtype)


@operation("kron")
def kron(call: Call) -> Value:
    """Infer the Kronecker product; for tensors of different ranks, Keras drops the last dimensions."""
    require_tensor(call, "x1", "x2")
    dtype = strictly_promoted(call)
    pairs = zip(shape_of(call, "x1"), shape_of(call, "x2"), strict=False)
    return Tensor(tuple(None if None in pair else product(pair) for pair in pairs), dtype)


@operation("tensordot")
def tensordot(call: Call) -> Value:
    """Infer the product along so many of the last and first dimensions, or along the axes listed for each."""
    one, other, dtype = _operands(call)
    axes = call["axes"]
    if not isinstance(axes, list | tuple):
        count = integer(call, "axes")
        if count <= 0:
            return Tensor((*one, *other), dtype)
        last, begin = one[-count:], other[:count]
        if len(last) != len(begin) or any(differ(*pair) for pair in zip(last, begin, strict=True)):
            _warn_of_sizes(
                call, f"the last dimensions of {shape_text(one)} and the first of {shape_text(other)} differ"
            )
        elif begin and begin[0] is None and last[0] is not None:
            call.warn_of_runtime(
                f"`ops.tensordot` multiplies the last dimensions of {shape_text(one)} with the first of "
                f"{shape_text(other)}, which is the batch",
                argument="axes",
                expected="axes of each tensor, as in `axes: [[2], [1]]`",
                help="`ops.matmul` and `ops.einsum` multiply sample by sample",
            )
        return Tensor((*one[:-count], *other[count:]), dtype)
    if len(axes) < 2 or not all(map(_names_axes, axes[:2])):
        call.refuse_argument(
            UNFIT_ARGUMENT,
            "axes",
            "must list axes for each of the two tensors",
            "how many dimensions, or a list of two lists of axes",
            help="for one axis each: `axes: [[2], [1]]`",
        )
    first = [call.expect_axis("axes", number, len(one)) for number in axes[0]]
    second = [call.expect_axis("axes", number, len(other)) for number in axes[1]]
    sizes, other_sizes = [one[number] for number in first], [other[number] for number in second]
    if len(sizes) != len(other_sizes) or any(map(differ, sizes, other_sizes)):
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.tensordot` multiplies axes {list(axes[0])} of {shape_text(one)} with axes {list(axes[1])} of "
            f"{shape_text(other)}, which differ",
            argument="axes",
            expected="axes of equal sizes, as many of each",
            help="the batch is axis 0 of both",
        )
    left = [size for number, size in enumerate(one) if number not in first]
    return Tensor((*left, *(size for number, size in enumerate(other) if number not in second)), dtype)


@operation("cross")
def cross(call: Call) -> Value:
    """Infer the cross products of vectors of two or three elements; those of vectors of two are numbers."""
    one, other = tensor(call, "x1"), tensor(call, "x2")
    names = ["axis"] * 3 if call["axis"] is not None else ["axisa", "axisb", "axisc"]
    axes = [integer(call, name) for name in names]
    first, second = call.expect_axis(names[0], axes[0], one.rank), call.expect_axis(names[1], axes[1], other.rank)
    sizes = one.shape[first], other.shape[second]
    for argument, size, each in zip(("x1", "x2"), sizes, (one, other), strict=True):
        if size not in (None, 2, 3):
            call.refuse(
                SHAPE_MISMATCH,
                f"`{argument}` of `ops.cross` must hold vectors of 2 or 3 elements, but is {each}",
                expected="2 or 3 elements along the axis",
                help="name the axis of the vectors: `ops.cross: {axis: 1}`",
            )
    left = common_shape(call, without(one.shape, first), without(other.shape, second))
    elements = (3,) if 3 in sizes else ()
    place = call.expect_axis(names[2], axes[2], len(left) + len(elements))
    return Tensor((*left[:place], *elements, *left[place:]), common_dtype(call, one.dtype, other.dtype))


@operation("cdist")
def cdist(call: Call) -> Value:
    """Infer the distance of each row of one from each of the other: (..., n, k), (..., m, k) → (..., n, m)."""
    one, other = tensor(call, "x"), tensor(call, "y")
    for name, each in (("x", one), ("y", other)):
        call.expect_rank(each, least=2, operand=name, help="the last dimension holds the coordinates of a point")
    if differ(one.shape[-1], other.shape[-1]):
        _refuse_sizes(call, one.shape, other.shape, "last")
    outer = common_shape(call, one.shape[:-2], other.shape[:-2])
    return Tensor((*outer, one.shape[-2], other.shape[-2]), common_dtype(call, one.dtype, other.dtype, "float"))


def _names_axes(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, int) for item in value)


def _warn_of_sizes(call: Call, message: str) -> None:
    call.warn_of_runtime(message, expected="dimensions of equal sizes", help="make the two equal")
