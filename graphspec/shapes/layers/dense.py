"""Layers that multiply the last dimension by a matrix of their own."""

from __future__ import annotations

from graphspec.diagnostics.rules import OPEN_DIMENSION, SHAPE_MISMATCH, WRONG_RANK
from graphspec.shapes.call import Call, layer
from graphspec.shapes.layers.embedding import refuse_lora_beside
from graphspec.shapes.tensor import Value


@layer("Dense")
def dense(call: Call) -> Value:
    """(..., features) → (..., units)."""
    tensor = call.tensor()
    refuse_lora_beside(call, "kernel_constraint")
    if tensor.rank < 2:
        call.refuse(WRONG_RANK, f"`Dense` takes tensors of two dimensions or more, batch and features, not {tensor}")
    last = tensor.shape[-1]
    if last is None and not call.facts:
        call.refuse(
            OPEN_DIMENSION,
            f"`Dense` needs to know the size of the last dimension, and what comes in is {tensor}",
            expected="a last dimension of known size",
            help="give the input its number of features, a layer that looks words up its `vocabulary`, or pool over "
            "the open dimension first",
        )
    built = call.once(last=last)["last"]
    if last is not None and built != last:
        call.refuse(
            SHAPE_MISMATCH,
            f"`Dense` was first applied to {built} features and is now given {last}",
            expected=f"{built} features",
            help="a shared layer takes inputs of one size: declare another layer, or make the sizes equal",
        )
    return call.gives((*tensor.shape[:-1], call["units"]))
