"""`Graph`: the one intermediate representation. Building, summarising and checking all speak it.

A graph is what a spec says once every name is resolved: which layer instances there are (one `Layer` object each,
so sharing is identity), in which order nodes are computed, what each takes in and which layers it calls. It knows
the language no more, and it knows nothing yet of TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from graphspec.catalog import Kind
from graphspec.catalog.refused import COPYING_WRAPPERS
from graphspec.diagnostics import Span
from graphspec.files import is_file, is_folder

T = TypeVar("T")

FIRST = ""
"""The key in an object's arguments of a first argument whose name is not known: that of a custom object."""


@dataclass(frozen=True, slots=True)
class Object:
    """A Keras object and its arguments, or an operation of `keras.ops` and its constants.

    arguments holds scalars, lists, further Objects and, for wrappers, Layers. A bare string identifier that stands
    for a function of Keras (`relu`, `mse`) has `is_identifier` set and no arguments. spans are the places of the
    arguments' values, of those that a spec writes.
    """

    kind: Kind
    name: str
    arguments: dict[str, Any]
    span: Span
    is_identifier: bool = False
    spans: dict[str, Span] = field(default_factory=dict, compare=False, repr=False)

    def span_of(self, argument: str | None) -> Span:
        """The place of an argument's value; of the object itself where the spec does not write the argument."""
        return self.spans.get(argument, self.span) if argument is not None else self.span


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights, `text` as the spec writes it. partial: what does not match is left as it is."""

    path: Path
    text: str
    span: Span
    partial: bool = False


@dataclass(eq=False, slots=True, kw_only=True)
class Layer:
    """One layer instance, one operation, or one model. Two steps that call the same Layer share its weights.

    name is the name in Keras; declared says that the spec gave it a name of its own under `layers` or `models`.
    """

    span: Span
    name: str = ""
    declared: bool = False

    is_operation: ClassVar[bool] = False

    @property
    def class_name(self) -> str:
        """Name of the Keras class (`Dense`, `my>Scale`) or operation (`ops.relu`); empty for a model."""
        return ""

    @property
    def type_name(self) -> str:
        """Name of the kind of layer, for people: the class, the operation, or `model`."""
        return self.class_name.rpartition(">")[2]

    @property
    def label(self) -> str:
        """Name for messages: that of a model or of a declared layer, the class of any other."""
        return self.name if self.declared else self.type_name

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor arguments that the spec writes."""
        return {}

    def span_of(self, argument: str | None) -> Span | None:
        """Return the place of an argument's value; None where no layer of Keras is written."""
        return None

    @property
    def weights(self) -> Weights | None:
        """The file that the weights of a model are loaded from."""
        return None

    @property
    def trainable(self) -> bool:
        """Return whether the spec lets the layer learn."""
        return True


@dataclass(eq=False, slots=True, kw_only=True)
class ObjectLayer(Layer):
    """A layer that one object of the spec describes: a Keras layer or an operation."""

    object: Object

    @property
    def class_name(self) -> str:
        return self.object.name

    @property
    def arguments(self) -> dict[str, Any]:
        return self.object.arguments

    def span_of(self, argument: str | None) -> Span | None:
        return self.object.span_of(argument)


@dataclass(eq=False, slots=True, kw_only=True)
class KerasLayer(ObjectLayer):
    """A layer of Keras, or of a plugin."""

    @property
    def trainable(self) -> bool:
        return self.arguments.get("trainable") is not False


@dataclass(eq=False, slots=True, kw_only=True)
class Operation(ObjectLayer):
    """An operation of `keras.ops`: it has no weights, and there is no Keras layer for it."""

    is_operation: ClassVar[bool] = True


@dataclass(eq=False, slots=True, kw_only=True)
class ModelLayer(Layer):
    """A model that is applied like a layer. weights and trainable are those of the model as a whole."""

    weights: Weights | None = None
    trainable: bool = True

    @property
    def type_name(self) -> str:
        return "model"

    @property
    def label(self) -> str:
        return self.name


@dataclass(eq=False, slots=True, kw_only=True)
class NestedModel(ModelLayer):
    """A model that a spec describes."""

    graph: Graph


@dataclass(eq=False, slots=True, kw_only=True)
class ExternalModel(ModelLayer):
    """A model that no spec describes: the file of a saved one, or a function of `keras.applications`.

    source: the function, or the file as the spec writes it, at source_span. path: None for a function.
    """

    source: str
    source_span: Span
    path: Path | None = None
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def type_name(self) -> str:
        return self.source.rpartition(">")[2]


