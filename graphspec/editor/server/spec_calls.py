"""A checked spec → the calls of its layers, by the places of the text that write them.

A step of a block is one place and many calls; so is one with `repeat`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from graphspec.diagnostics import Span
from graphspec.diagnostics.shape_text import shape_text
from graphspec.editor.server.document import Document
from graphspec.editor.server.names import Name
from graphspec.editor.server.positions import Lines
from graphspec.editor.server.shift import Shift
from graphspec.language.document.overlay import key
from graphspec.language.feed import Reference
from graphspec.language.graph import Graph, Layer, NestedModel, Node, Step
from graphspec.language.lower.blocks import OUTPUT
from graphspec.shapes.parameters import count_parameters
from graphspec.shapes.tensor import UNKNOWN, Tensor, Value, tensors
from graphspec.spec import Spec

At = tuple[str, int, int]
"""The key of a file, and the line and the column of a place."""


@dataclass(frozen=True, eq=False, slots=True)
class LayerCall:
    """A call of a layer: what goes in, what comes out."""

    step: Step
    node: Node
    taken: Value
    given: Value


@dataclass
class SpecCalls:
    """The calls of one spec.

    Attributes:
        calls: The calls of each step, by the place of its name.
        tensors: The values of each input and node, by the place of its name.
        layers: The places of the steps that call each layer.
        declared: The declared layers and models that are applied, by the places of their declarations.
        blocks: What each use of a block of one output gives, by the place of its step.
    """

    spec: Spec
    calls: dict[At, list[LayerCall]] = field(default_factory=dict)
    tensors: dict[At, list[Value]] = field(default_factory=dict)
    layers: dict[Layer, list[Span]] = field(default_factory=dict)
    declared: dict[At, list[Layer]] = field(default_factory=dict)
    blocks: dict[At, list[Value]] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: Spec) -> SpecCalls:
        """Return the calls of a spec and of the models in it."""
        found = cls(spec)
        for graph in (spec.graph, *spec.graph.models()):
            found._add(graph)
        return found

    def at(self, span: Span) -> At:
        """Return the place of the start of a span."""
        name = span.source.name
        if name not in self._keys:
            self._keys[name] = key(name)
        return self._keys[name], span.line, span.column

    def parameters(self, layers: Iterable[Layer]) -> int | None:
        """Return the number of parameters of layers; None where it is unknown."""
        return count_parameters(list(layers), self.spec.shapes)

    def _add(self, graph: Graph) -> None:
        shapes = self.spec.shapes
        for each in graph.inputs.values():
            self.tensors.setdefault(self.at(each.span), []).append(shapes.of(graph, each.name))
        for node in graph.nodes.values():
            results = shapes.calls.get(id(graph), {}).get(node.name, [])
            value: Value = node.feed.map(lambda reference: self._value(graph, reference))
            for number, step in enumerate(node.steps):
                given = results[number] if number < len(results) else UNKNOWN
                self.calls.setdefault(self.at(step.span), []).append(LayerCall(step, node, value, given))
                self.layers.setdefault(step.layer, []).append(step.span)
                if step.layer.declared:
                    declared = self.declared.setdefault(self.at(step.layer.span), [])
                    if step.layer not in declared:
                        declared.append(step.layer)
                value = given
            if node.part_of is None:
                self.tensors.setdefault(self.at(node.span), []).append(shapes.of(graph, node.name))

        for use in graph.expansions().values():
            if f"{use.prefix}{OUTPUT}" in graph.nodes:
                value = shapes.of(graph, f"{use.prefix}{OUTPUT}")
                self.blocks.setdefault(self.at(use.span), []).append(value)

    def _value(self, graph: Graph, reference: Reference) -> Value:
        value = self.spec.shapes.of(graph, reference.name)
        if reference.output is not None:
            return value.get(reference.output, UNKNOWN) if isinstance(value, dict) else value
        if reference.index is not None:
            listed = list(value.values()) if isinstance(value, dict) else value
            return listed[reference.index] if isinstance(listed, list) and reference.index < len(listed) else UNKNOWN
        return value


@dataclass(frozen=True, eq=False)
class View:
    """The calls of a spec by the offsets of one document.

    shift: from the text that was checked to the one that is open; None where they are the same.
    """

    calls: SpecCalls
    document: Document
    shift: Shift | None = None

    @cached_property
    def _lines(self) -> Lines:
        return self.document.lines if self.shift is None else Lines(self.shift.old, self.document.encoding)

    def _place(self, document: Document, offset: int) -> At | None:
        if document.key != self.document.key:
            return document.key, *document.lines.place(offset)
        old = offset if self.shift is None else self.shift.to_old(offset)
        return (document.key, *self._lines.place(old)) if old is not None else None

    def calls_at(self, document: Document, offset: int) -> list[LayerCall]:
        """Return the calls of the step whose name begins at an offset."""
        place = self._place(document, offset)
        return self.calls.calls.get(place, []) if place is not None else []

    def values_at(self, document: Document, offset: int) -> list[Value]:
        """Return the values of the input or node whose name begins at an offset."""
        place = self._place(document, offset)
        return self.calls.tensors.get(place, []) if place is not None else []

    def block_values_at(self, document: Document, offset: int) -> list[Value]:
        """Return what the block gives whose use begins at an offset."""
        place = self._place(document, offset)
        return self.calls.blocks.get(place, []) if place is not None else []

    def declared_as(self, document: Document, name: Name) -> Layer | None:
        """Return the layer or model that a name declares; None where no step applies it."""
        end = name.value.end if name.value is not None else name.end
        first, last = self._place(document, name.start), self._place(document, end)
        if first is None or last is None:
            return None
        for place, layers in self.calls.declared.items():
            if first <= place <= last:
                found = next((each for each in layers if each.name == name.text), None)
                if found is not None:
                    return found
        return None

    def parameters(self, layers: Iterable[Layer]) -> int | None:
        """Return the number of parameters of layers; None where it is unknown."""
        return self.calls.parameters(layers)


def model_of(layer: Layer) -> Graph | None:
    """Return the graph of a nested model; None for any other layer."""
    return layer.graph if isinstance(layer, NestedModel) else None


def value_text(value: Value) -> str:
    """Return the shape and the dtype of a value: `(batch, 32) float32`."""
    text = shape_text(value)
    dtypes = list(dict.fromkeys(each.dtype for each in tensors(value) if isinstance(each, Tensor)))
    return f"{text} {', '.join(map(str, dtypes))}" if dtypes else text
