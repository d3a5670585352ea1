"""Operations that keep the elements and change their order or their dimensions."""

from __future__ import annotations

from graphspec.diagnostics.rules import BAD_AXIS, SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.shapes.call import Call, Unreadable, product
from graphspec.shapes.ops.arguments import (
    axis,
    axis_at,
    axis_list,
    integers,
    no_axis,
    one_or_more,
    removed,
    sizes,
)
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.sizes import broadcast, normal, there_are
from graphspec.shapes.tensor import Shape, Size, Tensor, Value, show


@operation("reshape")
def reshape(call: Call) -> Value:
    """Another shape of as many elements; one size may be -1, for what is left."""
    incoming = tensor(call, "x")
    stated = call["newshape"]
    if isinstance(stated, str | dict):
        raise Unreadable
    listed = stated if isinstance(stated, list | tuple) else [stated]
    wanted: Shape = tuple(int(size) if isinstance(size, int) else None for size in listed)
    if any(size is not None and size < -1 for size in wanted) or wanted.count(-1) > 1:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`newshape` of `{call.name}` is {list(wanted)}",
            argument="newshape",
            expected="sizes of 0 or more, and one -1 at most for what is left",
            help="the first size is that of the batch: `ops.reshape: [-1, 16]`",
        )
    if None in incoming.shape or None in wanted:
        return Tensor(tuple(None if size == -1 else size for size in wanted), incoming.dtype)
    elements, known = product(incoming.shape) or 0, product(tuple(size for size in wanted if size != -1)) or 0
    if elements != known if -1 not in wanted else known == 0 or elements % known:
        call.refuse(
            SHAPE_MISMATCH,
            f"{incoming} has {elements} elements, which do not fill the shape {show(wanted)}",
            argument="newshape",
            expected=f"sizes that multiply to {elements}",
            help="write -1 for a size that is to be found",
        )
    return Tensor(tuple(elements // known if size == -1 else size for size in wanted), incoming.dtype)


@operation("transpose")
def transpose(call: Call) -> Value:
    """The dimensions in another order: turned round, or as `axes` says."""
    incoming = tensor(call, "x")
    if call["axes"] is None:
        return Tensor(incoming.shape[::-1], incoming.dtype)
    order = integers(call, "axes")
    if sorted(number % incoming.rank if incoming.rank else -1 for number in order) != list(range(incoming.rank)) or any(
        normal(number, incoming.rank) is None for number in order
    ):
        call.refuse(
            BAD_AXIS,
            f"`axes: {order}` does not name each of the {incoming.rank} axes of {incoming} once",
            argument="axes",
            expected=f"the numbers from 0 to {incoming.rank - 1}, in any order",
            help="the batch counts: `axes: [0, 2, 1]` swaps the two dimensions behind it",
        )
    return Tensor(tuple(incoming.shape[number] for number in order), incoming.dtype)


@operation("expand_dims")
def expand_dims(call: Call) -> Value:
    """Dimensions of size 1 put in."""
    incoming, stated = tensor(call, "x"), one_or_more(call, "axis")
    rank = incoming.rank + len(stated)
    new = [normal(number, rank) for number in stated]
    if None in new or len(set(new)) < len(new):
        call.refuse(
            BAD_AXIS,
            f"`axis: {call['axis']}` puts no {'dimensions' if len(new) > 1 else 'dimension'} into {incoming}",
            argument="axis",
            expected=there_are(rank) + (", each once" if len(new) > 1 else ""),
            help="axis 0 comes before the batch, -1 after the last dimension",
        )
    left, at = iter(incoming.shape), set(new)
    return Tensor(tuple(1 if number in at else next(left) for number in range(rank)), incoming.dtype)


@operation("squeeze")
def squeeze(call: Call) -> Value:
    """Dimensions of size 1 taken out: all, or those that `axis` names."""
    incoming = tensor(call, "x")
    if call["axis"] is None:
        return Tensor(tuple(size for size in incoming.shape if size != 1), incoming.dtype)
    gone = axis_list(call, "axis", incoming.rank)
    for number in gone:
        if incoming.shape[number] != 1:
            call.refuse(
                SHAPE_MISMATCH,
                f"`ops.squeeze` takes out dimensions of size 1, and axis {number} of {incoming} is "
                + ("open" if incoming.shape[number] is None else f"{incoming.shape[number]}"),
                argument="axis",
                expected="an axis of size 1",
                help="`ops.take` picks one of several, and `ops.reshape` joins dimensions",
            )
    return Tensor(removed(call, "axis", incoming.shape, gone), incoming.dtype)


@operation("moveaxis")
def moveaxis(call: Call) -> Value:
    """Some dimensions at other places, the rest in their order."""
    incoming = tensor(call, "x")
    sources, destinations = one_or_more(call, "source"), one_or_more(call, "destination")
    if len(sources) != len(destinations):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`ops.moveaxis` is told {len(sources)} axes to move, and {len(destinations)} places",
            argument="destination",
            expected="a place for each axis",
            help="write as many numbers in `destination` as in `source`",
        )
    places: list[Size | str] = ["free"] * incoming.rank
    left: list[Size | str] = list(incoming.shape)
    origins = [axis_at(call, "source", number, incoming.rank) for number in sources]
    targets = [axis_at(call, "destination", number, incoming.rank) for number in destinations]
    for source, destination in zip(origins, targets, strict=True):
        places[destination], left[source] = left[source], "free"
    rest = [size for size in left if size != "free"]
    if places.count("free") > len(rest):
        call.refuse(
            BAD_AXIS,
            "`ops.moveaxis` is told one place for two axes",
            argument="destination",
            expected="each place once",
            help="write different numbers in `destination`",
        )
    filling = iter(rest)
    shape = [next(filling) if size == "free" else size for size in places]
    return Tensor(tuple(size for size in shape if not isinstance(size, str)), incoming.dtype)


@operation("swapaxes")
def swapaxes(call: Call) -> Value:
    """Two dimensions in each other's place."""
    incoming = tensor(call, "x")
    shape = list(incoming.shape)
    one, other = axis(call, "axis1", incoming.rank), axis(call, "axis2", incoming.rank)
    shape[one], shape[other] = shape[other], shape[one]
    return Tensor(tuple(shape), incoming.dtype)


@operation("ravel")
def ravel(call: Call) -> Value:
    """All elements in one dimension."""
    incoming = tensor(call, "x")
    return Tensor((product(incoming.shape),), incoming.dtype)


@operation("flip", "roll")
def flip(call: Call) -> Value:
    """The elements in another order, along some axes or all."""
    incoming = tensor(call, "x")
    if call["axis"] is not None:
        axis_list(call, "axis", incoming.rank)
    return Tensor(incoming.shape, incoming.dtype)


@operation("fliplr", "flipud")
def flip_matrix(call: Call) -> Value:
    """The columns or rows turned round."""
    incoming, least = tensor(call, "x"), 2 if call.name == "ops.fliplr" else 1
    if incoming.rank < least:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes tensors of {least} dimensions or more, and what comes in is {incoming}",
            expected=f"{least} dimensions or more",
            help="`ops.flip` turns any axis round",
        )
    return Tensor(incoming.shape, incoming.dtype)


