"""Checks of the inner layers that a model from elsewhere is tapped at, as far as they are known before it is built."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.catalog.application_layers import application
from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic, Span
from graphspec.diagnostics.rules import BAD_TAP
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.feed import Reference
from graphspec.language.graph import ExternalModel, Graph
from graphspec.language.objects import Pattern
from graphspec.shapes.applications import ends_in_layers, is_application
from graphspec.shapes.findings import no_output
from graphspec.shapes.saved import layers_of, read_saved


def check_taps(context: CheckContext) -> Iterator[Diagnostic]:
    """Report each tap that is no layer of a saved model, or of an application."""
    for model in context.layers:
        if not isinstance(model, ExternalModel) or not model.taps:
            continue
        known = _layers(model)
        for tap in model.taps if known else ():
            if tap.text not in known:
                yield no_such_layer(tap.text, known, model.source, tap.span)
            elif is_application(model) and tap.text == application(model.source).output:
                yield output_already(tap)


def check_picked(context: CheckContext) -> Iterator[Diagnostic]:
    """Report each reference to an output that a tapped application does not have."""
    for graph in context.graphs:
        for node in graph.nodes.values():
            for reference in (*node.feed.tensors, *(each for step in node.steps for each in step.references())):
                names = _outputs(graph, reference)
                if reference.output is not None and names and reference.output not in names:
                    yield no_output(reference, names)


def _outputs(graph: Graph, reference: Reference) -> list[str]:
    """Return the outputs of the tapped application behind a reference; none for anything else."""
    node = graph.nodes.get(reference.name)
    model = node.steps[-1].layer if node is not None and node.steps else None
    if not isinstance(model, ExternalModel) or not model.taps or not is_application(model) or not ends_in_layers(model):
        return []
    return [application(model.source).output, *(tap.text for tap in model.taps)]


def _layers(model: ExternalModel) -> list[str]:
    """Return the names of all layers that can be tapped; none where they are not known."""
    if is_application(model):
        return list(application(model.source).layers) if ends_in_layers(model) else []
    graph = read_saved(model)
    return layers_of(graph) if graph is not None else []


def output_already(tap: Pattern) -> Diagnostic:
    """Return the diagnostic of a tap that is an output of the model itself."""
    return Diagnostic(
        BAD_TAP,
        f"`{tap.text}` is an output of the model already",
        tap.span,
        expected="an inner layer",
        help="remove it from `taps`",
    )


def no_such_layer(name: str, known: list[str], source: str, span: Span) -> Diagnostic:
    """Return the diagnostic of a tap that is no layer of a model.

    Args:
        name: the tap.
        known: the layers that can be tapped.
        source: the file or application.
        span: where the spec names the tap.
    """
    return Diagnostic(
        BAD_TAP,
        f"there is no layer `{name}` in {source}",
        span,
        expected="the name of a layer inside the model",
        help=did_you_mean(name, known, f"it has {one_of(known, 8)}"),
    )
