"""Products of two tensors or more: of matrices, vectors and what `einsum` describes."""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNCHECKED_INPUT, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.shapes.call import Call, product
from graphspec.shapes.ops.arguments import axis_at, integer
from graphspec.shapes.ops.operands import common, shape_of, strict_kind_of, tensor, together, traced
from graphspec.shapes.ops.pairwise import promoted, strictly_promoted
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.sizes import broadcast, without
from graphspec.shapes.tensor import Shape, Size, Tensor, Value, show


def differ(one: Size, other: Size) -> bool:
    """Whether two sizes are known and not equal."""
    return one is not None and other is not None and one != other


@operation("matmul")
def matmul(call: Call) -> Value:
    """Matrices in the last two dimensions multiplied, the others stretched; a vector is a matrix for a while."""
    one, other = shape_of(call, "x1"), shape_of(call, "x2")
    kinds = strict_kind_of(call, "x1"), strict_kind_of(call, "x2")
    dtype = "int32" if set(kinds) == {"int8"} else common(call, *kinds)
    if not one or not other:
        call.refuse(
            WRONG_RANK,
            "`ops.matmul` multiplies matrices, and is given a single number",
            expected="two tensors with dimensions",
            help="`ops.multiply` takes numbers",
        )
    left, right = one if len(one) > 1 else (1, *one), other if len(other) > 1 else (*other, 1)
    if differ(left[-1], right[-2]):
        _unfit(call, one, other, "the second last" if len(other) > 1 else "the only")
    outer = broadcast(left[:-2], right[:-2])
    if outer is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.matmul` multiplies the last two dimensions; the others of {show(one)} and {show(other)} do not fit",
            expected="sizes in front of the last two that are equal or 1",
            help="`ops.einsum` says which dimensions belong together",
        )
    shape = (*outer, *left[-2:-1], *right[-1:])
    if len(one) == 1:
        shape = without(shape, len(shape) - 2)
    return Tensor(shape[:-1] if len(other) == 1 else shape, dtype)


def _unfit(call: Call, one: Shape, other: Shape, which: str) -> None:
    call.refuse(
        SHAPE_MISMATCH,
        f"`{call.name}` multiplies along the last dimension of {show(one)} and {which} of {show(other)}, which differ",
        expected=f"{show(one[-1:])[1:-1].replace('batch', 'a batch')} in {which} dimension of the other",
        help="`ops.swapaxes` turns matrices round; `ops.einsum` multiplies along any dimensions",
    )


@operation("dot")
def dot(call: Call) -> Value:
    """Along the last dimension of one and the second last, or only, of the other."""
    traced(call, "x1", "x2")
    dtype = promoted(call)
    one, other = shape_of(call, "x1"), shape_of(call, "x2")
    if not one or not other:
        return Tensor(together(call, "x1", "x2"), dtype)
    if len(one) == len(other) == 1:
        if differ(one[0], other[0]):
            _only_built(call, f"two vectors of {one[0]} and {other[0]} elements have no product")
        return Tensor((), dtype)
    if len(other) == 1:
        if one[-1] != other[0]:
            _unfit(call, one, other, "the only")
        return Tensor(one[:-1], dtype)
    if differ(one[-1], other[-2]):
        _unfit(call, one, other, "the second last")
    return Tensor((*one[:-1], *without(other, len(other) - 2)), dtype)


@operation("inner")
def inner(call: Call) -> Value:
    """Along the last dimensions of both."""
    traced(call, "x1", "x2")
    dtype = promoted(call)
    one, other = shape_of(call, "x1"), shape_of(call, "x2")
    if one and other and differ(one[-1], other[-1]):
        _unfit(call, one, other, "the last")
    return Tensor((*one[:-1], *other[:-1]) if one and other else one or other, dtype)


@operation("vdot")
def vdot(call: Call) -> Value:
    """One number. Keras compares no shapes in a graph."""
    traced(call, "x1", "x2")
    return Tensor((), promoted(call))


@operation("outer")
def outer(call: Call) -> Value:
    """Each element of one times each of the other."""
    traced(call, "x1", "x2")
    dtype = promoted(call)
    return Tensor((product(shape_of(call, "x1")), product(shape_of(call, "x2"))), dtype)


@operation("kron")
def kron(call: Call) -> Value:
    """The Kronecker product; of tensors of different ranks Keras forgets the last dimensions."""
    traced(call, "x1", "x2")
    dtype = strictly_promoted(call)
    pairs = zip(shape_of(call, "x1"), shape_of(call, "x2"), strict=False)
    return Tensor(tuple(None if None in pair else product(pair) for pair in pairs), dtype)


@operation("tensordot")
def tensordot(call: Call) -> Value:
    """Along so many of the last and first dimensions, or along those that are listed for each."""
    traced(call, "x1", "x2")
    dtype = promoted(call)
    one, other, stated = shape_of(call, "x1"), shape_of(call, "x2"), call["axes"]
    if not isinstance(stated, list | tuple):
        count = integer(call, "axes")
        if count <= 0:
            return Tensor((*one, *other), dtype)
        if any(differ(*pair) for pair in zip(one[-count:], other[:count], strict=False)):
            _only_built(call, f"the last dimensions of {show(one)} and the first of {show(other)} differ")
        return Tensor((*one[:-count], *other[count:]), dtype)
    if len(stated) < 2 or not all(map(_names_axes, stated[:2])):
        call.refuse(
            UNFIT_ARGUMENT,
            "`axes` of `ops.tensordot` lists no axes for each of the two tensors",
            argument="axes",
            expected="how many dimensions, or a list of two lists of axes",
            help="for one axis each: `axes: [[2], [1]]`",
        )
    gone, others = list(stated[0]), list(stated[1])
    first = [axis_at(call, "axes", number, len(one)) for number in gone]
    second = [axis_at(call, "axes", number, len(other)) for number in others]
    sizes, other_sizes = [one[number] for number in first], [other[number] for number in second]
    if len(sizes) != len(other_sizes) or any(map(differ, sizes, other_sizes)):
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.tensordot` multiplies along axes {gone} of {show(one)} and {others} of {show(other)}, which differ",
            argument="axes",
            expected="axes of equal sizes, as many of each",
            help="the batch is axis 0 of both",
        )
    kept = [size for number, size in enumerate(one) if number not in first]
    return Tensor((*kept, *(size for number, size in enumerate(other) if number not in second)), dtype)


