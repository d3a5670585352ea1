"""Call arguments that Keras overrides without a word."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import Subject
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import IGNORED_TRAINING


def check_calls(subject: Subject) -> Iterator[Diagnostic]:
    """Every `training` of a call, of the graph and the models in it.

    A functional model hands its own `training` on to each of its layers, over what the call said: true in `fit`, false
    in `evaluate` and `predict`.
    """
    graph = subject.graph
    for body in (graph, *graph.models()):
        for node in body.nodes.values():
            for step in node.steps:
                if step.call.get("training") is not None:
                    yield Diagnostic(
                        IGNORED_TRAINING,
                        f"`training` of the call in `{node.label}` has no effect: Keras calls every layer of a model "
                        "with true in training, otherwise with false",
                        step.span,
                        expected="a call without `training`",
                        help="leave it out; `freeze` under `training` keeps weights unchanged, and a frozen "
                        "BatchNormalization works as in prediction",
                    )
