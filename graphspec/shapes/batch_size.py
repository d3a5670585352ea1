"""The batch size of `batch_size: auto`, by the shapes of a graph alone: the same on each machine."""

from __future__ import annotations

from math import prod

from graphspec.language.graph import Graph
from graphspec.shapes.infer import Shapes
from graphspec.shapes.tensor import Tensor, tensors

LARGEST, SMALLEST, UNKNOWN = 256, 8, 32
"""The largest and the smallest batch, and the one of a model that holds tensors of unknown shape: that of Keras."""

_MAX_BYTES = 1 << 30
"""Bytes of all tensors of a batch."""
_NUMBER = 2 * 4
"""Bytes of a number of a tensor, in the forward and in the backward pass."""
_ANY_LENGTH = 128
"""The assumed size of an axis of any length."""


def automatic_batch_size(graph: Graph, shapes: Shapes) -> int:
    """Return the largest power of two with which all tensors of a batch take no more than a GiB.

    An input that states a batch size decides it. A model with tensors of unknown shape has the default of Keras.

    Args:
        graph: The graph.
        shapes: Its shapes.
    """
    for each in graph.inputs.values():
        if each.batch_size is not None:
            return each.batch_size
    values = [shapes.of(graph, name) for name in graph.inputs]
    for body in (graph, *graph.models()):
        values += [value for calls in shapes.calls.get(id(body), {}).values() for value in calls]
    every = list(tensors(values))
    sizes = [each.shape[1:] for each in every if isinstance(each, Tensor)]
    if len(sizes) < len(every):
        return UNKNOWN
    sample = _NUMBER * sum(prod(_ANY_LENGTH if axis is None else axis for axis in size) for size in sizes)
    size = LARGEST
    while size > SMALLEST and size * sample > _MAX_BYTES:
        size //= 2
    return size
