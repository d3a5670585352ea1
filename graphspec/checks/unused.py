"""Check of inputs and nodes that reach no output, and of unapplied layers."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.catalog.versions import version_in_use
from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import OTHER_KERAS, UNUSED

_NEED_EVERY_INPUT = ("3.10", "3.11", "3.12", "3.13")
"""Versions of Keras that raise "`inputs` not connected to `outputs`" for an input that no layer is applied to."""


def check_unused(context: CheckContext) -> Iterator[Diagnostic]:
    """Report inputs and nodes that reach no output, and layers that are never applied.

    Nested models are checked too. Only the end of an unused chain is reported. Nodes that a block makes are not
    reported, nor is anything in a graph with wiring mistakes. An input is an error where Keras needs it taken.
    """
    if not context.is_whole:
        return
    for graph in context.graphs:
        for name, span in graph.unapplied.items():
            yield Diagnostic(
                UNUSED,
                f"`{name}` is declared but never applied",
                span,
                expected="a layer or model that a node applies",
                help=f"write `apply: {name}` in a node, or remove it",
            )
        reached: set[str] = set()
        waiting = [*graph.outputs, *graph.losses]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                if name in graph.nodes:
                    waiting += [reference.name for reference in graph.nodes[name].references()]
        spans = {name: each.span for name, each in graph.inputs.items()}
        spans |= {name: node.span for name, node in graph.nodes.items() if node.span.via is None}
        unused = [node for name, node in graph.nodes.items() if name not in reached]
        followed = {reference.name for node in unused for reference in node.references()}
        for name, span in spans.items():
            if name in reached or name in followed:
                continue
            if name in graph.inputs and version_in_use() in _NEED_EVERY_INPUT:
                yield Diagnostic(
                    OTHER_KERAS,
                    f"nothing takes the input `{name}`, and Keras {version_in_use()} builds no such model",
                    span,
                    expected="an input that a node or an output takes",
                    help=f"use `{name}` for an output, or remove it; Keras 3.9 and 3.14 build the model",
                )
            else:
                kind = "input" if name in graph.inputs else "node"
                yield Diagnostic(
                    UNUSED,
                    f"the {kind} `{name}` reaches no output",
                    span,
                    expected="something that an output depends on",
                    help=f"use `{name}` in a node, or remove it",
                )
