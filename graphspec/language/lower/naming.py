"""Name layers for Keras. The rule is stable, because weights are matched by these names.

The last fresh layer of a node, or the weight that it begins with, has the node's name; others are
`<node>_<layer_in_snake_case>`, numbered like Keras does where they repeat: `deep_dense`, `deep_dense_1`. An explicit
`name` argument takes precedence, and declared layers keep their own names. Keras names outputs after their last layers,
so that two outputs that end in a shared layer would collide: an output that does not end in a layer of its own name
gets an `Identity`. Where a graph has losses, the first output ends in the `Identity` that takes them in, and its last
layer is named like an earlier one.

An operation has no weights and never takes a node's name. It is named like an earlier step, but after all layers, so
that it does not change their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import BAD_NAME, LAYER_NAME_CLASH
from graphspec.language.graph import Graph, KerasLayer, Layer, Node, ObjectLayer, Step, wrapped_layers
from graphspec.language.objects import Object


def snake_case(class_name: str) -> str:
    """Return `batch_normalization` for `BatchNormalization`, as Keras names layers without a `name`."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", class_name)).lower()


def name_layers(graph: Graph, report: Report) -> None:
    """Name every layer of `graph`, and end every output in a layer of its name."""
    for name in graph.outputs:
        if not graph.nodes[name].is_faulty:
            _end_in_own_layer(graph.nodes[name])
    taken: dict[str, Span] = {name: each.span for name, each in graph.inputs.items()}
    shared = [step.layer for node in graph.nodes.values() for step in node.steps if not step.fresh]
    for layer in dict.fromkeys(shared):
        layer.name = _explicit(layer, report) or layer.name
        _take(layer.name, layer, taken, report)
    anchored = graph.anchor.name if graph.anchor is not None else ""
    if graph.anchor is not None:
        _take(anchored, graph.anchor, taken, report)
    fresh: dict[str, list[Layer]] = {}
    for node in graph.nodes.values():
        fresh.setdefault(node.label, []).extend(
            step.layer for step in node.steps if step.fresh and not step.layer.is_operation
        )
    waiting: list[tuple[str, Layer]] = []
    for label, layers in fresh.items():
        named = _named_layer(label, layers, graph) if layers and label != anchored else None
        for layer in layers:
            layer.name = _explicit(layer, report) or (label if layer is named else "")
            if layer.name:
                _take(layer.name, layer, taken, report)
            else:
                waiting.append((label, layer))
    counts: dict[str, int] = {}
    for label, layer in waiting:
        layer.name = _next_free(f"{label}_{snake_case(layer.type_name)}", taken, counts)
        taken[layer.name] = layer.span
    for node in graph.nodes.values():
        for layer in (step.layer for step in node.steps if step.layer.is_operation):
            layer.name = _next_free(f"{node.label}_{layer.type_name.rpartition('.')[2]}", taken, counts)
            taken[layer.name] = layer.span
    for layer in graph.called_layers():
        _name_wrapped(layer, report)


def _named_layer(label: str, layers: list[Layer], graph: Graph) -> Layer:
    """Return the layer of a node that bears its name: its weight, or else the last. That of an output is the last."""
    weight = next((each for each in layers if isinstance(each, KerasLayer) and each.weight is not None), None)
    return weight if weight is not None and label not in graph.outputs else layers[-1]


def _end_in_own_layer(node: Node) -> None:
    """Append an `Identity` unless the last layer of the output gets the output's name."""
    last = node.steps[-1] if node.steps else None
    layer = last.layer if last is not None and last.fresh else None
    if isinstance(layer, KerasLayer) and layer.arguments.get("name", node.name) == node.name:
        return
    identity = Object("layers", "Identity", {}, node.span)
    node.steps.append(Step(KerasLayer(object=identity, span=node.span), node.span))


def _explicit(layer: Layer, report: Report) -> str | None:
    """Return the `name` argument of the layer, None after a diagnostic or without one."""
    name = layer.arguments.get("name") if isinstance(layer, ObjectLayer) else None
    if name is not None and (not isinstance(name, str) or not name or "/" in name):
        report.add(
            BAD_NAME,
            f"`{name}` is not a valid layer name",
            layer.span,
            expected="a string without `/`, which Keras uses for paths",
        )
        return None
    return name


def _take(name: str, layer: Layer, taken: dict[str, Span], report: Report) -> None:
    if name in taken and taken[name] == layer.span:
        report.add(
            LAYER_NAME_CLASH,
            f"`repeat` creates several layers, which would all be named `{name}`",
            layer.span,
            expected="a layer without `name`",
            help="remove `name`: each layer then gets the name of its node and a number",
        )
    elif name in taken:
        report.add(
            LAYER_NAME_CLASH,
            f"two layers would be named `{name}`",
            layer.span,
            expected="a layer with a unique name",
            help="rename the node, or set another `name` on one layer; Keras finds weights by these names",
            labels=[Label(taken[name], "the other one")],
        )
    taken.setdefault(name, layer.span)


def _next_free(stem: str, taken: Iterable[str], counts: dict[str, int]) -> str:
    """Return the first of `stem`, `stem_1`, `stem_2`, ... that is not taken."""
    number = counts.get(stem, 0)
    name = stem if number == 0 else f"{stem}_{number}"
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    counts[stem] = number + 1
    return name


def _name_wrapped(layer: Layer, report: Report) -> None:
    """Name the layers inside a wrapper after their class alone. Their paths contain the wrapper's name."""
    for inner in wrapped_layers(layer):
        if not inner.name:
            inner.name = _explicit(inner, report) or snake_case(inner.type_name)
