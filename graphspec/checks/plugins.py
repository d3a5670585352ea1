"""Custom objects in a spec that names no plugin: nothing can have registered them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from graphspec.checks.context import Subject
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import UNREGISTERED
from graphspec.language.graph import Object, every_layer, every_plugin


def check_plugins(subject: Subject) -> Iterator[Diagnostic]:
    """Every custom object of a spec that names no plugin."""
    graph, training = subject.graph, subject.training
    if next(every_plugin(graph), None) is not None:
        return
    found: list[object] = [layer.what for layer in every_layer(graph)]
    for output in graph.outputs.values():
        found += [output.loss, *output.metrics, *output.weighted_metrics]
    if training is not None:
        found += [training.optimizer, *training.callbacks]
    waiting = deque(found)
    while waiting:
        each = waiting.popleft()
        if isinstance(each, list):
            waiting += each
        if not isinstance(each, Object):
            continue
        waiting += each.arguments.values()
        if ">" in each.name:
            yield Diagnostic(
                UNREGISTERED,
                f"`{each.name}` is a custom object, but this spec names no plugin",
                each.span,
                expected="an object of Keras, or `plugins` at the top of the spec",
                help="add `plugins: [...]` with the module that registers it",
            )