@dataclass(frozen=True, slots=True)
class Reference:
    """A tensor: an input or node by name, or one of the several that a node gives, by index or output name.

    written is where the name stands that leads to the tensor, for a tensor that comes into a block and is named anew.
    """

    name: str
    span: Span
    index: int | None = None
    output: str | None = None
    written: Span | None = None

    @property
    def place(self) -> Span:
        """Where the name stands that leads to the tensor."""
        return self.written or self.span

    def __str__(self) -> str:
        if self.index is not None:
            return f"{self.name}[{self.index}]"
        return self.name if self.output is None else f"{self.name}.{self.output}"


@dataclass(frozen=True, slots=True)
class Feed:
    """The operands of a node: one tensor, a list of tensors, or tensors by keyword.

    form: the tensors in the form in which the spec writes them.
    """

    form: Reference | tuple[Reference, ...] | dict[str, Reference] = ()

    @property
    def single(self) -> Reference | None:
        """The one tensor that is written without a list."""
        return self.form if isinstance(self.form, Reference) else None

    @property
    def is_list(self) -> bool:
        """Return whether the spec writes a list."""
        return isinstance(self.form, tuple)

    @property
    def by_name(self) -> dict[str, Reference] | None:
        """The tensors by keyword; None where they have none."""
        return self.form if isinstance(self.form, dict) else None

    def items(self) -> list[tuple[int | str, Reference]]:
        """Return each tensor with its keyword, or its position."""
        return list(self.form.items()) if isinstance(self.form, dict) else list(enumerate(self.references()))

    def references(self) -> list[Reference]:
        """Return every tensor."""
        if isinstance(self.form, Reference):
            return [self.form]
        return list(self.form.values() if isinstance(self.form, dict) else self.form)

    def map(self, function: Callable[[Reference], T]) -> T | list[T] | dict[str, T]:
        """Return what `function` gives for each tensor: alone, in a list, or by keyword."""
        if isinstance(self.form, Reference):
            return function(self.form)
        if isinstance(self.form, dict):
            return {name: function(reference) for name, reference in self.form.items()}
        return [function(reference) for reference in self.form]

    def replace(self, function: Callable[[Reference], Reference]) -> Feed:
        """Return the feed with what `function` gives in the place of each tensor."""
        form = self.map(function)
        return Feed(tuple(form) if isinstance(form, list) else form)

    def __len__(self) -> int:
        return len(self.references())


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a layer. call holds further call arguments: scalars, References, and lists of both."""

    layer: Layer
    span: Span
    call: dict[str, Any] = field(default_factory=dict)
    fresh: bool = True

    def references(self) -> Iterator[Reference]:
        """The tensors among the call arguments."""
        waiting = list(self.call.values())[::-1]
        while waiting:
            value = waiting.pop()
            if isinstance(value, Reference):
                yield value
            elif isinstance(value, list):
                waiting += value[::-1]


@dataclass(slots=True)
class Node:
    """A named tensor: what comes in and the layers called one after the other. No steps: another name for it.

    part_of is the node of the spec that this is an earlier part of: a node whose steps a block interrupts is several.
    is_faulty tells that a finding has been made of it: what it gives is open, and its steps end before the faulty one.
    """

    name: str
    feed: Feed
    steps: list[Step]
    span: Span
    merge: str | None = None
    part_of: str | None = None
    is_faulty: bool = False

    @property
    def label(self) -> str:
        """The name of the node in the spec."""
        return self.part_of or self.name

    def references(self) -> Iterator[Reference]:
        """Every tensor that the node takes in."""
        yield from self.feed.references()
        for step in self.steps:
            yield from step.references()


@dataclass(frozen=True, slots=True)
class Input:
    """A named input. Shape leaves out the batch; None is any length. is_faulty: a finding was made of the shape."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    span: Span
    sparse: bool = False
    batch_size: int | None = None
    optional: bool = False
    is_faulty: bool = False


@dataclass(slots=True)
class Output:
    """A node that the graph returns, with its training. `loss_stated` tells `loss: null` from no loss at all.

    is_faulty tells that a finding has been made of what trains it, so that its loss is open. class_weight_span is where
    its class weights stand.
    """

    node: Node
    loss: Object | None
    loss_stated: bool
    loss_weight: float
    metrics: list[Object]
    weighted_metrics: list[Object]
    class_weight: dict[int, float]
    span: Span
    is_faulty: bool = False
    class_weight_span: Span | None = None

    @property
    def name(self) -> str:
        return self.node.name


