"""Operations that change the order of elements or the dimensions, or make dimensions longer."""

from __future__ import annotations

from typing import Any, NoReturn

from graphspec.diagnostics.rules import BAD_AXIS, SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.diagnostics.shape_text import shape_text, size_text
from graphspec.shapes.call import Call, Unreadable, operation, product
from graphspec.shapes.ops.arguments import (
    axis,
    axis_list,
    integer_list,
    integers,
    sizes,
    without_axes,
)
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.sizes import broadcast, with_size
from graphspec.shapes.tensor import Shape, Size, Tensor, Value, axes_text, canonical_axis


@operation("reshape")
def reshape(call: Call) -> Value:
    """Infer another shape of as many elements; one size may be -1, for the rest."""
    x, written = tensor(call), call["newshape"]
    if isinstance(written, str | dict):
        raise Unreadable
    listed = written if isinstance(written, list | tuple) else [written]
    target: Shape = tuple(int(size) if isinstance(size, int) else None for size in listed)
    if any(size is not None and size < -1 for size in target) or target.count(-1) > 1:
        call.refuse_argument(
            UNFIT_ARGUMENT,
            "newshape",
            f"is {list(target)}",
            "sizes of 0 or more, and at most one -1 for the rest",
            help="the first size is that of the batch: `ops.reshape: [-1, 16]`",
        )
    if None in x.shape or None in target:
        return Tensor(tuple(None if size == -1 else size for size in target), x.dtype)
    elements, known = product(x.shape) or 0, product(tuple(size for size in target if size != -1)) or 0
    if elements != known if -1 not in target else known == 0 or elements % known:
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.reshape` cannot reshape {x}, which has {elements} elements, to {shape_text(target)}",
            argument="newshape",
            expected=f"sizes whose product is {elements}",
            help="write -1 for the size that follows from the others",
        )
    return Tensor(tuple(elements // known if size == -1 else size for size in target), x.dtype)


@operation("transpose")
def transpose(call: Call) -> Value:
    """Infer the dimensions in another order: reversed, or as `axes` says."""
    x = tensor(call)
    if call["axes"] is None:
        return Tensor(x.shape[::-1], x.dtype)
    order = integers(call, "axes")
    axes = [canonical_axis(number, x.rank) for number in order]
    if None in axes or sorted(number for number in axes if number is not None) != list(range(x.rank)):
        call.refuse(
            BAD_AXIS,
            f"`axes: {order}` does not name each of the {x.rank} axes of {x} once",
            argument="axes",
            expected=f"the numbers from 0 to {x.rank - 1}, in any order",
            help="the batch counts: `axes: [0, 2, 1]` swaps the two dimensions behind it",
        )
    return Tensor(tuple(x.shape[number] for number in order), x.dtype)


@operation("expand_dims")
def expand_dims(call: Call) -> Value:
    """Infer the shape with dimensions of size 1 inserted."""
    x, axes = tensor(call), integer_list(call, "axis")
    rank = x.rank + len(axes)
    new = [canonical_axis(number, rank) for number in axes]
    if None in new or len(set(new)) < len(new):
        call.refuse(
            BAD_AXIS,
            f"`ops.expand_dims` cannot insert `axis: {call['axis']}` into {x}",
            argument="axis",
            expected=axes_text(rank) + (", each once" if len(new) > 1 else ""),
            help="axis 0 is before the batch, -1 behind the last dimension",
        )
    left, at = iter(x.shape), set(new)
    return Tensor(tuple(1 if number in at else next(left) for number in range(rank)), x.dtype)


@operation("squeeze")
def squeeze(call: Call) -> Value:
    """Infer the shape without dimensions of size 1: all, or those that `axis` names."""
    x = tensor(call)
    if call["axis"] is None:
        return Tensor(tuple(size for size in x.shape if size != 1), x.dtype)
    axes = axis_list(call, "axis", x.rank)
    for number in axes:
        if x.shape[number] != 1:
            call.refuse(
                SHAPE_MISMATCH,
                f"`ops.squeeze` removes dimensions of size 1, but axis {number} of {x} is {size_text(x.shape[number])}",
                argument="axis",
                expected="an axis of size 1",
                help="`ops.take` picks one of several, and `ops.reshape` joins dimensions",
            )
    return Tensor(without_axes(call, "axis", x.shape, axes), x.dtype)


@operation("moveaxis")
def moveaxis(call: Call) -> Value:
    """Infer some dimensions at other positions, the rest in their order."""
    x = tensor(call)
    sources, destinations = integer_list(call, "source"), integer_list(call, "destination")
    if len(sources) != len(destinations):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`ops.moveaxis` received {len(sources)} axes to move, but {len(destinations)} destinations",
            argument="destination",
            expected="a destination for each axis",
            help="write as many numbers in `destination` as in `source`",
        )
    places: list[Size | str] = ["free"] * x.rank
    left: list[Size | str] = list(x.shape)
    origins = [call.expect_axis("source", number, x.rank) for number in sources]
    targets = [call.expect_axis("destination", number, x.rank) for number in destinations]
    for source, destination in zip(origins, targets, strict=True):
        places[destination], left[source] = left[source], "free"
    rest = [size for size in left if size != "free"]
    if places.count("free") > len(rest):
        call.refuse_argument(
            BAD_AXIS,
            "destination",
            "names an axis twice",
            "each axis once",
            help="write different numbers in `destination`",
        )
    filling = iter(rest)
    shape = [next(filling) if size == "free" else size for size in places]
    return Tensor(tuple(size for size in shape if not isinstance(size, str)), x.dtype)


@operation("swapaxes")
def swapaxes(call: Call) -> Value:
    """Infer the shape with two dimensions swapped."""
    x = tensor(call)
    return Tensor(_swapped(x.shape, axis(call, "axis1", x.rank), axis(call, "axis2", x.rank)), x.dtype)


def _swapped(shape: Shape, one: int, other: int) -> Shape:
    sizes = list(shape)
    sizes[one], sizes[other] = sizes[other], sizes[one]
    return tuple(sizes)


@operation("ravel")
def ravel(call: Call) -> Value:
    """Infer all elements in one dimension."""
    x = tensor(call)
    return Tensor((product(x.shape),), x.dtype)


@operation("flip", "roll")
def flip(call: Call) -> Value:
    """Infer the elements in another order, along some axes or all: the same shape."""
    x = tensor(call)
    if call["axis"] is not None:
        axis_list(call, "axis", x.rank)
    return Tensor(x.shape, x.dtype)


@operation("fliplr", "flipud")
def flip_matrix(call: Call) -> Value:
    """Infer the columns or rows in reverse: the same shape."""
    x = tensor(call)
    call.expect_rank(x, least=2 if call.name == "ops.fliplr" else 1, help="`ops.flip` reverses any axis")
    return Tensor(x.shape, x.dtype)


@operation("rot90")
def rot90(call: Call) -> Value:
    """Infer two dimensions swapped: Keras returns that shape for half turns too."""
    x, plane = tensor(call, "array"), integers(call, "axes")
    call.expect_rank(x, least=2, operand="array", help="`ops.flip` reverses a single dimension")
    if len(plane) != 2 or plane[0] == plane[1]:
        call.refuse_argument(
            BAD_AXIS, "axes", f"is {plane}, which is no plane", "two different axes", help="for images: `axes: [1, 2]`"
        )
    one, other = (call.expect_axis("axes", number, x.rank) for number in plane)
    return Tensor(_swapped(x.shape, one, other), x.dtype)


@operation("broadcast_to")
def broadcast_to(call: Call) -> Value:
    """Infer the shape in `shape`, if the tensor broadcasts to it."""
    x, shape = tensor(call), sizes(call, "shape")
    if broadcast(x.shape, shape) is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.broadcast_to` cannot broadcast {x} to {shape_text(shape)}",
            argument="shape",
            expected="sizes that are equal where the tensor's are not 1, counted from the last dimension",
            help="the first size is that of the batch; `ops.expand_dims` inserts a 1",
        )
    return Tensor(shape, x.dtype)


