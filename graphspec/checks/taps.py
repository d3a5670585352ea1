"""Check of the inner layers that the model of a file is tapped at, which the file tells."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic, Span
from graphspec.diagnostics.rules import BAD_TAP
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.graph import ExternalModel
from graphspec.language.traversal import every_layer
from graphspec.shapes.saved import layers_of, read_saved


def check_taps(context: CheckContext) -> Iterator[Diagnostic]:
    """Report each tap of a saved model that is no layer of it."""
    for layer in every_layer(context.graph):
        if not isinstance(layer, ExternalModel) or not layer.taps:
            continue
        graph = read_saved(layer)
        known = layers_of(graph) if graph is not None else []
        for tap in layer.taps if graph is not None else ():
            if tap.text not in known:
                yield no_such_layer(tap.text, known, layer.source, tap.span)


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
