"""Summary of a graph, a table of its nodes, traced without weights.

Each row is one call of one layer. A layer that is called several times shares its weights: its parameters count at its
first call, and each row names the nodes that share it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from graphspec.diagnostics import Report
from graphspec.drawing import describe
from graphspec.language.feed import Reference
from graphspec.language.graph import Graph, Layer, NestedModel, Node, wrapped_layers
from graphspec.spec import Spec
from graphspec.to_keras import Built, build_spec
from graphspec.to_keras.freezing import Freezing


@dataclass(frozen=True, kw_only=True)
class Row:
    """One input, one alias of a tensor, or one call of one layer.

    Attributes:
        node: its name in the spec.
        takes: references as the spec writes them; empty for a step after a node's first.
        shape: shape of the result, batch first; a list or dict of shapes for several results.
        parameters: parameters of the layer; None if an earlier row counts them.
        call: index of this call of the layer.
        calls: number of its calls in this graph.
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
    """The rows of a spec or a nested model, and the sections of its nested models."""

    name: str
    rows: tuple[Row, ...]
    parameters: int
    models: tuple[Section, ...]


@dataclass(frozen=True)
class Summary:
    """The summary of a spec.

    Attributes:
        parameters: number of weights and states.
        trainable: number of those that training changes, in its first stage.
        stages: the name of each stage, and the number of those that it changes; empty without stages.
    """

    root: Section
    parameters: int
    trainable: int
    warnings: Report
    stages: tuple[tuple[str, int], ...] = ()


def summarize(spec: Spec) -> Summary:
    """Return the summary of a spec. Raises SpecError if Keras refuses part of it."""
    built = build_spec(spec, weightless=True)
    root = _section(spec.graph, built, set(), built.model.count_params())
    trainable = sum(math.prod(variable.shape) for variable in built.model.trainable_variables)
    stages: tuple[tuple[str, int], ...] = ()
    if spec.training is not None and spec.training.is_staged:
        counts = Freezing(built, spec.training).count_trained(may_be_none=True)
        stages = tuple(zip((each.name for each in spec.training.stages), counts, strict=True))
        trainable = counts[0]
    return Summary(root, root.parameters, trainable, Report([*spec.warnings, *built.warnings]), stages)


def _section(graph: Graph, built: Built, counted: set[Layer], parameters: int) -> Section:
    values, results = built.values[id(graph)], built.calls[id(graph)]
    rows = []
    for name in graph.inputs:
        shape, dtype = _shape_and_dtype(values[name])
        rows.append(Row(node=name, layer="Input", takes=(), shape=shape, dtype=dtype))
    callers: dict[Layer, list[str]] = {}
    for node in graph.nodes.values():
        for step in node.steps:
            callers.setdefault(step.layer, []).append(node.label)
    calls = Counter[Layer]()
    for node in graph.nodes.values():
        if not node.steps:
            shape, dtype = _shape_and_dtype(values[node.name])
            rows.append(Row(node=node.label, layer="=", takes=_takes(node), shape=shape, dtype=dtype))
        for step, result in zip(node.steps, results[node.name], strict=True):
            layer = step.layer
            shape, dtype = _shape_and_dtype(result)
            rows.append(
                Row(
                    node=node.label,
                    layer=describe(layer),
                    takes=_takes(node) if step is node.steps[0] else (),
                    shape=shape,
                    dtype=dtype,
                    parameters=_parameters(layer, built, counted),
                    call=calls[layer],
                    calls=len(callers[layer]),
                    shared_with=tuple(dict.fromkeys(name for name in callers[layer] if name != node.label)),
                    is_output=node.name in graph.outputs,
                )
            )
            calls[layer] += 1
            counted.update((layer, *wrapped_layers(layer)))
    models = [_section(layer.graph, built, counted, built.layers[layer].count_params()) for layer in _models(graph)]
    return Section(graph.name, tuple(rows), parameters, tuple(models))


def _parameters(layer: Layer, built: Built, counted: set[Layer]) -> int | None:
    if layer.is_operation:
        return 0
    count: int = built.layers[layer].count_params()
    return None if layer in counted else count


def _models(graph: Graph) -> Iterator[NestedModel]:
    """Yield the nested models that `graph` itself applies, in wrappers too, each once."""
    steps = [step.layer for node in graph.nodes.values() for step in node.steps]
    inside = [inner for layer in steps for inner in (layer, *wrapped_layers(layer))]
    yield from dict.fromkeys(layer for layer in inside if isinstance(layer, NestedModel))


def _takes(node: Node) -> tuple[str, ...]:
    by_name = node.feed.by_name
    if by_name is not None:
        return tuple(f"{name}={_label(reference)}" for name, reference in by_name.items())
    return tuple(map(_label, node.feed.tensors))


def _label(reference: Reference) -> str:
    """Return a reference as the spec writes it, without the part of a node (`stage@0`)."""
    return str(reference).partition("@")[0]


def _shape_and_dtype(value: Any) -> tuple[Any, str]:
    """Return the shapes, in the structure of `value`, and its dtypes."""
    if isinstance(value, dict):
        inside = {name: _shape_and_dtype(each) for name, each in value.items()}
        return {name: shape for name, (shape, _) in inside.items()}, _common(inside.values())
    if isinstance(value, list | tuple):
        several = [_shape_and_dtype(each) for each in value]
        return [shape for shape, _ in several], _common(several)
    return tuple(value.shape), str(value.dtype)


def _common(described: Iterable[tuple[Any, str]]) -> str:
    return ", ".join(dict.fromkeys(dtype for _, each in described for dtype in each.split(", ")))
