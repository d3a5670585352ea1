"""`graphspec summary`: a graph as a table of its nodes by their names in the spec, traced without weights.

Each row is one call of one layer — what Keras' guides call a layer's node. A layer that is called several times
shares its weights, so its parameters count at its first call, and every call tells its index and with whom it shares.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from graphspec.diagnostics import Report
from graphspec.drawing import describe
from graphspec.language.graph import Graph, Layer, NestedModel, Node, Reference, wrapped_layers
from graphspec.spec import Spec
from graphspec.to_keras import Built, build_spec


@dataclass(frozen=True)
class Row:
    """One input, one other name for a tensor, or one call of one layer.

    node: its name in the spec. takes: references as the spec writes them, empty for a step after a node's first.
    shape: of the result, batch first; a list or dict of shapes where there are several. parameters: None where an
    earlier row counts them. call and calls: which call of the layer this is, of how many in this graph.
    shared_with: the other nodes that call the layer.
    """

    node: str
    layer: str
    takes: tuple[str, ...]
    shape: Any
    dtype: str
    parameters: int | None = None
    call: int = 0
    calls: int = 1
    shared_with: tuple[str, ...] = ()
    is_output: bool = False


@dataclass(frozen=True)
class Section:
    """The rows of the whole spec or of one nested model, and the models that are applied in it."""

    name: str
    rows: tuple[Row, ...]
    parameters: int
    models: tuple[Section, ...]


@dataclass(frozen=True)
class Summary:
    """A spec's graph. parameters counts weights and states; trainable those that training changes."""

    root: Section
    parameters: int
    trainable: int
    warnings: Report


def summarize(spec: Spec) -> Summary:
    """The summary of `spec`. Raises SpecError where Keras refuses part of it."""
    built = build_spec(spec, weightless=True)
    root = _section(spec.graph, built, set(), built.model.count_params())
    trainable = sum(math.prod(variable.shape) for variable in built.model.trainable_variables)
    return Summary(root, root.parameters, trainable, Report([*spec.warnings, *built.warnings]))


def _section(graph: Graph, built: Built, counted: set[Layer], parameters: int) -> Section:
    values, results = built.values[id(graph)], built.calls[id(graph)]
    rows = [Row(name, "Input", (), tuple(values[name].shape), str(values[name].dtype)) for name in graph.inputs]
    callers: dict[Layer, list[str]] = {}
    for node in graph.nodes.values():
        for step in node.steps:
            callers.setdefault(step.layer, []).append(node.label)
    called: dict[Layer, int] = {}
    for node in graph.nodes.values():
        if not node.steps:
            rows.append(Row(node.label, "=", _takes(node), *_shape_and_dtype(values[node.name])))
        for step, result in zip(node.steps, results[node.name], strict=True):
            layer = step.layer
            call = called.setdefault(layer, 0)
            called[layer] += 1
            rows.append(
                Row(
                    node.label,
                    describe(layer),
                    _takes(node) if step is node.steps[0] else (),
                    *_shape_and_dtype(result),
                    _parameters(layer, built, counted),
                    call,
                    len(callers[layer]),
                    tuple(dict.fromkeys(name for name in callers[layer] if name != node.label)),
                    node.name in graph.outputs,
                )
            )
            counted.update((layer, *wrapped_layers(layer)))
    models = [_section(layer.graph, built, counted, built.layers[layer].count_params()) for layer in _models(graph)]
    return Section(graph.name, tuple(rows), parameters, tuple(models))


def _parameters(layer: Layer, built: Built, counted: set[Layer]) -> int | None:
    if layer.is_operation:
        return 0
    count: int = built.layers[layer].count_params()
    return None if layer in counted else count


def _models(graph: Graph) -> Iterator[NestedModel]:
    """The nested models that `graph` itself applies, also inside wrappers, each once."""
    steps = [step.layer for node in graph.nodes.values() for step in node.steps]
    inside = [inner for layer in steps for inner in (layer, *wrapped_layers(layer))]
    yield from dict.fromkeys(layer for layer in inside if isinstance(layer, NestedModel))


def _takes(node: Node) -> tuple[str, ...]:
    by_name = node.feed.by_name
    if by_name is not None:
        return tuple(f"{name}={_label(reference)}" for name, reference in by_name.items())
    return tuple(map(_label, node.feed.tensors))


def _label(reference: Reference) -> str:
    """The reference as the spec writes it; an earlier part of a node (`stage@0`) by the node's name."""
    return str(reference).partition("@")[0]


def _shape_and_dtype(value: Any) -> tuple[Any, str]:
    """The shapes, in the structure of `value`, and the dtypes that occur."""
    if isinstance(value, dict):
        inside = {name: _shape_and_dtype(each) for name, each in value.items()}
        return {name: shape for name, (shape, _) in inside.items()}, _common(inside.values())
    if isinstance(value, list | tuple):
        several = [_shape_and_dtype(each) for each in value]
        return [shape for shape, _ in several], _common(several)
    return tuple(value.shape), str(value.dtype)


def _common(described: Iterable[tuple[Any, str]]) -> str:
    return ", ".join(dict.fromkeys(dtype for _, each in described for dtype in each.split(", ")))
