"""How windows — kernels, pools — turn the sizes of dimensions into others, and how layers write their sizes.

The formulas are those of `keras/src/ops/operation_utils.py` (`compute_conv_output_shape`,
`compute_pooling_output_shape`) and `keras/src/backend/common/backend_utils.py` (transposed convolutions).
"""

from __future__ import annotations

from typing import Any

from graphspec.shapes.call import Unreadable
from graphspec.shapes.tensor import Shape, Size


def whole(value: Any, *, least: int = 1) -> int:
    """An integer that is not less than `least`. Unreadable where it is none."""
    if not isinstance(value, int) or value < least:
        raise Unreadable
    return value


def each(value: Any, count: int, *, least: int = 1) -> tuple[int, ...]:
    """A size per dimension: one integer for all, or a list of `count`. Unreadable where it is neither."""
    listed = [value] * count if isinstance(value, int) else value
    if not isinstance(listed, list | tuple) or len(listed) != count:
        raise Unreadable
    return tuple(whole(size, least=least) for size in listed)


def pairs(value: Any, count: int, *, least: int = 0) -> tuple[tuple[int, int], ...]:
    """What is added or taken at the two ends of each dimension: one integer for all, or a list with one or two each."""
    listed = [value] * count if isinstance(value, int) else value
    if not isinstance(listed, list | tuple) or len(listed) != count:
        raise Unreadable
    ends = (each(item, 2, least=least) for item in listed)
    return tuple((before, after) for before, after in ends)


def reach(kernel: int, dilation: int = 1) -> int:
    """How many steps a kernel covers, from its first to its last: without padding, a dimension needs as many."""
    return dilation * (kernel - 1) + 1


def windows(size: Size, covers: int, stride: int, *, padded: bool) -> Size:
    """How many windows that each cover so many steps fit, one every `stride` steps; below 1 where none does.

    padded: the dimension is filled up so that a window starts at every stride, as `same` and `causal` do.
    """
    if size is None:
        return None
    return (size - 1) // stride + 1 if padded else (size - covers) // stride + 1


def spread(size: Size, covers: int, stride: int, extra: int | None, *, padded: bool) -> Size:
    """What a transposed convolution makes of a dimension. extra: `output_padding`; None lets Keras choose."""
    if size is None:
        return None
    if not padded:
        return (size - 1) * stride + covers + (max(stride - covers, 0) if extra is None else extra)
    return size * stride if extra is None else (size - 1) * stride + covers % 2 + extra


def normal(axis: int, rank: int) -> int | None:
    """The axis counted from the front; None where a tensor of `rank` has no such axis."""
    if not -rank <= axis < rank:
        return None
    return axis % rank


def there_are(rank: int) -> str:
    """The axes of a tensor of `rank`, for people."""
    return f"an axis from {-rank} to {rank - 1}" if rank else "a tensor with dimensions"


def without(shape: Shape, axis: int) -> Shape:
    """The shape without one dimension, counted from the front."""
    return shape[:axis] + shape[axis + 1 :]


def replaced(shape: Shape, axis: int, size: int | None) -> Shape:
    """The shape with another size at an axis, counted from the front."""
    return (*shape[:axis], size, *shape[axis + 1 :])


def broadcast(*shapes: Shape) -> Shape | None:
    """The shape of an elementwise result; None where two sizes do not fit. A known size wins over an open one."""
    result: Shape = ()
    for shape in shapes:
        rank = max(len(result), len(shape))
        pairs = list(zip(_widened(result, rank), _widened(shape, rank), strict=True))
        if any(one != other and 1 not in (one, other) and None not in (one, other) for one, other in pairs):
            return None
        result = tuple(_common(one, other) for one, other in pairs)
    return result


def _widened(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank - len(shape)) + shape


def _common(one: Size, other: Size) -> Size:
    if one == 1 or (one is None and other != 1):
        return other
    return one


def agree(one: Shape, other: Shape) -> bool:
    """Whether two shapes are one, open sizes taken for any."""
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def concatenated(shapes: list[Shape], axis: int) -> Shape | None:
    """The shape of tensors put one after the other along `axis`, counted from the front; None where they do not fit.

    Each is held against the first alone, whose other sizes the result has: so Keras does.
    """
    first = shapes[0]
    for shape in shapes[1:]:
        others = [
            (one, other)
            for number, (one, other) in enumerate(zip(first, shape, strict=False))
            if number != axis and None not in (one, other)
        ]
        if len(shape) != len(first) or any(one != other for one, other in others):
            return None
    along = [shape[axis] for shape in shapes]
    total = None if None in along else sum(size for size in along if size is not None)
    return (*first[:axis], total, *first[axis + 1 :])
