"""Check of custom objects, which only a plugin can register."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import UNREGISTERED
from graphspec.language.graph import ObjectLayer
from graphspec.language.objects import Object
from graphspec.language.traversal import every_plugin


def check_plugins(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every custom object of a spec without plugins."""
    graph, training = context.graph, context.training
    if next(every_plugin(graph), None) is not None:
        return
    objects: list[object] = [layer.object for layer in context.layers if isinstance(layer, ObjectLayer)]
    for output in graph.outputs.values():
        objects += [output.loss, *output.metrics, *output.weighted_metrics]
    if training is not None:
        objects += [training.optimizer, *training.callbacks]
    waiting = deque(objects)
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
