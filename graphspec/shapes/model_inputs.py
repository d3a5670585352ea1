"""The tensors that a nested model is applied to, as its inputs take them."""

from __future__ import annotations

from graphspec.diagnostics import Label
from graphspec.diagnostics.rules import SHAPE_MISMATCH
from graphspec.diagnostics.shape_text import shape_text
from graphspec.language.graph import Graph, Input
from graphspec.shapes.call import Refusal
from graphspec.shapes.sizes import compatible
from graphspec.shapes.tensor import UNKNOWN, Shape, Tensor, Value, is_known


def by_input(graph: Graph, value: Value) -> dict[str, Value] | None:
    """Return the tensor for each input of the model; None where they do not match, or are unknown."""
    if isinstance(value, dict):
        listed = list(value.values())
        by_name = value if set(value) == set(graph.inputs) else None
    else:
        listed = value if isinstance(value, list) else [value]
        by_name = None
    if not is_known(value) or len(listed) != len(graph.inputs):
        return None
    return by_name if by_name is not None else dict(zip(graph.inputs, listed, strict=True))


def cast_input(graph: Graph, declared: Input, tensor: Value) -> Value:
    """Return a tensor as an input of a model casts it. Refuses another shape.

    Keras itself accepts a last dimension of 1 that is missing or extra, and then returns other shapes than it inferred.
    """
    if not isinstance(tensor, Tensor):
        return UNKNOWN
    shape: Shape = (declared.batch_size, *declared.shape)
    if not compatible(tensor.shape, shape):
        expected = shape_text(shape)
        raise Refusal(
            SHAPE_MISMATCH,
            f"the input `{declared.name}` of the model `{graph.name}` expects {expected}, but received {tensor}",
            expected=f"a tensor of shape {expected}",
            help="make the two equal; an unknown size is written `null`",
            labels=(Label(declared.span, f"`{declared.name}` is declared {expected}"),),
        )
    return Tensor(tensor.shape, declared.dtype, tensor.mask)
