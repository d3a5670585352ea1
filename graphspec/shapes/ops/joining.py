"""Operations that join tensors, and those that take one apart."""

from __future__ import annotations

from itertools import pairwise

from graphspec.diagnostics.rules import BAD_OPERANDS, OPEN_DIMENSION, SHAPE_MISMATCH, WRONG_RANK
from graphspec.shapes.call import Call, Unreadable, product
from graphspec.shapes.ops.arguments import MOST_RESULTS, axis, axis_at, few, integer, integers, word
from graphspec.shapes.ops.operands import common, listed, tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.promotion import FLOAT
from graphspec.shapes.sizes import agree, concatenated, replaced
from graphspec.shapes.tensor import Shape, Tensor, Value


@operation("concatenate")
def concatenate(call: Call) -> Value:
    """Tensors one after the other along an axis."""
    several = listed(call, "xs")
    number = axis(call, "axis", several[0].rank)
    return _joined(call, several, [each.shape for each in several], number)


@operation("hstack", "vstack", "dstack")
def stack_along(call: Call) -> Value:
    """Tensors one after the other along axis 0, 1 or 2; dimensions that miss are added by `dstack` alone."""
    several, number = listed(call, "xs"), ("ops.vstack", "ops.hstack", "ops.dstack").index(call.name)
    shapes = [each.shape for each in several]
    if call.name == "ops.dstack":
        shapes = [_three(shape) for shape in shapes]
    short = next((each for each, shape in zip(several, shapes, strict=True) if len(shape) <= number), None)
    if short is not None:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` joins along axis {number}, and {short} has no such axis",
            expected=f"tensors of {number + 1} dimensions or more",
            help="`ops.concatenate` joins along any axis",
        )
    return _joined(call, several, shapes, number)


def _three(shape: Shape) -> Shape:
    """The shape with three dimensions at least, those of a vector in the middle."""
    if len(shape) < 2:
        return (1, *(shape or (1,)), 1)
    return (*shape, 1) if len(shape) == 2 else shape


def _joined(call: Call, several: list[Tensor], shapes: list[Shape], number: int) -> Value:
    found = concatenated(shapes, number)
    if found is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` joins along axis {number}, and {_all(several)} differ elsewhere",
            argument="axis" if call.states("axis") else None,
            expected=f"shapes that are equal but for axis {number}",
            help="make the other sizes equal, or name the axis that may differ",
        )
    return Tensor(found, common(call, *(each.dtype for each in several)))


def _all(several: list[Tensor]) -> str:
    """The shapes for people, each once."""
    return " and ".join(dict.fromkeys(map(str, several)))


@operation("stack")
def stack(call: Call) -> Value:
    """Tensors of one shape along a new axis."""
    several = listed(call, "x")
    number = axis(call, "axis", several[0].rank + 1)
    if not all(agree(each.shape, several[0].shape) for each in several):
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.stack` takes tensors of one shape, and is given {_all(several)}",
            expected=f"tensors of shape {several[0]}",
            help="`ops.concatenate` joins tensors that differ along one axis",
        )
    first = several[0].shape
    return Tensor((*first[:number], len(several), *first[number:]), common(call, *(each.dtype for each in several)))


@operation("append")
def append(call: Call) -> Value:
    """Two tensors one after the other, along an axis or both in one dimension."""
    one, other = tensor(call, "x1"), tensor(call, "x2")
    dtype = common(call, one.dtype, other.dtype)
    if call["axis"] is None:
        sizes = product(one.shape), product(other.shape)
        return Tensor((None if None in sizes else sum(size or 0 for size in sizes),), dtype)
    number = axis(call, "axis", one.rank)
    found = concatenated([one.shape, other.shape], number) if one.rank == other.rank else None
    if found is None or found[number] is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.append` joins along axis {number}, "
            + (f"which is open in {_all([one, other])}" if found else f"and {_all([one, other])} differ elsewhere"),
            argument="axis",
            expected=f"shapes that are equal but for axis {number}, which is known",
            help="`ops.concatenate` joins along open dimensions too",
        )
    return Tensor(found, dtype)


