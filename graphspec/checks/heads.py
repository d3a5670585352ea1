"""Heads, the last layers of outputs, whose activations tell probabilities from other values."""

from __future__ import annotations

from dataclasses import dataclass

from graphspec.language.graph import Graph, NestedModel, Node, ObjectLayer
from graphspec.language.objects import Object

NO_PROBABILITIES = ("", "linear", "relu", "tanh", "elu", "selu", "gelu", "leaky_relu", "softplus", "swish", "silu")
_PASSED_THROUGH = ("Identity", "Dropout", "Flatten", "Reshape")


@dataclass(frozen=True)
class Head:
    """The layer that computes an output's values, and its activation; empty for none."""

    activation: str
    layer: ObjectLayer


def head_of(node: Node, graph: Graph) -> Head | None:
    """Return the last layer that determines the values of `node`; None if it is unknown."""
    while not node.is_faulty:
        for step in reversed(node.steps):
            layer = step.layer
            if isinstance(layer, NestedModel):
                (inner, *others) = layer.graph.outputs
                return head_of(layer.graph.nodes[inner], layer.graph) if not others else None
            if not isinstance(layer, ObjectLayer):
                return None
            if layer.class_name not in _PASSED_THROUGH:
                return _head_of_layer(layer)
        source = node.feed.single
        if source is None or source.index is not None or source.name not in graph.nodes:
            return None
        node = graph.nodes[source.name]
        if source.output is not None:
            model = node.steps[-1].layer if node.steps else None
            if not isinstance(model, NestedModel):
                return None
            node, graph = model.graph.nodes[source.output], model.graph
    return None


def _head_of_layer(layer: ObjectLayer) -> Head | None:
    if layer.class_name in ("Activation", "Dense"):
        return Head(_name(layer.arguments.get("activation")), layer)
    if layer.class_name in ("Softmax", "ops.softmax"):
        return Head("softmax", layer)
    if layer.class_name == "ops.sigmoid":
        return Head("sigmoid", layer)
    return None


def _name(activation: object) -> str:
    """Return an activation's name; empty for none and for a custom object."""
    return activation.name if isinstance(activation, Object) else ""
