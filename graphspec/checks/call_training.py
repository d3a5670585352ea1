"""Check of the call argument `training`, which Keras overrides silently."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import IGNORED_TRAINING


def check_calls(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every call with a `training` argument, in nested models too.

    A functional model passes its own `training` to each of its layers whatever the call says: true in `fit`, false in
    `evaluate` and `predict`.
    """
    for graph in context.graphs:
        for node in graph.nodes.values():
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