@operation("cross")
def cross(call: Call) -> Value:
    """The products of vectors of two or three elements; those of vectors of two are numbers."""
    one, other = tensor(call, "x1"), tensor(call, "x2")
    axes = [integer(call, name if call["axis"] is None else "axis") for name in ("axisa", "axisb", "axisc")]
    named = ["axis"] * 3 if call["axis"] is not None else ["axisa", "axisb", "axisc"]
    first, second = axis_at(call, named[0], axes[0], one.rank), axis_at(call, named[1], axes[1], other.rank)
    sizes = one.shape[first], other.shape[second]
    for argument, size, each in zip(("x1", "x2"), sizes, (one, other), strict=True):
        if size not in (None, 2, 3):
            call.refuse(
                SHAPE_MISMATCH,
                f"`ops.cross` multiplies vectors of 2 or 3 elements, and `{argument}` is {each}",
                expected="2 or 3 elements along the axis",
                help="say which axis holds the vectors: `ops.cross: {axis: 1}`",
            )
    left = broadcast(without(one.shape, first), without(other.shape, second))
    if left is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.cross` multiplies vector by vector, and {one} and {other} hold different numbers of them",
            expected="sizes beside the vectors that are equal or 1",
            help="make the sizes equal, or put a 1 in with `ops.expand_dims`",
        )
    elements = (3,) if 3 in sizes else ()
    place = axis_at(call, named[2], axes[2], len(left) + len(elements))
    return Tensor((*left[:place], *elements, *left[place:]), common(call, one.dtype, other.dtype))


@operation("cdist")
def cdist(call: Call) -> Value:
    """The distance of each row of one from each of the other."""
    one, other = tensor(call, "x"), tensor(call, "y")
    if one.rank < 2 or other.rank < 2:
        call.refuse(
            WRONG_RANK,
            f"`ops.cdist` takes rows of points, and is given {one} and {other}",
            expected="two tensors of 2 dimensions or more",
            help="the last dimension holds the coordinates of a point",
        )
    if differ(one.shape[-1], other.shape[-1]):
        _unfit(call, one.shape, other.shape, "the last")
    outer = broadcast(one.shape[:-2], other.shape[:-2])
    if outer is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.cdist` compares rows of points, and {one} and {other} hold different numbers of rows",
            expected="sizes in front of the last two that are equal or 1",
            help="make the sizes equal, or put a 1 in with `ops.expand_dims`",
        )
    return Tensor((*outer, one.shape[-2], other.shape[-2]), common(call, one.dtype, other.dtype, "float"))


def _names_axes(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, int) for item in value)


def _only_built(call: Call, what: str) -> None:
    call.warn(
        UNCHECKED_INPUT,
        f"{what}: Keras finds out only when the model runs",
        expected="dimensions of equal sizes",
        help="make the two equal",
    )
