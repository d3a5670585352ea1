"""Layers that make one tensor of several.

Elementwise merges align shapes at the last dimension, the batch left out, and stretch sizes of 1. A tensor of lower
rank is widened behind the batch, without a warning in Keras.
"""

from __future__ import annotations

from typing import NoReturn

from graphspec.diagnostics.rules import OPEN_DIMENSION, SHAPE_MISMATCH, SILENT_BROADCAST
from graphspec.diagnostics.shape_text import shape_text, size_text
from graphspec.shapes.call import Call, layer
from graphspec.shapes.sizes import with_size, without
from graphspec.shapes.tensor import UNKNOWN, Shape, Size, Tensor, Value, axes_text, canonical_axis


@layer("Add", "Average", "Maximum", "Minimum", "Multiply")
def elementwise(call: Call) -> Value:
    """Infer the output of elementwise merges: tensors of shapes that broadcast → their common shape."""
    return _merged(call, call.several())


@layer("Subtract")
def subtract(call: Call) -> Value:
    """Infer the output of `Subtract`: two tensors → their common shape. Only the first call must have two."""
    return _merged(call, call.several() if call.is_built else call.several(2, 2))


def _merged(call: Call, operands: list[Tensor]) -> Value:
    for tensor in operands:
        call.expect_rank(tensor, least=1, help="an operation, such as `ops.add`, takes a scalar with any tensor")
    batches = {tensor.shape[0] for tensor in operands} - {None}
    if len(batches) > 1 and not call.is_built:
        call.refuse_input(
            SHAPE_MISMATCH,
            "tensors of one batch size",
            call.received,
            help="remove `batch_size`, or give all inputs the same",
        )
    call.build()
    result = operands[0].shape[1:]
    for tensor in operands[1:]:
        joined = _broadcast(result, tensor.shape[1:])
        if joined is None:
            call.refuse_input(
                SHAPE_MISMATCH,
                "tensors of the same sizes",
                call.received,
                help="make them equal, with a `Dense` or a 1x1 convolution on one of them, or use `merge: concat`",
            )
        result = joined
    _warn_of_broadcast(call, operands, result)
    return call.output((batches.pop() if len(batches) == 1 else None, *result))


def _broadcast(one: Shape, other: Shape) -> Shape | None:
    """Return the common shape of two samples; None where they differ. Two sizes of which one is unknown are unknown."""
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


def _warn_of_broadcast(call: Call, operands: list[Tensor], result: Shape) -> None:
    """Warn where a tensor is widened, or stretched along a dimension of 1.

    A product with a tensor of as many dimensions is not reported: gates and weights are made with sizes of 1.
    """
    for tensor in operands:
        widened = tensor.rank - 1 < len(result)
        pairs = zip(tensor.shape[:0:-1], result[::-1], strict=False)
        stretched = any(size == 1 and other != 1 for size, other in pairs)
        crossed = stretched and all(other.shape[1:] != result for other in operands)
        if (widened and any(size != 1 for size in result)) or (stretched and (call.name != "Multiply" or crossed)):
            call.warn(
                SILENT_BROADCAST,
                f"`{call.name}` broadcasts {tensor} to {shape_text((None, *result))}: {call.received}",
                expected="tensors of one shape",
                help="if it is intended, write the shape out with `Reshape` or `RepeatVector`"
                if widened
                else "make the sizes equal"
                + ("" if call.name == "Multiply" else "; a product with a weight or a gate is `merge: mul`"),
            )
            return


@layer("Concatenate")
def concatenate(call: Call) -> Value:
    """Infer the output of `Concatenate`: tensors that are equal but for `axis` → one with the sum of the sizes there.

    Only the first call of a shared layer must have equal sizes.
    """
    operands = call.several()
    axis = call["axis"]
    if not isinstance(axis, int):
        return UNKNOWN
    if not call.is_built:
        _check_operands(call, operands, axis)
    call.build()
    result = operands[0].shape
    for tensor in operands[1:]:
        place, other = (call.expect_axis("axis", axis, rank, tensor) for rank in (len(result), tensor.rank))
        one, more = result[place], tensor.shape[other]
        if one is None or more is None:
            return call.output(with_size(result, place, None))
        result = with_size(result, place, one + more)
    return call.output(result)


def _check_operands(call: Call, operands: list[Tensor], axis: int) -> None:
    """Refuse tensors that differ in another dimension than `axis`."""
    for tensor in operands:
        if axis < -tensor.rank or (axis >= tensor.rank and len(operands) > 1):
            call.refuse_axis("axis", axis, tensor, axes_text(tensor.rank))
    others = [tensor.shape if axis >= tensor.rank else without(tensor.shape, axis % tensor.rank) for tensor in operands]
    if len({len(each) for each in others}) > 1:
        call.refuse_input(
            SHAPE_MISMATCH,
            "tensors of one rank",
            call.received,
            help="make the ranks equal first, with `Flatten`, `RepeatVector` or a pooling layer",
        )
    for sizes in zip(*others, strict=True):
        if len(set(sizes) - {None}) > 1:
            call.refuse_input(
                SHAPE_MISMATCH,
                f"tensors that are equal but for axis {axis}",
                call.received,
                help="make the other sizes equal, or choose the axis along which they differ",
            )


@layer("Dot")
def dot(call: Call) -> Value:
    """Infer the output of `Dot`: both shapes without the axis that is summed over, the second without its batch."""
    first, second = call.several(2, 2)
    axes = call["axes"]
    chosen = list(axes) if isinstance(axes, list) else [axes, axes]
    if len(chosen) != 2 or not all(isinstance(axis, int) for axis in chosen):
        return UNKNOWN
    places = []
    for tensor, axis in zip((first, second), chosen, strict=True):
        # Keras takes a negative number for both modulo the rank, so it is always an axis.
        place = axis % tensor.rank if isinstance(axes, int) and axis < 0 else canonical_axis(axis, tensor.rank)
        if place is None:
            _refuse_dot_axis(call, axis, tensor)
        places.append(place)
    sizes = first.shape[places[0]], second.shape[places[1]]
    if not call.is_built and sizes[0] != sizes[1]:
        call.refuse(
            OPEN_DIMENSION if None in sizes else SHAPE_MISMATCH,
            f"`Dot` sums over axes of one size, but those of {call.received} are {size_text(sizes[0])} and "
            f"{size_text(sizes[1])}",
            argument="axes",
            expected="axes of one size",
            help="give the input its size"
            if None in sizes
            else "choose axes of one size: `axes: [1, 2]` are axis 1 of the first tensor and axis 2 of the second",
        )
    call.build()
    left, right = without(first.shape, places[0]), without(second.shape, places[1])
    if not right:
        _refuse_dot_axis(call, chosen[1], second)
    result = (*left, *right[1:])
    return call.output(result if len(result) != 1 else (*result, 1))


def _refuse_dot_axis(call: Call, axis: int, tensor: Tensor) -> NoReturn:
    expected = f"an axis from 1 to {tensor.rank - 1}" if tensor.rank > 1 else "a tensor of more dimensions"
    call.refuse_axis("axes", axis, tensor, expected)