@operation("rot90")
def rot90(call: Call) -> Value:
    """Two dimensions swapped: so Keras gives the shape, for half turns too."""
    incoming, plane = tensor(call, "array"), integers(call, "axes")
    if incoming.rank < 2:
        call.refuse(
            WRONG_RANK,
            f"`ops.rot90` turns a plane of two dimensions, and what comes in is {incoming}",
            expected="2 dimensions or more",
            help="`ops.flip` turns a single dimension round",
        )
    if len(plane) != 2 or plane[0] == plane[1]:
        call.refuse(
            BAD_AXIS,
            f"`axes: {plane}` is no plane",
            argument="axes",
            expected="two different axes",
            help="of images: `axes: [1, 2]`",
        )
    shape = list(incoming.shape)
    for number in plane:
        if normal(number, incoming.rank) is None:
            no_axis(call, "axes", number, incoming.rank)
    one, other = plane
    shape[one], shape[other] = shape[other], shape[one]
    return Tensor(tuple(shape), incoming.dtype)


@operation("broadcast_to")
def broadcast_to(call: Call) -> Value:
    """The shape that the argument states, if the tensor stretches to it."""
    incoming, wanted = tensor(call, "x"), sizes(call, "shape")
    if broadcast(incoming.shape, wanted) is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"{incoming} does not stretch to {show(wanted)}",
            argument="shape",
            expected="sizes that are equal where the tensor's are not 1, counted from the last dimension",
            help="the first size is that of the batch; `ops.expand_dims` puts a 1 in",
        )
    return Tensor(wanted, incoming.dtype)
