"""Layers that make one tensor of several.

Elementwise merges align shapes at the last dimension, the batch left out, and stretch sizes of 1. A tensor of fewer
dimensions is widened behind the batch, without a word.
"""

from __future__ import annotations

from typing import NoReturn

from graphspec.diagnostics.rules import BAD_AXIS, OPEN_DIMENSION, SHAPE_MISMATCH, SILENT_BROADCAST
from graphspec.shapes.call import Call, layer
from graphspec.shapes.sizes import normal, replaced, there_are, without
from graphspec.shapes.tensor import UNKNOWN, Shape, Size, Tensor, Value, show_size


@layer("Add", "Average", "Maximum", "Minimum", "Multiply")
def elementwise(call: Call) -> Value:
    """Tensors of shapes that broadcast → their common shape."""
    return _merged(call, call.several())


@layer("Subtract")
def subtract(call: Call) -> Value:
    """Two tensors → their common shape. A shared layer is held to two when it is first applied."""
    return _merged(call, call.several() if call.facts else call.several(2, 2))


def _merged(call: Call, given: list[Tensor]) -> Value:
    for tensor in given:
        if not tensor.rank:
            return UNKNOWN
    batches = {tensor.shape[0] for tensor in given} - {None}
    if len(batches) > 1 and not call.facts:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` is given tensors of different batch sizes: {call.shown()}",
            expected="one batch size",
            help="leave `batch_size` out, or give all inputs the same",
        )
    call.once(built=True)
    result = given[0].shape[1:]
    for tensor in given[1:]:
        joined = _joined(result, tensor.shape[1:])
        if joined is None:
            call.refuse(
                SHAPE_MISMATCH,
                f"`{call.name}` is given tensors whose sizes differ: {call.shown()}",
                expected="tensors of the same sizes",
                help="make them equal, with a `Dense` or a 1x1 convolution on one of them, or use `merge: concat`",
            )
        result = joined
    _warn_of_stretching(call, given, result)
    return call.gives((batches.pop() if len(batches) == 1 else None, *result))


def _joined(one: Shape, other: Shape) -> Shape | None:
    """The common shape of two samples; None where they do not fit. Two sizes of which one is open are open."""
    if len(one) < len(other):
        one, other = other, one
    start = len(one) - len(other)
    sizes: list[Size] = list(one[:start])
    for left, right in zip(one[start:], other, strict=True):
        if left is None or right is None:
            sizes.append(None)
        elif left == 1 or right == 1 or left == right:
            sizes.append(right if left == 1 else left)
        else:
            return None
    return tuple(sizes)


def _warn_of_stretching(call: Call, given: list[Tensor], result: Shape) -> None:
    """Warn where a tensor is widened, or stretched along a dimension of 1.

    A product with a tensor of as many dimensions is left alone: gates and weights are made with sizes of 1.
    """
    for tensor in given:
        widened = tensor.rank - 1 < len(result)
        pairs = zip(tensor.shape[:0:-1], result[::-1], strict=False)
        stretched = any(size == 1 and other != 1 for size, other in pairs)
        crossed = stretched and all(other.shape[1:] != result for other in given)
        if (widened and any(size != 1 for size in result)) or (stretched and (call.name != "Multiply" or crossed)):
            call.warn(
                SILENT_BROADCAST,
                f"`{call.name}` stretches {tensor} over {Tensor((None, *result))}: {call.shown()}",
                expected="tensors of one shape",
                help="if it is meant, give it the shape in so many words, with `Reshape` or `RepeatVector`"
                if widened
                else "make the sizes equal"
                + ("" if call.name == "Multiply" else "; a product with a weight or a gate is `merge: mul`"),
            )
            return


@layer("Concatenate")
def concatenate(call: Call) -> Value:
    """Tensors of one shape but for the axis → one, as long along the axis as all together.

    A shared layer is held to equal sizes when it is first applied.
    """
    given = call.several()
    axis = call["axis"]
    if not isinstance(axis, int):
        return UNKNOWN
    if not call.facts:
        _refuse_uneven(call, given, axis)
    call.once(built=True)
    result = given[0].shape
    for tensor in given[1:]:
        place, other = normal(axis, len(result)), normal(axis, tensor.rank)
        if place is None or other is None:
            _refuse_axis(call, axis, tensor)
        one, more = result[place], tensor.shape[other]
        if one is None or more is None:
            return call.gives(replaced(result, place, None))
        result = replaced(result, place, one + more)
    return call.gives(result)


def _refuse_uneven(call: Call, given: list[Tensor], axis: int) -> None:
    """Refuse tensors that cannot lie side by side."""
    for tensor in given:
        if axis < -tensor.rank or (axis >= tensor.rank and len(given) > 1):
            _refuse_axis(call, axis, tensor)
    others = [tensor.shape if axis >= tensor.rank else without(tensor.shape, axis % tensor.rank) for tensor in given]
    if len({len(each) for each in others}) > 1:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` is given tensors of different numbers of dimensions: {call.shown()}",
            expected="tensors of as many dimensions",
            help="bring them to one form first, with `Flatten`, `RepeatVector` or a pooling layer",
        )
    for sizes in zip(*others, strict=True):
        if len(set(sizes) - {None}) > 1:
            call.refuse(
                SHAPE_MISMATCH,
                f"`{call.name}` joins along the axis {axis}, and the tensors differ along another: {call.shown()}",
                expected=f"tensors that are equal but for the axis {axis}",
                help="make the other sizes equal, or choose the axis along which they differ",
            )


