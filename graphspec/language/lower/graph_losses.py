"""Lower `losses` to layers that plain Keras saves, loads and trains.

The mean over the batch goes through a `Rescaling` by the weight, whose activity Keras adds to the loss. No regularizer
of Keras keeps a sign, so the file of a model says `L1`, the absolute value; where graphspec trains, or exported Python,
the sign is kept.
"""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics import Span
from graphspec.language.graph import GraphLoss, KerasLayer, Node, Operation, Output, Step
from graphspec.language.objects import Object
from graphspec.language.schema.model import LossModel
from graphspec.language.source_nodes import SourceNode


def read_loss(model: LossModel, node: Node, written: SourceNode | None, span: Span, *, precision: str) -> GraphLoss:
    """Return a loss of the graph.

    Args:
        model: The loss.
        node: Its node, which gets the steps that add it to the total.
        written: The node as the spec writes it, which gets them, too.
        span: The place of its name.
        precision: The dtype policy of the model; means over 16 bits are computed in 32.
    """
    loss = GraphLoss(node, span, float(model.weight))
    if not node.is_faulty:
        ending = _ending(loss, precision)
        loss.ending = len(ending)
        node.steps += ending
        if written is not None:
            written.items += ending
    return loss


def _ending(loss: GraphLoss, precision: str) -> list[Step]:
    span = loss.span
    operations: list[tuple[str, dict[str, Any]]] = [("ops.mean", {})]
    if precision != "float32":
        operations.insert(0, ("ops.cast", {"dtype": "float32"}))
    arguments = {
        "scale": loss.weight,
        "activity_regularizer": Object("regularizers", "L1", {"l1": 1.0}, span),
        **_dtype(precision),
    }
    steps = [Step(Operation(object=Object("ops", name, given, span), span=span), span) for name, given in operations]
    return [*steps, Step(KerasLayer(object=Object("layers", "Rescaling", arguments, span), span=span), span)]


def anchor_of(outputs: dict[str, Output], losses: dict[str, GraphLoss], precision: str) -> KerasLayer | None:
    """Return the layer that takes in all losses beside the first output; None without losses."""
    if not losses or not outputs:
        return None
    name, output = next(iter(outputs.items()))
    identity = Object("layers", "Identity", _dtype(precision), output.span)
    return KerasLayer(object=identity, span=output.span, name=name)


def _dtype(precision: str) -> dict[str, Any]:
    """Return the argument of layers that keep 32 bits where others compute in 16."""
    return {"dtype": "float32"} if precision != "float32" else {}
