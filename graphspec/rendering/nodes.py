"""Nodes of a graph → `from`, `merge` and `apply`, one step a layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from graphspec import catalog
from graphspec.language.feed import Reference
from graphspec.language.graph import Graph, KerasLayer, Layer, Node, ObjectLayer, Step
from graphspec.language.objects import Object
from graphspec.rendering.objects import ObjectRenderer
from graphspec.rendering.origins import ADDED, GRAPHSPEC
from graphspec.rendering.tree import Leaf, Tree

_WEIGHT_STEPS = 2
_UNWRITABLE = r"[^A-Za-z0-9_-]"


class NodeRenderer:
    """Renders the nodes of a graph.

    Attributes:
        names: The name of each node in the rendered spec. A node of the graph may be a part of one of the spec, with a
            name that no spec can write.
        unnamed: The layer that gets its name from the node, whatever it is called in Keras.
    """

    def __init__(self, objects: ObjectRenderer, graph: Graph) -> None:
        self.objects = objects
        self.names = _names(graph)
        self.unnamed = _anchored(graph)

    def node(self, node: Node, steps: Sequence[Step]) -> dict[str, Tree]:
        """Return a node with these of its steps."""
        written: dict[str, Tree] = {}
        beginning, taken = self._beginning(node, steps)
        written |= beginning
        if node.feed.tensors:
            place = node.feed.tensors[0].place
            written["from"] = self.objects.leaf(node.feed.map(self._reference), place)
        rest = list(enumerate(steps))[taken:]
        if node.merge is not None and rest and isinstance(steps[0].layer, ObjectLayer):
            arguments = self.objects.arguments(steps[0].layer.object, name=steps[0].layer.name)
            written["merge"] = {node.merge: arguments}
            rest = rest[1:]
        if rest:
            written["apply"] = [self._step(node, number, step) for number, step in rest]
        return written

    def _step(self, node: Node, number: int, step: Step) -> Tree:
        layer = step.layer
        if layer.is_operation and isinstance(layer, ObjectLayer):
            form = self.objects.object(layer.object, fed={*_fed(node, number, layer.object), *step.call})
        elif step.fresh and isinstance(layer, ObjectLayer):
            form = self.objects.object(layer.object, name=None if layer is self.unnamed else layer.name)
        else:
            form = self.objects.leaf(self.objects.declared(layer), step.span)
        if not step.call:
            return form
        call = {key: self.objects.leaf(self._references(value), step.span) for key, value in step.call.items()}
        if isinstance(form, Leaf):
            return {form.value: Leaf(None, form.origin), "call": dict(call)}
        assert isinstance(form, dict)
        return {**form, "call": dict(call)}

    def _reference(self, reference: Reference) -> str:
        return str(replace(reference, name=self.names.get(reference.name, reference.name)))

    def _references(self, value: Any) -> Any:
        """Return a call argument with references as text."""
        if isinstance(value, list):
            return [self._references(each) for each in value]
        return self._reference(value) if isinstance(value, Reference) else value

    def _beginning(self, node: Node, steps: Sequence[Step]) -> tuple[dict[str, Tree], int]:
        """Return the `constant` or the `weight` that a node begins with, and the number of its steps."""
        first = steps[0].layer if steps and not node.feed.tensors else None
        if not isinstance(first, ObjectLayer):
            return {}, 0
        if first.class_name == "ops.array" and set(first.arguments) <= {"x", "dtype"}:
            return self._constant(first.object), 1
        table = steps[1].layer if len(steps) >= _WEIGHT_STEPS else None
        if isinstance(table, KerasLayer) and table.weight is not None and table.name == node.name:
            return self._weight(table, steps)
        return {}, 0

    def _constant(self, array: Object) -> dict[str, Tree]:
        constant: dict[str, Tree] = {"constant": self.objects.value(array.arguments["x"], array.span_of("x"))}
        if (dtype := array.arguments.get("dtype")) is not None:
            constant["dtype"] = self.objects.leaf(dtype, array.span_of("dtype"))
        return constant

    def _weight(self, table: KerasLayer, steps: Sequence[Step]) -> tuple[dict[str, Tree], int]:
        arguments, span, taken = table.arguments, table.span, _WEIGHT_STEPS
        shape = [arguments["input_dim"], arguments["output_dim"]]
        reshape = steps[_WEIGHT_STEPS].layer if len(steps) > _WEIGHT_STEPS else None
        if reshape is not None and reshape.class_name == "ops.reshape" and reshape.span == span:
            shape, taken = reshape.arguments["newshape"], taken + 1
        weight: dict[str, Tree] = {"shape": self.objects.leaf(shape, span)}
        for key in ("initializer", "regularizer", "constraint"):
            value = arguments.get(f"embeddings_{key}")
            weight[key] = self.objects.value(value, span) if value is not None else Leaf(None, GRAPHSPEC)
        weight["dtype"] = Leaf(arguments.get("dtype"), GRAPHSPEC if "dtype" not in arguments else ADDED)
        weight["trainable"] = Leaf(table.trainable, GRAPHSPEC)
        return {"weight": weight}, taken


def _fed(node: Node, number: int, operation: Object) -> list[str]:
    """Return the arguments of an operation that the operands of its step are passed to."""
    entry = catalog.find("ops", operation.name)
    if entry is None:
        return []
    if number > 0:
        return catalog.fed(entry, 1)
    if node.feed.by_name is not None:
        return list(node.feed.by_name)
    return catalog.fed(entry, len(node.feed))


def kept_nodes(graph: Graph) -> dict[str, Node]:
    """Return the nodes of a graph without those that a use of a block makes in vain."""
    waiting = [*graph.outputs, *graph.losses, *(name for name, node in graph.nodes.items() if not node.expansions)]
    kept = set(waiting)
    for name in waiting:
        if (node := graph.nodes.get(name)) is not None:
            more = dict.fromkeys(each.name for each in node.references() if each.name not in kept)
            waiting += more
            kept.update(more)
    return {name: node for name, node in graph.nodes.items() if name in kept}


def _names(graph: Graph) -> dict[str, str]:
    """Return names for nodes that a spec can write."""
    names = {name: re.sub(_UNWRITABLE, "_", name) for name in graph.nodes}
    taken = {*graph.inputs, *(name for name, each in names.items() if name == each)}
    for name, wanted in names.items():
        if wanted != name:
            names[name] = next(each for each in _numbered(wanted) if each not in taken)
            taken.add(names[name])
    return names


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    yield from (f"{stem}_{number}" for number in count(1))


def _anchored(graph: Graph) -> Layer | None:
    """Return the last layer of the output that takes in the losses: the `Identity` behind it bears the name."""
    if graph.anchor is None:
        return None
    steps = graph.nodes[graph.anchor.name].steps
    return steps[-1].layer if steps else None