def _refuse_axis(call: Call, axis: int, tensor: Tensor) -> NoReturn:
    call.refuse(
        BAD_AXIS,
        f"`{call.name}` is told the axis {axis}, and {tensor} has {tensor.rank} dimensions",
        argument="axis",
        expected=there_are(tensor.rank),
    )


@layer("Dot")
def dot(call: Call) -> Value:
    """(batch, ...), (batch, ...) → both without the axis that is summed over, the second without its batch."""
    first, second = call.several(2, 2)
    axes = call["axes"]
    chosen = list(axes) if isinstance(axes, list) else [axes, axes]
    if len(chosen) != 2 or not all(isinstance(axis, int) for axis in chosen):
        return UNKNOWN
    places = []
    for tensor, axis in zip((first, second), chosen, strict=True):
        # A negative number for both is counted round and round, and so is always an axis.
        place = axis % tensor.rank if isinstance(axes, int) and axis < 0 else normal(axis, tensor.rank)
        if place is None:
            _refuse_axis_of_dot(call, axis, tensor)
        places.append(place)
    sizes = first.shape[places[0]], second.shape[places[1]]
    if not call.facts and sizes[0] != sizes[1]:
        call.refuse(
            OPEN_DIMENSION if None in sizes else SHAPE_MISMATCH,
            f"`Dot` sums over axes of sizes {show_size(sizes[0])} and {show_size(sizes[1])}: {call.shown()}",
            argument="axes",
            expected="axes of one size",
            help="give the input its size"
            if None in sizes
            else "choose an axis of each that is equal: `axes: [1, 2]` are one of the first and one of the second",
        )
    call.once(built=True)
    left, right = without(first.shape, places[0]), without(second.shape, places[1])
    if not right:
        _refuse_axis_of_dot(call, chosen[1], second)
    result = (*left, *right[1:])
    return call.gives(result if len(result) != 1 else (*result, 1))


def _refuse_axis_of_dot(call: Call, axis: int, tensor: Tensor) -> NoReturn:
    call.refuse(
        BAD_AXIS,
        f"`Dot` is told the axis {axis}, and {tensor} has no such axis to sum over",
        argument="axes",
        expected=f"an axis from 1 to {tensor.rank - 1}" if tensor.rank > 1 else "a tensor of more dimensions",
    )
