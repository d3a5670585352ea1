"""Layers that look up a vector for every number."""

from __future__ import annotations

from graphspec.diagnostics.rules import UNFIT_ARGUMENT
from graphspec.shapes.call import Call, layer
from graphspec.shapes.tensor import Value


@layer("Embedding")
def embedding(call: Call) -> Value:
    """(...) → (..., output_dim)."""
    tensor = call.tensor()
    refuse_lora_beside(call, "embeddings_constraint")
    return call.gives((*tensor.shape, call["output_dim"]))


@layer("ReversibleEmbedding")
def reversible_embedding(call: Call) -> Value:
    """(...) → (..., output_dim); in reverse (..., output_dim) → (..., input_dim)."""
    tensor = call.tensor()
    refuse_lora_beside(call, "embeddings_constraint")
    if call.keywords.get("reverse"):
        return call.gives((*tensor.shape[:-1], call["input_dim"]))
    return call.gives((*tensor.shape, call["output_dim"]))


def refuse_lora_beside(call: Call, constraint: str) -> None:
    """Refuse a constraint of weights that `lora_rank` replaces."""
    if call["lora_rank"] and call[constraint] is not None:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` has both `lora_rank` and `{constraint}`",
            argument="lora_rank",
            expected="one of the two",
            help="LoRA freezes the weights that the constraint is for: leave one out",
        )
