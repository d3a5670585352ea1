"""Operations that make dimensions longer: by repeating what is there, or by padding."""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.shapes.call import Call, product
from graphspec.shapes.ops.arguments import axis, integers, one_or_more
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.sizes import replaced
from graphspec.shapes.tensor import Tensor, Value


@operation("tile")
def tile(call: Call) -> Value:
    """The whole several times over along each dimension; missing dimensions and numbers are 1, in front."""
    incoming, repeats = tensor(call, "x"), one_or_more(call, "repeats")
    rank = max(incoming.rank, len(repeats))
    shape = (1,) * (rank - incoming.rank) + incoming.shape
    repeats = [1] * (rank - len(repeats)) + repeats
    times = zip(shape, repeats, strict=True)
    return Tensor(tuple(None if size is None else size * number for size, number in times), incoming.dtype)


@operation("repeat")
def repeat(call: Call) -> Value:
    """Each element several times over, along an axis or of all in one dimension."""
    incoming, repeats = tensor(call, "x"), one_or_more(call, "repeats")
    flat = call["axis"] is None
    number = 0 if flat else axis(call, "axis", incoming.rank)
    shape = (product(incoming.shape),) if flat else incoming.shape
    size = shape[number]
    if size is None:
        return Tensor(shape, incoming.dtype)
    if len(repeats) not in (1, size):
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.repeat` is told how often for {len(repeats)} elements, and there are {size}",
            argument="repeats",
            expected=f"a number, or a list of {size}",
            help="one number repeats every element as often",
        )
    total = size * repeats[0] if len(repeats) == 1 else sum(repeats)
    return Tensor(replaced(shape, number, total), incoming.dtype)


@operation("pad")
def pad(call: Call) -> Value:
    """Something added before and after each dimension; open ones stay open."""
    incoming, pads = tensor(call, "x"), _pads(call, call["pad_width"])
    pads = pads * incoming.rank if len(pads) == 1 else pads
    if len(pads) != incoming.rank:
        call.refuse(
            SHAPE_MISMATCH,
            f"`pad_width` holds pads for {len(pads)} dimensions, and {incoming} has {incoming.rank}",
            argument="pad_width",
            expected=f"{incoming.rank} pairs, one for each dimension, or one for all",
            help="the batch counts: write [0, 0] for it",
        )
    ends = list(zip(incoming.shape, pads, strict=True))
    if any(size is not None and len(each) < 2 for size, each in ends):
        _not_pairs(call)
    shape = tuple(None if size is None else size + each[0] + each[1] for size, each in ends)
    return Tensor(shape, incoming.dtype)


def _pads(call: Call, stated: Any) -> list[list[int]]:
    """What is added before and after each dimension, or once for all."""
    if isinstance(stated, int):
        return [[stated, stated]]
    if not isinstance(stated, list | tuple) or not stated:
        _not_pairs(call)
    if isinstance(stated[0], int):
        return [integers(call, "pad_width")]
    for each in stated:
        whole = isinstance(each, list | tuple) and all(isinstance(item, int) for item in each)
        if not whole or len(each) == 1 or len(each) != len(stated[0]):
            _not_pairs(call)
    return [list(each) for each in stated]


def _not_pairs(call: Call) -> None:
    call.refuse(
        UNFIT_ARGUMENT,
        "`pad_width` of `ops.pad` is no list of pairs",
        argument="pad_width",
        expected="a pair for each dimension: what is added before it, and after",
        help="for example `[[0, 0], [1, 1]]`; the first pair is of the batch",
    )