@operation("tile")
def tile(call: Call) -> Value:
    """Infer each size times its repeats; missing dimensions and repeats are 1, in front."""
    x, repeats = tensor(call), integer_list(call, "repeats")
    rank = max(x.rank, len(repeats))
    shape = (1,) * (rank - x.rank) + x.shape
    times = zip(shape, [1] * (rank - len(repeats)) + repeats, strict=True)
    return Tensor(tuple(None if size is None else size * number for size, number in times), x.dtype)


@operation("repeat")
def repeat(call: Call) -> Value:
    """Infer each element repeated, along an axis or of all flattened."""
    x, repeats = tensor(call), integer_list(call, "repeats")
    flat = call["axis"] is None
    number = 0 if flat else axis(call, "axis", x.rank)
    shape = (product(x.shape),) if flat else x.shape
    size = shape[number]
    if size is None:
        return Tensor(shape, x.dtype)
    if len(repeats) not in (1, size):
        call.refuse_argument(
            SHAPE_MISMATCH,
            "repeats",
            f"has {len(repeats)} numbers for {size} elements",
            f"a number, or a list of {size}",
            help="one number repeats every element as often",
        )
    total = size * repeats[0] if len(repeats) == 1 else sum(repeats)
    return Tensor(with_size(shape, number, total), x.dtype)


@operation("pad")
def pad(call: Call) -> Value:
    """Infer each size with its padding before and after; unknown sizes stay unknown."""
    x, pads = tensor(call), _pads(call, call["pad_width"])
    pads = pads * x.rank if len(pads) == 1 else pads
    if len(pads) != x.rank:
        call.refuse_argument(
            SHAPE_MISMATCH,
            "pad_width",
            f"pads {len(pads)} dimensions, but {x} has {x.rank}",
            f"{x.rank} pairs, one for each dimension, or one for all",
            help="the batch counts: write [0, 0] for it",
        )
    ends = list(zip(x.shape, pads, strict=True))
    if any(size is not None and len(each) < 2 for size, each in ends):
        _refuse_pads(call)
    shape = tuple(None if size is None else size + each[0] + each[1] for size, each in ends)
    return Tensor(shape, x.dtype)


def _pads(call: Call, written: Any) -> list[list[int]]:
    """Return the padding before and after each dimension, or once for all."""
    if isinstance(written, int):
        return [[written, written]]
    if not isinstance(written, list | tuple) or not written:
        _refuse_pads(call)
    if isinstance(written[0], int):
        return [integers(call, "pad_width")]
    for each in written:
        is_list = isinstance(each, list | tuple) and all(isinstance(item, int) for item in each)
        if not is_list or len(each) == 1 or len(each) != len(written[0]):
            _refuse_pads(call)
    return [list(each) for each in written]


def _refuse_pads(call: Call) -> NoReturn:
    call.refuse_argument(
        UNFIT_ARGUMENT,
        "pad_width",
        "must be a list of pairs",
        "a pair for each dimension: the padding before it, and after",
        help="for example `[[0, 0], [1, 1]]`; the first pair is of the batch",
    )
