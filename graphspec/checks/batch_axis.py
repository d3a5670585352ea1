"""Check that trained outputs keep the batch: Keras compares row by row with the targets, or broadcasts them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic, Label, Span
from graphspec.diagnostics.rules import LOST_BATCH
from graphspec.language.batchless import Kind, Kinds
from graphspec.language.graph import Graph, Layer, Output
from graphspec.shapes import Shapes, Tensor, infer

PROBE = 2**6 * 3**3 * 5**2 * 7 * 11 * 13 * 17 * 19
"""A batch that divides by most sizes and is none of them, so that a reshaped batch shows in its size."""


def check_batch_axis(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every trained output whose first dimension is not the batch."""
    kinds = Kinds(context.graph)
    trained = [
        each
        for each in context.graph.outputs.values()
        if each.loss is not None and not each.is_faulty and kinds.of_node(each.name) == Kind.BATCHED
    ]
    stated = {each.batch_size for each in context.graph.inputs.values() if each.batch_size is not None}
    if context.settings is None or not trained or len(stated) > 1:
        return
    shapes, batch = context.shapes, next(iter(stated), None)
    if any(_may_move_batch(layer) for layer in context.layers):
        batch = batch or PROBE
        shapes = infer(context.graph, batch=batch)
    known = {each.span for each in context.shapes.findings}
    for output in trained:
        rows = _rows(shapes, context.graph, output.name)
        if output.span not in known and rows is not None and rows != batch:
            yield _lost(context, output, rows, shapes=shapes, batch=batch)


def _may_move_batch(layer: Layer) -> bool:
    return layer.is_operation or (layer.class_name == "Concatenate" and layer.arguments.get("axis") == 0)


def _rows(shapes: Shapes, graph: Graph, name: str) -> int | None:
    """Return the first size of the tensor `name`, 0 for a single number; None if unknown."""
    tensor = shapes.of(graph, name)
    if not isinstance(tensor, Tensor):
        return None
    return tensor.shape[0] if tensor.shape else 0


def _lost(context: CheckContext, output: Output, rows: int, *, shapes: Shapes, batch: int | None) -> Diagnostic:
    share = Fraction(rows, PROBE)
    if not rows:
        what = "is a single number"
    elif batch == PROBE and rows >= 1_000 and share.denominator < 1_000:  # else it is a size that the spec states
        samples = "each sample" if share.denominator == 1 else f"{share.denominator} samples"
        what = f"has {share.numerator} rows for {samples}"
    else:
        of = f"{batch}" if batch not in (None, PROBE) else "any size"
        what = f"has {rows:,} {'row' if rows == 1 else 'rows'} for a batch of {of}"
    place = _place(context.graph, output, shapes, batch)
    return Diagnostic(
        LOST_BATCH,
        f"the output `{output.name}` {what}, so it cannot be compared with the targets",
        output.span,
        expected="one row for each sample, along axis 0",
        help="axis 0 is the batch, in reductions and in new shapes too: compute along the other axes, such as "
        "`ops.mean: {axis: -1}`, or keep the samples apart with the layers `Reshape` and `Flatten`",
        labels=(Label(place, "the batch is lost here"),) if place is not None else (),
    )


def _place(graph: Graph, output: Output, shapes: Shapes, batch: int | None) -> Span | None:
    """Return the first step on the way to `output` whose result does not have the batch; None if it is elsewhere."""
    node = output.node
    while True:
        results = shapes.calls.get(id(graph), {}).get(node.name, [])
        for step, result in zip(node.steps, results, strict=False):
            if isinstance(result, Tensor) and (not result.shape or result.shape[0] != batch):
                found, is_first = step.span, step is node.steps[0]
                break
        else:
            found, is_first = None, True
        source = node.feed.single if is_first else None
        if source is None or source.name not in graph.nodes or source.index is not None or source.output is not None:
            return found
        if _rows(shapes, graph, source.name) in (None, batch):
            return found
        node = graph.nodes[source.name]