@operation("meshgrid")
def meshgrid(call: Call) -> Value:
    """Each tensor's elements along an axis of its own; Keras forgets the dtypes with `indexing: ij`."""
    several = listed(call, "x")
    sides = [product(each.shape) for each in several]
    if word(call, "indexing", "xy", "ij") == "ij":
        return [Tensor(tuple(sides), FLOAT) for _ in several]
    if len(several) < 2:
        call.refuse(
            BAD_OPERANDS,
            "`ops.meshgrid` swaps its first two dimensions, and is given one tensor",
            expected="two tensors or more",
            help="leave the order as it is: `ops.meshgrid: {indexing: ij}`",
        )
    sides[:2] = sides[1], sides[0]
    return [Tensor(tuple(sides), several[-1].dtype) for _ in several]


SPLIT_AXES = {"ops.hsplit": (1, 1), "ops.vsplit": (0, 2), "ops.dsplit": (2, 3)}
"""Operation → the axis that it splits, and how many dimensions it needs."""


@operation("split")
def split(call: Call) -> Value:
    """A tensor in parts along an axis."""
    incoming = tensor(call, "x")
    return _parts(call, incoming, axis(call, "axis", incoming.rank))


@operation("hsplit", "vsplit", "dsplit")
def split_along(call: Call) -> Value:
    """A tensor in parts along axis 0, 1 or 2; `hsplit` splits vectors along their only one."""
    incoming = tensor(call, "x")
    number, least = SPLIT_AXES[call.name]
    if incoming.rank < least:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes tensors of {least} dimensions or more, and what comes in is {incoming}",
            expected=f"{least} dimensions or more",
            help="`ops.split` splits along any axis",
        )
    return _parts(call, incoming, min(number, incoming.rank - 1))


def _parts(call: Call, incoming: Tensor, number: int) -> Value:
    """Equal parts, or those between the indices that are listed."""
    size, stated = incoming.shape[number], call["indices_or_sections"]
    if not isinstance(stated, list | tuple):
        parts = few(call, "indices_or_sections")
        if size is not None and (parts == 0 or size % parts):
            call.refuse(
                SHAPE_MISMATCH,
                f"`{call.name}` makes {parts} equal parts, and axis {number} of {incoming} is {size}",
                argument="indices_or_sections",
                expected=f"a divisor of {size}",
                help=f"list where to cut: `[{size // 2}]`; `ops.array_split` makes parts that may differ by 1",
            )
        each = replaced(incoming.shape, number, None if size is None else size // parts)
        return [Tensor(each, incoming.dtype)] * parts
    cuts = [0, *integers(call, "indices_or_sections"), size]
    if len(cuts) > MOST_RESULTS:
        raise Unreadable
    between = [None if end is None or start is None else end - start for start, end in pairwise(cuts)]
    if any(length is not None and length < 0 for length in between):
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` cuts axis {number} of {incoming} at {list(stated)}, which does not ascend",
            argument="indices_or_sections",
            expected=f"ascending places{'' if size is None else f' from 0 to {size}'}",
            help="these are the places to cut at, not the lengths of parts",
        )
    return [Tensor(replaced(incoming.shape, number, length), incoming.dtype) for length in between]


@operation("array_split")
def array_split(call: Call) -> Value:
    """Parts along an axis that differ by 1 at most."""
    incoming, parts = tensor(call, "x"), few(call, "indices_or_sections")
    stated = integer(call, "axis")
    if parts < 1:
        return []
    # Keras counts a negative axis from the back twice over.
    number = axis_at(call, "axis", stated + incoming.rank if stated < -incoming.rank else stated, incoming.rank)
    size = incoming.shape[number]
    lengths = [None if size is None else size // parts + (part < size % parts) for part in range(parts)]
    return [Tensor(replaced(incoming.shape, number, length), incoming.dtype) for length in lengths]


@operation("unstack")
def unstack(call: Call) -> Value:
    """The tensors that lie along an axis."""
    incoming = tensor(call, "x")
    number = axis(call, "axis", incoming.rank)
    size = incoming.shape[number] if call["num"] is None else few(call, "num")
    if size is None:
        call.refuse(
            OPEN_DIMENSION,
            f"`ops.unstack` takes {incoming} apart along axis {number}, whose size is open",
            argument="axis",
            expected="an axis of known size",
            help="say how many there are: `ops.unstack: {num: 3, axis: 1}`",
        )
    if size > MOST_RESULTS:
        raise Unreadable
    left = incoming.shape[:number] + incoming.shape[number + 1 :]
    return [Tensor(left, incoming.dtype)] * size
