"""Check that outputs, and what models take, have a batch: what comes from no input has none."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import NO_BATCH
from graphspec.language.batchless import Kind, Kinds
from graphspec.language.graph import Graph, ModelLayer

_HELP = "join it with a tensor that has a batch, as in `from: [x, weight]` with `apply: ops.add`"


def check_batchless(context: CheckContext) -> Iterator[Diagnostic]:
    """Report each output, and each call of a model, that depends on no input."""
    for graph in context.graphs:
        kinds = Kinds(graph)
        for output in graph.outputs.values():
            if kinds.of_node(output.name) < Kind.BATCHED and not output.node.is_faulty:
                yield Diagnostic(
                    NO_BATCH,
                    f"the output `{output.name}` comes from no input, so it has no batch axis",
                    output.span,
                    expected="a tensor that depends on an input",
                    help=_HELP,
                )
        yield from _calls(graph, kinds)


def _calls(graph: Graph, kinds: Kinds) -> Iterator[Diagnostic]:
    for node in graph.nodes.values():
        for number, step in enumerate(node.steps):
            if isinstance(step.layer, ModelLayer) and max(kinds.operands(node, number)) < Kind.BATCHED:
                yield Diagnostic(
                    NO_BATCH,
                    f"the model `{step.layer.name}` takes only what comes from no input, so it gets no batch axis",
                    step.span,
                    expected="a tensor that depends on an input",
                    help=f"{_HELP}; a block works on tensors of any shape",
                )
