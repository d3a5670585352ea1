"""Check of the losses that a graph computes: one number, or one a sample, of floats, which nothing takes in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphspec.checks.batch_axis import PROBE
from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import BAD_LOSS, NO_GRADIENT
from graphspec.diagnostics.shape_text import shape_text
from graphspec.language.graph import Graph, GraphLoss
from graphspec.shapes import UNKNOWN, Shapes, Tensor, infer
from graphspec.shapes.tensor import Value


def check_graph_losses(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every loss of the graph that training cannot add to the total, and every use of one."""
    graph = context.graph
    if not graph.losses:
        return
    for node in graph.nodes.values():
        for reference in node.references():
            if reference.name in graph.losses and not graph.losses[reference.name].node.is_faulty:
                yield Diagnostic(
                    BAD_LOSS,
                    f"`{reference.name}` is a loss, which no tensor is computed from",
                    reference.span,
                    expected="the name of an input, a node or an output",
                    help="compute the value in a node of `graph`, and take that in here and in the loss",
                    labels=(Label(graph.losses[reference.name].span, "the loss"),),
                )
    stated = {each.batch_size for each in graph.inputs.values() if each.batch_size is not None}
    if len(stated) < 2:
        batch = next(iter(stated), PROBE)
        shapes = infer(graph, batch=batch)
        for loss in graph.losses.values():
            value = value_of(loss, graph, shapes) if not loss.node.is_faulty else UNKNOWN
            if isinstance(value, Tensor):
                yield from unfit_loss(loss, value.shape, value.dtype, batch)
            elif not loss.node.is_faulty and isinstance(value := value_of(loss, graph, context.shapes), Tensor):
                yield from unfit_loss(loss, value.shape, value.dtype)  # operands fit for no batch but one of their size
            elif isinstance(value, list | dict):
                yield _bad(loss, f"{len(value)} tensors", "compute it from one of them, such as `from: node[0]`")


def value_of(loss: GraphLoss, graph: Graph, shapes: Shapes) -> Value:
    """Return what the spec writes for a loss, before its mean."""
    steps = len(loss.node.steps) - loss.ending
    results = shapes.calls.get(id(graph), {}).get(loss.node.name, [])
    if steps:
        return results[steps - 1] if len(results) >= steps else UNKNOWN
    source = loss.node.feed.single
    if source is None:
        return [UNKNOWN] * len(loss.node.feed)
    value = shapes.of(graph, source.name)
    if isinstance(value, list) and source.index is not None and source.index < len(value):
        return value[source.index]
    if isinstance(value, dict) and source.output is not None:
        return value.get(source.output, UNKNOWN)
    return value if not source.is_selection else UNKNOWN


def unfit_loss(
    loss: GraphLoss, shape: Sequence[int | None], dtype: str, batch: int | None = None
) -> Iterator[Diagnostic]:
    """Report a loss by the shape and dtype of its tensor.

    Args:
        loss: the loss.
        shape: shape of its tensor, with the batch.
        dtype: dtype of its tensor.
        batch: size of the batch in `shape`.
    """
    if not dtype.startswith(("float", "bfloat")):
        held = {"string": "text", "bool": "truth values"}.get(dtype, f"whole numbers ({dtype})")
        yield Diagnostic(
            NO_GRADIENT,
            f"the loss `{loss.node.name}` holds {held}, through which no gradient passes",
            loss.span,
            expected="a loss of floats",
            help="compute it from tensors of floats, without comparisons and roundings",
        )
    elif shape and (shape[0] != batch or any(size != 1 for size in shape[1:])):
        shown = tuple(None if size == PROBE else size for size in shape)
        help = (
            "average over all axes but the batch, such as `ops.mean: {axis: -1}`; `ops.mean` is one number of a batch"
        )
        if shape[0] != batch:
            help = "average over all axes: `ops.mean`"
        yield _bad(loss, f"a tensor of shape {shape_text(shown)}", help)


def _bad(loss: GraphLoss, found: str, help: str) -> Diagnostic:
    return Diagnostic(
        BAD_LOSS,
        f"the loss `{loss.node.name}` is {found}",
        loss.span,
        expected="one number, or one a sample: shape (), (batch) or (batch, 1)",
        help=help,
    )
