"""Arithmetic of sizes: windows of kernels and pools, axes, broadcasting; and how layers write sizes.

The formulas are those of `keras/src/ops/operation_utils.py` (`compute_conv_output_shape`,
`compute_pooling_output_shape`) and `keras/src/backend/common/backend_utils.py` (transposed convolutions).
"""

from __future__ import annotations

from typing import Any

from graphspec.shapes.call import Unreadable
from graphspec.shapes.tensor import Shape, Size


def whole(value: Any, *, least: int = 1) -> int:
    """Return an integer that is at least `least`. Raises Unreadable for anything else."""
    if not isinstance(value, int) or value < least:
        raise Unreadable
    return value


def per_dimension(value: Any, count: int, *, least: int = 1) -> tuple[int, ...]:
    """Return a size for each dimension from one integer, or from a list of `count`. Raises Unreadable."""
    listed = [value] * count if isinstance(value, int) else value
    if not isinstance(listed, list | tuple) or len(listed) != count:
        raise Unreadable
    return tuple(whole(size, least=least) for size in listed)


def end_pairs(value: Any, count: int) -> tuple[tuple[int, int], ...]:
    """Return what is added or cut at both ends of each dimension, from one integer or a list. Raises Unreadable."""
    listed = [value] * count if isinstance(value, int) else value
    if not isinstance(listed, list | tuple) or len(listed) != count:
        raise Unreadable
    ends = (per_dimension(item, 2, least=0) for item in listed)
    return tuple((before, after) for before, after in ends)


def effective_kernel(kernel: int, dilation: int = 1) -> int:
    """Return how many steps a dilated kernel covers: without padding, a dimension needs as many."""
    return dilation * (kernel - 1) + 1


def window_count(size: Size, covers: int, stride: int, *, padded: bool) -> Size:
    """Return how many windows fit into a dimension; below 1 where none does.

    Args:
        size: the size of the dimension.
        covers: steps that a window covers.
        stride: steps between windows.
        padded: a window starts at every stride, as with the paddings `same` and `causal`.
    """
    if size is None:
        return None
    return (size - 1) // stride + 1 if padded else (size - covers) // stride + 1


def transposed_size(size: Size, covers: int, stride: int, output_padding: int | None, *, padded: bool) -> Size:
    """Return the size of a dimension after a transposed convolution; without `output_padding`, Keras chooses it."""
    if size is None:
        return None
    if not padded:
        return (size - 1) * stride + covers + (max(stride - covers, 0) if output_padding is None else output_padding)
    return size * stride if output_padding is None else (size - 1) * stride + covers % 2 + output_padding


def without(shape: Shape, axis: int) -> Shape:
    """Return the shape without one dimension, counted from the front."""
    return shape[:axis] + shape[axis + 1 :]


def with_size(shape: Shape, axis: int, size: Size) -> Shape:
    """Return the shape with another size at an axis, counted from the front."""
    return (*shape[:axis], size, *shape[axis + 1 :])


def broadcast(*shapes: Shape) -> Shape | None:
    """Return the shape of an elementwise result; None where sizes differ. A known size wins over an unknown one."""
    result: Shape = ()
    for shape in shapes:
        rank = max(len(result), len(shape))
        pairs = list(zip(_widened(result, rank), _widened(shape, rank), strict=True))
        if any(one != other and 1 not in (one, other) and None not in (one, other) for one, other in pairs):
            return None
        result = tuple(other if one == 1 or (one is None and other != 1) else one for one, other in pairs)
    return result


def keeps_shape(shape: Shape, *others: Shape) -> bool:
    """Return whether a tensor of `shape` may broadcast with `others` and keep its shape; unknown sizes fit any."""
    result = broadcast(shape, *others)
    return result is not None and compatible(result, shape)


def _widened(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank - len(shape)) + shape


def compatible(one: Shape, other: Shape) -> bool:
    """Return whether two shapes may be equal: unknown sizes match any."""
    return len(one) == len(other) and not any(map(differ, one, other))


def differ(one: Size, other: Size) -> bool:
    """Return whether two sizes are known and not equal."""
    return one is not None and other is not None and one != other


def concatenated(shapes: list[Shape], axis: int) -> Shape | None:
    """Return the shape of tensors concatenated along `axis`, counted from the front; None where they do not fit.

    As in Keras, each is compared with the first alone, whose other sizes the result has.
    """
    first = shapes[0]
    for shape in shapes[1:]:
        others = zip(without(first, axis), without(shape, axis), strict=False)
        if len(shape) != len(first) or any(differ(*pair) for pair in others):
            return None
    along = [shape[axis] for shape in shapes]
    return with_size(first, axis, None if None in along else sum(size for size in along if size is not None))
