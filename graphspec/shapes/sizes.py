"""How windows — kernels, pools — turn the sizes of dimensions into others, and how layers write their sizes.

The formulas are those of `keras/src/ops/operation_utils.py` (`compute_conv_output_shape`,
`compute_pooling_output_shape`) and `keras/src/backend/common/backend_utils.py` (transposed convolutions).
"""

from __future__ import annotations

from typing import Any

from graphspec.shapes.call import Unreadable
from graphspec.shapes.tensor import Size


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
