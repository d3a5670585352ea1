"""Operations that pick elements by their places, or put others there."""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.rules import BAD_AXIS, SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.shapes.call import Call, product
from graphspec.shapes.ops.arguments import axis, size, sizes, word, wrong
from graphspec.shapes.ops.operands import operand, tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.sizes import broadcast, replaced
from graphspec.shapes.tensor import Shape, Size, Tensor, Value, show


@operation("take")
def take(call: Call) -> Value:
    """The elements at some indices along an axis; without one, of all in one dimension."""
    incoming, indices = tensor(call, "x"), operand(call, "indices")
    picked = indices.shape if isinstance(indices, Tensor) else _shape_of_constant(call, indices)
    if call["axis"] is None:
        return Tensor(picked, incoming.dtype)
    number = axis(call, "axis", incoming.rank)
    return Tensor((*incoming.shape[:number], *picked, *incoming.shape[number + 1 :]), incoming.dtype)


def _shape_of_constant(call: Call, value: Any) -> Shape:
    """The shape of the array that nested lists stand for."""
    if not isinstance(value, list):
        return ()
    inner = {_shape_of_constant(call, item) for item in value}
    if len(inner) > 1:
        call.refuse(
            UNFIT_ARGUMENT,
            f"the lists in `indices` of `{call.name}` differ in length",
            argument="indices",
            expected="an index, or lists of one length",
            help="fill the shorter ones up",
        )
    return (len(value), *(inner.pop() if inner else ()))


@operation("take_along_axis")
def take_along_axis(call: Call) -> Value:
    """An element for each index, along an axis; without one, of all in one dimension."""
    incoming, indices = tensor(call, "x"), tensor(call, "indices")
    flat = call["axis"] is None
    shape = (product(incoming.shape),) if flat else incoming.shape
    if len(shape) != indices.rank:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` picks from {show(shape)} by indices of {indices}: they have other numbers of dimensions",
            argument="indices",
            expected=f"indices of {len(shape)} dimensions",
            help="`ops.expand_dims` adds dimensions to the indices",
        )
    number = 0 if flat else axis(call, "axis", len(shape))
    found = broadcast(replaced(shape, number, indices.shape[number]), indices.shape)
    if found is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` picks along axis {number}, and {incoming} and the indices of {indices} differ elsewhere",
            argument="indices",
            expected=f"indices whose sizes are equal to the tensor's or 1, but for axis {number}",
            help="`ops.take` picks the same indices everywhere",
        )
    return Tensor(found, incoming.dtype)


@operation("get_item")
def get_item(call: Call) -> Value:
    """What stands at an index; a list holds one for each dimension, and null puts a dimension in."""
    incoming, key = tensor(call, "x"), operand(call, "key")
    left, shape = list(incoming.shape), list[Size]()
    for each in key if isinstance(key, list) else [key]:
        if each is None and isinstance(key, list):
            shape.append(1)
        elif not isinstance(each, int):
            call.refuse(
                UNFIT_ARGUMENT,
                "`key` of `ops.get_item` holds what is no index",
                argument="key",
                expected="a whole number, or a list of them, one for each dimension",
                help="`ops.take` picks several indices of one axis, `ops.slice` a part",
            )
        elif not left:
            call.refuse(
                BAD_AXIS,
                f"`key` of `ops.get_item` holds more indices than {incoming} has dimensions",
                argument="key",
                expected=f"{incoming.rank} indices at most",
                help="the first index is that of the batch",
            )
        else:
            _check_index(call, incoming, left.pop(0), each)
    return Tensor((*shape, *left), incoming.dtype)


def _check_index(call: Call, incoming: Tensor, size: Size, index: int) -> None:
    if size is not None and not -size <= index < size:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`key` of `ops.get_item` is {call['key']}, and {incoming} has no index {index} there",
            argument="key",
            expected=f"an index from {-size} to {size - 1}",
            help="the first index is that of the batch",
        )


@operation("slice")
def cut(call: Call) -> Value:
    """A part of a known shape; a size of -1 is all that follows the start."""
    incoming, start, shape = tensor(call, "inputs"), operand(call, "start_indices"), sizes(call, "shape")
    _one_each(call, incoming, "shape", len(shape))
    if isinstance(start, list):
        _one_each(call, incoming, "start_indices", len(start))
    found: list[Size] = []
    for number, (length, wanted) in enumerate(zip(incoming.shape, shape, strict=True)):
        if wanted != -1:
            found.append(wanted)
        elif isinstance(start, Tensor) or length is None:
            found.append(None)
        elif isinstance(start, list) and isinstance(start[number], int):
            found.append(length - start[number])
        else:
            wrong(call, "start_indices", "a list of whole numbers, one for each dimension")
    return Tensor(tuple(found), incoming.dtype)


def _one_each(call: Call, incoming: Tensor, argument: str, count: int) -> None:
    if count != incoming.rank:
        call.refuse(
            WRONG_RANK,
            f"`{argument}` of `{call.name}` holds {count} numbers, and {incoming} has {incoming.rank} dimensions",
            argument=argument,
            expected=f"{incoming.rank} numbers, one for each dimension",
            help="the batch counts" + (": write -1 for all of it" if argument == "shape" else ": start it at 0"),
        )


@operation("slice_update", "scatter_update")
def update(call: Call) -> Value:
    """The tensor with some elements replaced. Keras compares no shapes in a graph."""
    incoming = tensor(call, "inputs")
    if call["reduction"] is not None:
        word(call, "reduction", "add", "max", "min", "mul")
    return Tensor(incoming.shape, incoming.dtype)


@operation("scatter")
def scatter(call: Call) -> Value:
    """Values at their places in zeros, of the shape stated."""
    return Tensor(sizes(call, "shape"), tensor(call, "values").dtype)


@operation("nonzero")
def nonzero(call: Call) -> Value:
    """The places of what is not zero, by dimension; how many there are hangs on the values."""
    return [Tensor((None,), "int32") for _ in tensor(call, "x").shape]


@operation("unique")
def unique(call: Call) -> Value:
    """Every value once, and on demand where each is first, which one each element is, and how often each occurs."""
    incoming = tensor(call, "x")
    count = size(call, "size")
    number = None if call["axis"] is None else axis(call, "axis", incoming.rank)
    values: Shape = (count,) if number is None else replaced(incoming.shape, number, count)
    places = incoming.shape if number is None else (incoming.shape[number],)
    found: list[Value] = [Tensor(values, incoming.dtype)]
    for argument, shape in (("return_index", (count,)), ("return_inverse", places), ("return_counts", (count,))):
        if call[argument]:
            found.append(Tensor(shape, "int32"))
    return found if len(found) > 1 else found[0]


@operation("unravel_index")
def unravel_index(call: Call) -> Value:
    """The index in each dimension of the shape stated."""
    indices, shape = tensor(call, "indices"), call["shape"]
    if not isinstance(shape, list | tuple):
        wrong(call, "shape", "a list of sizes")
    each = (None,) if None in shape else indices.shape
    return [Tensor(each, indices.dtype) for _ in shape]
