"""How the shapes of several tensors become one: broadcasting, aligned at the last dimension, with sizes left open."""

from __future__ import annotations

from graphspec.shapes.tensor import Shape, Size


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