@dataclass(frozen=True, slots=True)
class Plugin:
    """A module that registers custom objects, and the folder that it is looked for in before all others."""

    module: str
    folder: Path
    span: Span

    @property
    def is_beside(self) -> bool:
        """Whether the module lies in the folder itself."""
        root = self.folder / self.module.partition(".")[0]
        return is_file(root.with_name(f"{root.name}.py")) or is_folder(root)


@dataclass(slots=True)
class Graph:
    """A model: nodes in an order in which each comes after what it takes in; outputs in the order of the spec.

    nodes holds the graph's own nodes and those of its outputs. layers holds what is declared here and used,
    unapplied the place of what is declared here and never used. plugins are those of its spec. is_whole
    tells that no finding has been made of its wiring: of other graphs nobody knows what they leave unused.
    """

    name: str
    inputs: dict[str, Input]
    nodes: dict[str, Node]
    outputs: dict[str, Output]
    span: Span
    layers: dict[str, Layer] = field(default_factory=dict)
    unapplied: dict[str, Span] = field(default_factory=dict)
    is_whole: bool = True
    plugins: list[Plugin] = field(default_factory=list)

    def models(self) -> Iterator[Graph]:
        """Every nested model that is applied in this graph or inside those, each once."""
        seen: set[int] = set()
        waiting = [self]
        for body in waiting:
            for node in body.nodes.values():
                for step in node.steps:
                    for layer in (step.layer, *wrapped_layers(step.layer)):
                        if isinstance(layer, NestedModel) and id(layer.graph) not in seen:
                            seen.add(id(layer.graph))
                            waiting.append(layer.graph)
                            yield layer.graph


def wrapped_layers(layer: Layer) -> Iterator[Layer]:
    """The layers among the arguments of `layer`, and theirs: what `TimeDistributed` and its like hold."""
    for value in layer.arguments.values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Layer):
                yield item
                yield from wrapped_layers(item)


def size_of(value: Any) -> int:
    """Return how many values a value, an object or a layer holds; ten letters of a text are one."""
    if isinstance(value, Object | Layer):
        return 1 + size_of(value.arguments)
    if isinstance(value, dict):
        return len(value) + sum(map(size_of, value.values()))
    if isinstance(value, list | tuple):
        return len(value) + sum(map(size_of, value))
    return len(value) // 10 if isinstance(value, str) else 0


def every_plugin(graph: Graph) -> Iterator[Plugin]:
    """The plugins of the spec, and those of specs that are models in it."""
    for body in (graph, *graph.models()):
        yield from body.plugins


def every_layer(graph: Graph) -> Iterator[Layer]:
    """Every layer that `graph` calls or holds in a wrapper, and those of the models in it, each once."""
    seen: dict[Layer, None] = {}
    for body in (graph, *graph.models()):
        for node in body.nodes.values():
            for step in node.steps:
                seen.update(dict.fromkeys((step.layer, *wrapped_layers(step.layer))))
    yield from seen


def layer_paths(graph: Graph) -> Iterator[tuple[str, Layer]]:
    """Every layer with its path: its name in Keras, after the names of the models and wrappers that it lies in.

    A declared layer inside a wrapper has two: `frames/vision`, and `vision`. What lies in a wrapper that copies its
    layer has none, for the copies are the wrapper's own.
    """
    for layer in dict.fromkeys(step.layer for node in graph.nodes.values() for step in node.steps):
        yield from _paths(layer, "")


def _paths(layer: Layer, prefix: str) -> Iterator[tuple[str, Layer]]:
    if layer.is_operation:
        return
    path = prefix + layer.name
    yield path, layer
    if isinstance(layer, NestedModel):
        for inner in dict.fromkeys(step.layer for node in layer.graph.nodes.values() for step in node.steps):
            yield from _paths(inner, f"{path}/")
    elif layer.class_name not in COPYING_WRAPPERS:
        for value in layer.arguments.values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Layer):
                    yield from _paths(item, f"{path}/")
                    if item.declared:
                        yield from _paths(item, prefix)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A name, or a glob of names, as the spec writes it."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Training:
    """The objects of `training`; its plain settings stay in the schema's model."""

    optimizer: Object
    callbacks: list[Object]
    freeze: list[Pattern] = field(default_factory=list)
    initial_weights: Weights | None = None
