"""Operations that change the dtype alone, or fill a shape with new values."""

from __future__ import annotations

from graphspec.diagnostics.rules import SHAPE_MISMATCH, WRONG_DTYPE
from graphspec.shapes.call import Call
from graphspec.shapes.ops.arguments import dtype, sizes
from graphspec.shapes.ops.operands import tensor, traced
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.promotion import FLOAT
from graphspec.shapes.tensor import Tensor, Value


@operation("cast", "saturate_cast")
def cast(call: Call) -> Value:
    """The dtype that is stated; null is a float."""
    return Tensor(tensor(call, "x").shape, dtype(call, FLOAT))


@operation("array", "convert_to_tensor", "empty_like", "full_like", "ones_like", "zeros_like")
def like(call: Call) -> Value:
    """A tensor of the same shape, in its dtype or the one stated."""
    incoming = tensor(call, "x")
    return Tensor(incoming.shape, dtype(call, incoming.dtype))


@operation("full")
def full(call: Call) -> Value:
    """A tensor of the shape stated."""
    traced(call, "fill_value")
    return Tensor(sizes(call, "shape"), dtype(call, FLOAT))


@operation("view")
def view(call: Call) -> Value:
    """The same bytes read as another dtype: the last dimension grows or shrinks with its width."""
    incoming = tensor(call, "x")
    wanted = dtype(call, incoming.dtype) or incoming.dtype
    old, new = _bytes(call, incoming.dtype), _bytes(call, wanted)
    if old == new:
        return Tensor(incoming.shape, wanted)
    if not incoming.shape or (incoming.shape[-1] is not None and incoming.shape[-1] * old % new):
        call.refuse(
            SHAPE_MISMATCH,
            f"{incoming} of {incoming.dtype} cannot be read as {wanted}",
            argument="dtype",
            expected=f"a last dimension whose {old} bytes each fill whole numbers of {new} bytes",
            help=f"`ops.cast: {wanted}` converts the numbers",
        )
    last = incoming.shape[-1]
    return Tensor((*incoming.shape[:-1], None if last is None else last * old // new), wanted)


def _bytes(call: Call, name: str) -> int:
    """How many bytes a number of the dtype takes. Refuses text, which has no such number."""
    if name == "string":
        call.refuse(
            WRONG_DTYPE,
            "`ops.view` reads the bytes of numbers, and not of text",
            expected="a dtype of numbers",
            help="the layer `StringLookup` makes numbers of text",
        )
    bits = 8 if name == "bool" else int("".join(filter(str.isdigit, name.partition("_")[0])))
    return bits // 8
