"""The tensors that a nested model is applied to, as its inputs take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphspec.diagnostics import Label
from graphspec.diagnostics.rules import MODEL_INPUTS, SHAPE_MISMATCH
from graphspec.diagnostics.shape_text import shape_text
from graphspec.diagnostics.suggest import one_of
from graphspec.language.graph import Graph, Input
from graphspec.shapes.call import Refusal
from graphspec.shapes.sizes import compatible
from graphspec.shapes.tensor import UNKNOWN, Shape, Tensor, Value, is_known


def refuse_others(model: str, inputs: Sequence[str], value: Any) -> None:
    """Refuse anything but exactly the inputs of a model that is declared elsewhere; Keras would mix up others.

    Args:
        model: The name of the model.
        inputs: The names of its inputs.
        value: What it is applied to: one tensor, a list, or a mapping by names; not UNKNOWN.

    Raises:
        Refusal: There are others, fewer or more.
    """
    count = len(value) if isinstance(value, list | tuple | dict) else 1
    if count == len(inputs) and (not isinstance(value, dict) or set(value) == set(inputs)):
        return
    form = ", ".join(f"{name}: ..." for name in inputs)
    raise Refusal(
        MODEL_INPUTS,
        f"the model `{model}` does not get exactly its inputs",
        expected=f"its {'input' if len(inputs) == 1 else 'inputs'} {one_of(inputs)}",
        help=f"write `from: {{{form}}}`" if len(inputs) > 1 else "apply it to one tensor: `from: name`",
    )


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
