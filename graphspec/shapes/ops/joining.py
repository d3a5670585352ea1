"""Operations that join tensors, and those that split one."""

from __future__ import annotations

from itertools import pairwise

from graphspec.diagnostics.rules import BAD_OPERANDS, SHAPE_MISMATCH
from graphspec.shapes.call import Call, Unreadable, operation, product
from graphspec.shapes.ops.arguments import MAX_RESULTS, axis, choice, integer, integers, result_count
from graphspec.shapes.ops.operands import common_dtype, tensor, tensor_list
from graphspec.shapes.ops.promotion import FLOAT
from graphspec.shapes.sizes import compatible, concatenated, with_size, without
from graphspec.shapes.tensor import Shape, Tensor, Value


@operation("concatenate")
def concatenate(call: Call) -> Value:
    """Infer the shape of tensors that are equal but for the axis, with the sum of the sizes there."""
    several = tensor_list(call, "xs")
    number = axis(call, "axis", several[0].rank)
    return _concatenated(call, several, [each.shape for each in several], number)


@operation("hstack", "vstack", "dstack")
def stack_along(call: Call) -> Value:
    """Infer concatenation along axis 1, 0 or 2; `dstack` alone adds missing dimensions."""
    several, number = tensor_list(call, "xs"), ("ops.vstack", "ops.hstack", "ops.dstack").index(call.name)
    shapes = [each.shape for each in several]
    if call.name == "ops.dstack":
        shapes = [_three_dimensions(shape) for shape in shapes]
    for each, shape in zip(several, shapes, strict=True):
        if len(shape) <= number:
            call.expect_rank(each, least=number + 1, help="`ops.concatenate` joins along any axis")
    return _concatenated(call, several, shapes, number)


def _three_dimensions(shape: Shape) -> Shape:
    """Return the shape with three dimensions at least, those of a vector in the middle."""
    if len(shape) < 2:
        return (1, *(shape or (1,)), 1)
    return (*shape, 1) if len(shape) == 2 else shape


def _concatenated(call: Call, several: list[Tensor], shapes: list[Shape], number: int) -> Value:
    shape = concatenated(shapes, number)
    if shape is None:
        call.refuse_input(
            SHAPE_MISMATCH,
            f"shapes that are equal but for axis {number}",
            _all(several),
            argument="axis" if call.is_written("axis") else None,
            help="make the other sizes equal, or name the axis that may differ",
        )
    return Tensor(shape, common_dtype(call, *(each.dtype for each in several)))


def _all(several: list[Tensor]) -> str:
    """Return the shapes as text, each once."""
    return " and ".join(dict.fromkeys(map(str, several)))


@operation("stack")
def stack(call: Call) -> Value:
    """Infer the shape of equal tensors with a new axis for their number."""
    several = tensor_list(call, "x")
    number = axis(call, "axis", several[0].rank + 1)
    if not all(compatible(each.shape, several[0].shape) for each in several):
        call.refuse_input(
            SHAPE_MISMATCH,
            "tensors of one shape",
            _all(several),
            help="`ops.concatenate` joins tensors that differ along one axis",
        )
    first = several[0].shape
    dtype = common_dtype(call, *(each.dtype for each in several))
    return Tensor((*first[:number], len(several), *first[number:]), dtype)


@operation("append")
def append(call: Call) -> Value:
    """Infer the concatenation of two tensors, along an axis or both flattened."""
    one, other = tensor(call, "x1"), tensor(call, "x2")
    dtype = common_dtype(call, one.dtype, other.dtype)
    if call["axis"] is None:
        sizes = product(one.shape), product(other.shape)
        return Tensor((None if None in sizes else sum(size or 0 for size in sizes),), dtype)
    number = axis(call, "axis", one.rank)
    shape = concatenated([one.shape, other.shape], number) if one.rank == other.rank else None
    if shape is None or shape[number] is None:
        expected = f"shapes that are equal but for axis {number}, which is known"
        call.refuse_input(
            SHAPE_MISMATCH,
            expected,
            _all([one, other]),
            argument="axis",
            help="`ops.concatenate` joins along unknown dimensions too",
        )
    return Tensor(shape, dtype)


