"""Layer → its name in Keras. The rule is stable, because weights are found by these names.

The last fresh layer of a node bears the node's name; earlier ones are `<node>_<layer_in_snake_case>`, numbered
where they repeat, as Keras numbers: `deep_dense`, `deep_dense_1`. An output must end in a layer of its own name —
Keras takes the names of outputs from their last layers, so two outputs that end in one shared layer would collide —
and gets an `Identity` where it does not. An explicit `name` argument wins. Declared layers bear their own names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphspec.diagnostics import Label, Report, Span
from graphspec.graph import Graph, Layer, Node, Object, Step, wrapped_layers
from graphspec.rules import BAD_NAME, LAYER_NAME_CLASH


def snake_case(class_name: str) -> str:
    """`BatchNormalization` → `batch_normalization`, as Keras names layers that are given no name."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", class_name)).lower()


def name_layers(graph: Graph, report: Report) -> None:
    """Give every layer that `graph` calls its name, and every output a last layer of the output's name."""
    for name in graph.outputs:
        _end_in_own_layer(graph.nodes[name])
    taken: dict[str, Span] = {name: each.span for name, each in graph.inputs.items()}
    shared = [step.layer for node in graph.nodes.values() for step in node.steps if not step.fresh]
    for layer in dict.fromkeys(shared):
        layer.name = _explicit(layer, report) or layer.name
        _take(layer.name, layer, taken, report)
    waiting: list[tuple[Node, Layer]] = []
    for node in graph.nodes.values():
        fresh = [step.layer for step in node.steps if step.fresh]
        for layer in fresh:
            layer.name = _explicit(layer, report) or (node.name if layer is fresh[-1] else "")
            if layer.name:
                _take(layer.name, layer, taken, report)
            else:
                waiting.append((node, layer))
    counts: dict[str, int] = {}
    for node, layer in waiting:
        layer.name = _next_free(f"{node.name}_{snake_case(layer.type_name)}", taken, counts)
        taken[layer.name] = layer.span
    for layer in dict.fromkeys(step.layer for node in graph.nodes.values() for step in node.steps):
        _name_wrapped(layer, report)


def _end_in_own_layer(node: Node) -> None:
    """Append an `Identity` to the output `node` unless its last layer is fresh and will bear the output's name."""
    last = node.steps[-1] if node.steps else None
    what = last.layer.what if last is not None and last.fresh else None
    if isinstance(what, Object) and what.arguments.get("name", node.name) == node.name:
        return
    identity = Object("layers", "Identity", {}, node.span)
    node.steps.append(Step(Layer(identity, node.span), node.span))


def _explicit(layer: Layer, report: Report) -> str | None:
    """The `name` argument that the spec gives the layer, if it does."""
    name = layer.what.arguments.get("name") if isinstance(layer.what, Object) else None
    if name is not None and (not isinstance(name, str) or not name or "/" in name):
        report.add(
            BAD_NAME,
            f"`{name}` cannot be the name of a layer",
            layer.span,
            expected="text without `/`, which Keras keeps for paths",
        )
        return None
    return name


def _take(name: str, layer: Layer, taken: dict[str, Span], report: Report) -> None:
    if name in taken and taken[name] == layer.span:
        report.add(
            LAYER_NAME_CLASH,
            f"`repeat` makes several layers, and each would be named `{name}`",
            layer.span,
            expected="a layer without `name`",
            help="leave `name` out: each layer is then named after its node and numbered",
        )
    elif name in taken:
        report.add(
            LAYER_NAME_CLASH,
            f"two layers would be named `{name}`",
            layer.span,
            expected="a layer with a name of its own",
            help="rename the node, or give one layer another `name` argument; Keras finds weights by these names",
            labels=[Label(taken[name], "the other one")],
        )
    taken.setdefault(name, layer.span)


def _next_free(stem: str, taken: Iterable[str], counts: dict[str, int]) -> str:
    """`stem`, or `stem_1`, `stem_2`, ... where it is taken."""
    number = counts.get(stem, 0)
    name = stem if number == 0 else f"{stem}_{number}"
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    counts[stem] = number + 1
    return name


def _name_wrapped(layer: Layer, report: Report) -> None:
    """Name the layers written inside a wrapper by their class alone: they are within the wrapper's own name."""
    for inner in wrapped_layers(layer):
        if not inner.name:
            inner.name = _explicit(inner, report) or snake_case(inner.type_name)
