"""The layer that decides what the values of an output are: its activation says whether they are probabilities."""

from __future__ import annotations

from dataclasses import dataclass

from graphspec.language.graph import Graph, Node, Object, Reference

NO_PROBABILITIES = ("", "linear", "relu", "tanh", "elu", "selu", "gelu", "leaky_relu", "softplus", "swish", "silu")
_PASSED_THROUGH = ("Identity", "Dropout", "Flatten", "Reshape")


@dataclass(frozen=True)
class Head:
    """What made an output's values: the activation, empty for none, and the layer that has it."""

    activation: str
    layer: Object


def head_of(node: Node, graph: Graph) -> Head | None:
    """The last layer before the end of `node` that decides what its values are; None where that cannot be told."""
    while not node.is_faulty:
        for step in reversed(node.steps):
            what = step.layer.what
            if isinstance(what, Graph):
                inner = next(iter(what.outputs.values())) if len(what.outputs) == 1 else None
                return head_of(what.nodes[inner.name], what) if inner is not None else None
            if not isinstance(what, Object):
                return None
            if what.name not in _PASSED_THROUGH:
                return _head_of_layer(what)
        feed = node.feed
        if not isinstance(feed, Reference) or feed.index is not None or feed.name not in graph.nodes:
            return None
        node = graph.nodes[feed.name]
        if feed.output is not None:
            model = node.steps[-1].layer.what if node.steps else None
            return head_of(model.nodes[feed.output], model) if isinstance(model, Graph) else None
    return None


def _head_of_layer(layer: Object) -> Head | None:
    if layer.name == "Activation":
        return Head(_name(layer.arguments.get("activation")), layer)
    if layer.name in ("Softmax", "ops.softmax"):
        return Head("softmax", layer)
    if layer.name == "ops.sigmoid":
        return Head("sigmoid", layer)
    if layer.name == "Dense":
        return Head(_name(layer.arguments.get("activation")), layer)
    return None


def _name(activation: object) -> str:
    """An activation's name; empty for none and for one that is no plain name."""
    return activation.name if isinstance(activation, Object) else ""