@operation("meshgrid")
def meshgrid(call: Call) -> Value:
    """Infer a grid for each tensor, with an axis for each one's elements; Keras drops dtypes with `indexing: ij`."""
    several = tensor_list(call, "x")
    sides = [product(each.shape) for each in several]
    if choice(call, "indexing", "xy", "ij") == "ij":
        return [Tensor(tuple(sides), FLOAT) for _ in several]
    if len(several) < 2:
        call.refuse(
            BAD_OPERANDS,
            "`ops.meshgrid` swaps its first two dimensions, but received one tensor",
            expected="two tensors or more",
            help="keep the order: `ops.meshgrid: {indexing: ij}`",
        )
    sides[:2] = sides[1], sides[0]
    return [Tensor(tuple(sides), several[-1].dtype) for _ in several]


SPLIT_AXES = {"ops.hsplit": (1, 1), "ops.vsplit": (0, 2), "ops.dsplit": (2, 3)}
"""Operation → the axis that it splits, and the lowest rank that it takes."""


@operation("split")
def split(call: Call) -> Value:
    """Infer the parts of a tensor along an axis."""
    x = tensor(call)
    return _parts(call, x, axis(call, "axis", x.rank))


@operation("hsplit", "vsplit", "dsplit")
def split_along(call: Call) -> Value:
    """Infer the parts along axis 1, 0 or 2; `hsplit` splits vectors along their only one."""
    x = tensor(call)
    number, least = SPLIT_AXES[call.name]
    call.expect_rank(x, least=least, help="`ops.split` splits along any axis")
    return _parts(call, x, min(number, x.rank - 1))


def _parts(call: Call, x: Tensor, number: int) -> Value:
    """Return equal parts, or those between the indices that are listed."""
    size, sections = x.shape[number], call["indices_or_sections"]
    if not isinstance(sections, list | tuple):
        count = result_count(call, "indices_or_sections")
        if size is not None and (count == 0 or size % count):
            call.refuse(
                SHAPE_MISMATCH,
                f"`{call.name}` cannot split axis {number} of {x} into {count} equal parts",
                argument="indices_or_sections",
                expected=f"a divisor of {size}",
                help=f"list where to cut: `[{size // 2}]`; `ops.array_split` makes parts that may differ by 1",
            )
        each = with_size(x.shape, number, None if size is None else size // count)
        return [Tensor(each, x.dtype)] * count
    cuts = [0, *integers(call, "indices_or_sections"), size]
    if len(cuts) > MAX_RESULTS:
        raise Unreadable
    lengths = [None if end is None or start is None else end - start for start, end in pairwise(cuts)]
    if any(length is not None and length < 0 for length in lengths):
        call.refuse_input(
            SHAPE_MISMATCH,
            f"ascending indices{'' if size is None else f' from 0 to {size}'} for axis {number} of {x}",
            list(sections),
            argument="indices_or_sections",
            help="these are the indices to cut at, not the lengths of parts",
        )
    return [Tensor(with_size(x.shape, number, length), x.dtype) for length in lengths]


@operation("array_split")
def array_split(call: Call) -> Value:
    """Infer parts along an axis whose sizes differ by 1 at most."""
    x, count = tensor(call), result_count(call, "indices_or_sections")
    written = integer(call, "axis")
    if count < 1:
        return []
    # Keras counts a negative axis from the back twice over.
    number = call.expect_axis("axis", written + x.rank if written < -x.rank else written, x.rank)
    size = x.shape[number]
    lengths = [None if size is None else size // count + (part < size % count) for part in range(count)]
    return [Tensor(with_size(x.shape, number, length), x.dtype) for length in lengths]


@operation("unstack")
def unstack(call: Call) -> Value:
    """Infer the tensors along an axis, each without it."""
    x = tensor(call)
    number = axis(call, "axis", x.rank)
    count = call.expect_known(
        x.shape[number] if call["num"] is None else result_count(call, "num"),
        f"a known size along axis {number}",
        x,
        argument="axis",
        help="write how many there are: `ops.unstack: {num: 3, axis: 1}`",
    )
    if count > MAX_RESULTS:
        raise Unreadable
    return [Tensor(without(x.shape, number), x.dtype)] * count
