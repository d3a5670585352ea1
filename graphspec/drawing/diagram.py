"""Graph + shapes → diagrams: a box per named tensor with its layers, and arrows between boxes.

A model that is applied inside another has a diagram of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from graphspec.diagnostics.shape_text import shape_text
from graphspec.language.graph import Graph, Layer, Node, ObjectLayer, Reference, wrapped_layers
from graphspec.shapes import UNKNOWN, Shapes, Value, infer, is_known

MAX_LINES = 12
"""The maximum number of lines of a box; those in the middle of a longer one are left out."""


@dataclass(frozen=True, slots=True)
class Line:
    """One call of a layer: its description, its output shape, and its mark if it is called several times."""

    layer: str
    shape: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """An input or a node.

    Attributes:
        key: A name that is unique in the diagram.
        title: The name in the spec.
        skipped: The number of lines left out in the middle.
    """

    key: str
    title: str
    kind: Literal["input", "node", "output"]
    lines: tuple[Line, ...]
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Arrow:
    """A tensor from one box to another; `text` is the reference as the spec writes it."""

    start: str
    end: str
    text: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """A graph: that of the spec, or a model in it; `shared` describes the layer of each mark."""

    name: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    shared: dict[str, str]


def diagrams(graph: Graph, precision: str = "float32") -> list[Diagram]:
    """Return the diagram of `graph`, then one for each model applied in it, under the dtype policy `precision`."""
    shapes = infer(graph, precision)
    return [_diagram(each, shapes) for each in (graph, *graph.models())]


def describe(layer: Layer) -> str:
    """Return the declared name and class of a layer, with the layers inside of a wrapper."""
    if not isinstance(layer, ObjectLayer):
        return f"{layer.name} ({layer.type_name})"
    held = ", ".join(inner.name if inner.declared else inner.type_name for inner in wrapped_layers(layer))
    described = f"{layer.type_name}({held})" if held else layer.type_name
    return f"{layer.name} ({described})" if layer.declared else described


def _diagram(graph: Graph, shapes: Shapes) -> Diagram:
    calls = Counter(step.layer for node in graph.nodes.values() for step in node.steps)
    several = [layer for layer, count in calls.items() if count > 1 and not layer.is_operation]
    marks = {layer: _mark(number) for number, layer in enumerate(several)}
    folded = fold(graph)
    boxes = [Box(name, name, "input", (Line("Input", _shape(shapes.of(graph, name))),)) for name in graph.inputs]
    boxes += [_box(graph, nodes, shapes, marks) for name, nodes in folded.items() if nodes[0].name == name]
    homes = {name: nodes[0].name for name, nodes in folded.items()}
    shared = {mark: f"{describe(layer)}, called {calls[layer]} times" for layer, mark in marks.items()}
    return Diagram(graph.name, tuple(boxes), tuple(_arrows(graph, homes)), shared)


def _box(graph: Graph, nodes: list[Node], shapes: Shapes, marks: dict[Layer, str]) -> Box:
    lines = []
    for node in nodes:
        values = shapes.calls.get(id(graph), {}).get(node.name, [])
        for number, step in enumerate(node.steps):
            value = values[number] if number < len(values) else UNKNOWN
            lines.append(Line(describe(step.layer), _shape(value), marks.get(step.layer, "")))
    if not lines:
        references = ", ".join(map(_written, nodes[0].references()))
        lines = [Line(f"= {references}", _shape(shapes.of(graph, nodes[0].name)))]
    skipped = max(0, len(lines) - MAX_LINES)
    if skipped:
        half = MAX_LINES // 2
        lines = lines[:half] + lines[-half:]
    kind: Literal["output", "node"] = "output" if any(node.name in graph.outputs for node in nodes) else "node"
    return Box(nodes[0].name, title(nodes), kind, tuple(lines), skipped)


def _arrows(graph: Graph, homes: dict[str, str]) -> Iterator[Arrow]:
    """Yield at most one arrow from one box to another."""
    texts: dict[tuple[str, str], list[str]] = {}
    for node in graph.nodes.values():
        for reference in node.references():
            link = (homes.get(reference.name, reference.name), homes[node.name])
            if link[0] != link[1]:
                texts.setdefault(link, []).append(_written(reference))
    for (start, end), written in texts.items():
        yield Arrow(start, end, ", ".join(dict.fromkeys(written)))


def _written(reference: Reference) -> str:
    """Return the reference as the spec writes it, without the part of a node (`stage@0`)."""
    return str(reference).partition("@")[0]


def _shape(value: Value) -> str:
    return shape_text(value) if is_known(value) else "?"


def _mark(number: int) -> str:
    """Return the mark with this index: A, B, ... Z, A1, B1, ..."""
    letter, turn = chr(ord("A") + number % 26), number // 26
    return f"{letter}{turn or ''}"


def fold(graph: Graph) -> dict[str, list[Node]]:
    """Return the nodes of each box by the name of each node; one without layers joins its input."""
    users = Counter(name for node in graph.nodes.values() for name in {each.name for each in node.references()})
    boxes: dict[str, list[Node]] = {}
    for node in graph.nodes.values():
        earlier = _only_tensor(graph, node)
        if earlier is None:
            boxes[node.name] = [node]
        elif users[earlier.name] == 1 and earlier.name not in graph.outputs and _are_parts(earlier.label, node.label):
            boxes[node.name] = boxes[earlier.name]
            boxes[node.name].append(node)
        elif not node.steps and node.name not in graph.outputs:
            boxes[node.name] = boxes[earlier.name]
        else:
            boxes[node.name] = [node]
    return boxes


def title(nodes: list[Node]) -> str:
    """Return the name in the spec of the nodes of one box."""
    return min((node.label for node in nodes), key=len)


def _only_tensor(graph: Graph, node: Node) -> Node | None:
    """Return the node whose result is the only input of `node`; None if there is no such node."""
    taken = list(node.references())
    only = node.feed.single
    if len(taken) != 1 or only is None or only.index is not None or only.output:
        return None
    return graph.nodes.get(only.name)


def _are_parts(earlier: str, later: str) -> bool:
    return earlier == later or _is_inside(earlier, later) or _is_inside(later, earlier)


def _is_inside(inner: str, outer: str) -> bool:
    """Return whether `inner` is a node of a block that `outer` uses: `stage__output`, `stage_1__output`."""
    return re.match(rf"{re.escape(outer)}(_\d+)?__", inner) is not None
