"""What reaches no output: inputs, nodes, and declared layers that nothing applies."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import Subject
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import UNUSED


def check_unused(subject: Subject) -> Iterator[Diagnostic]:
    """Every input and node of the graph, and of the models in it, from which no way leads to an output.

    Of a chain that ends nowhere its end alone is found. A declared layer or model that nothing applies is found as
    well; what only such a one applies is not. What a block makes and a spec does not use is the block's own affair, and
    what a faulty graph would have used nobody knows.
    """
    graph = subject.graph
    if not all(body.is_whole for body in (graph, *graph.models())):
        return
    for body in (graph, *graph.models()):
        for name, span in body.unapplied.items():
            yield Diagnostic(
                UNUSED,
                f"`{name}` is declared but never applied",
                span,
                expected="a layer or model that a node applies",
                help=f"write `apply: {name}` in a node, or remove it",
            )
        reached: set[str] = set()
        waiting = list(body.outputs)
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                if name in body.nodes:
                    waiting += [reference.name for reference in body.nodes[name].references()]
        spans = {name: each.span for name, each in body.inputs.items()}
        spans |= {name: node.span for name, node in body.nodes.items() if node.span.via is None}
        lost = [node for name, node in body.nodes.items() if name not in reached]
        taken_in = {reference.name for node in lost for reference in node.references()}
        for name, span in spans.items():
            if name not in reached and name not in taken_in:
                kind = "input" if name in body.inputs else "node"
                yield Diagnostic(
                    UNUSED,
                    f"the {kind} `{name}` reaches no output",
                    span,
                    expected="something that an output depends on",
                    help=f"use `{name}` in a node, or remove it",
                )
