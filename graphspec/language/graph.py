"""The `Graph`: the one intermediate representation, which building, summarising and checking all work on.

A graph holds a spec with every name resolved: its layer instances (one `Layer` object each, so sharing is identity),
its nodes in the order of computation, the operands of each and the layers that it calls. It depends neither on the
syntax of the language nor on TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from graphspec.diagnostics import Span
from graphspec.files import is_file, is_folder
from graphspec.language.feed import Feed, Reference
from graphspec.language.objects import Object, Pattern, Weights


@dataclass(eq=False, slots=True, kw_only=True)
class Layer:
    """A layer instance, an operation, or a model. Steps that call the same Layer share its weights.

    name: the name in Keras. declared: the spec names it under `layers` or `models`.
    """

    span: Span
    name: str = ""
    declared: bool = False

    is_operation: ClassVar[bool] = False

    @property
    def is_random(self) -> bool:
        """True for an operation that draws random numbers."""
        return self.class_name.startswith("ops.random.")

    @property
    def class_name(self) -> str:
        """The name of the Keras class (`Dense`, `my>Scale`) or operation (`ops.relu`); empty for a model."""
        return ""

    @property
    def type_name(self) -> str:
        """The class without its package, the operation, or `model`, for messages."""
        return self.class_name.rpartition(">")[2]

    @property
    def label(self) -> str:
        """The name of a declared layer, the class of any other, for messages."""
        return self.name if self.declared else self.type_name

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor arguments that the spec writes."""
        return {}

    def span_of(self, argument: str | None) -> Span | None:
        """Return the place of an argument's value; None for a model."""
        return None

    @property
    def weights(self) -> Weights | None:
        """The file that the weights of a model are loaded from."""
        return None

    @property
    def trainable(self) -> bool:
        """False where the spec freezes the layer."""
        return True


@dataclass(eq=False, slots=True, kw_only=True)
class ObjectLayer(Layer):
    """A layer with an `Object` of its own: a Keras layer or an operation."""

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
    """A layer of Keras or of a plugin. weight: the shape, if it is the `weight` of its node, whose name it bears."""

    weight: tuple[int, ...] | None = None

    @property
    def trainable(self) -> bool:
        return self.arguments.get("trainable") is not False


@dataclass(eq=False, slots=True, kw_only=True)
class Operation(ObjectLayer):
    """An operation of `keras.ops` or `keras.random`, which has no weights and no Keras layer of its own."""

    is_operation: ClassVar[bool] = True


@dataclass(eq=False, slots=True, kw_only=True)
class ModelLayer(Layer):
    """A model that is applied like a layer. weights, trainable: those of the whole model."""

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
    """A model that is defined in a spec."""

    graph: Graph


@dataclass(eq=False, slots=True, kw_only=True)
class ExternalModel(ModelLayer):
    """A saved model, or a function of `keras.applications`.

    source: the function, or the path as the spec writes it, at source_span. path: None for a function. taps: inner
    layers whose outputs are outputs, too, after those of the model.
    """

    source: str
    source_span: Span
    path: Path | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    taps: tuple[Pattern, ...] = ()

    @property
    def type_name(self) -> str:
        return self.source.rpartition(">")[2]

    @property
    def origin(self) -> str:
        """The key that names the origin in a spec."""
        return "file" if self.path is not None else "application"


@dataclass(eq=False, slots=True, kw_only=True)
class PresetModel(ExternalModel):
    """A preset of KerasHub. path: its folder; None for a handle, such as `kaggle://keras/bert/keras/bert_tiny_en`."""

    @property
    def origin(self) -> str:
        return "preset"


@dataclass(eq=False, slots=True, kw_only=True)
class PresetPreprocessor(PresetModel):
    """A layer of a preset that makes what its backbone takes of text or images. part: the key that names it."""

    part: str
    argument_spans: dict[str, Span] = field(default_factory=dict)

    def span_of(self, argument: str | None) -> Span | None:
        return self.argument_spans.get(argument, self.source_span) if argument is not None else self.source_span

    @property
    def origin(self) -> str:
        return self.part


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a layer. call: further call arguments: scalars, References, and lists of both.

    fresh: the layer is written in this step, and no other step calls it.
    """

    layer: Layer
    span: Span
    call: dict[str, Any] = field(default_factory=dict)
    fresh: bool = True

    def references(self) -> Iterator[Reference]:
        """Return the tensors among the call arguments."""
        waiting = list(self.call.values())[::-1]
        while waiting:
            value = waiting.pop()
            if isinstance(value, Reference):
                yield value
            elif isinstance(value, list):
                waiting += value[::-1]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A use of a block that became nodes.

    block: the name of the block. node: the node that uses it. name: the beginning of the names of its nodes, without
    `__`. span: the step that uses it. parameters: the value of each.
    """

    block: str
    node: str
    name: str
    span: Span
    parameters: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def prefix(self) -> str:
        """The beginning of the names of its nodes."""
        return f"{self.name}__"


@dataclass(slots=True)
class Node:
    """A named tensor: its operands and the layers called in sequence. Without steps it is an alias of its operand.

    part_of: the node of the spec that this is an earlier part of; a node that uses blocks is lowered to several.
    expansions: the uses of blocks that it lies in, the outermost first.
    is_faulty: a diagnostic exists for it, so its value is unknown and its steps end before the faulty one.
    """

    name: str
    feed: Feed
    steps: list[Step]
    span: Span
    _: KW_ONLY
    merge: str | None = None
    part_of: str | None = None
    expansions: tuple[Expansion, ...] = ()
    is_faulty: bool = False

    @property
    def label(self) -> str:
        """The name of the node in the spec."""
        return self.part_of or self.name

    def references(self) -> Iterator[Reference]:
        """Return the operands of the node, then the tensors among its call arguments."""
        yield from self.feed.tensors
        for step in self.steps:
            yield from step.references()


@dataclass(frozen=True, slots=True)
class Input:
    """A named input. shape: without the batch axis; None is any length. is_faulty: a diagnostic covers its shape."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    span: Span
    _: KW_ONLY
    sparse: bool = False
    batch_size: int | None = None
    optional: bool = False
    is_faulty: bool = False


@dataclass(slots=True)
class Output:
    """A node that the graph returns, with its loss and metrics.

    loss_stated: tells `loss: null` from no `loss` at all. is_balanced: the class weights follow from the training
    split. is_faulty: a diagnostic exists for its loss or metrics, so the loss is unknown.
    """

    node: Node
    span: Span
    _: KW_ONLY
    loss: Object | None = None
    loss_stated: bool = True
    loss_weight: float = 1.0
    metrics: list[Object] = field(default_factory=list)
    weighted_metrics: list[Object] = field(default_factory=list)
    class_weight: dict[int, float] = field(default_factory=dict)
    is_balanced: bool = False
    is_faulty: bool = False
    class_weight_span: Span | None = None

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def weighs_classes(self) -> bool:
        """True where samples weigh by their class."""
        return self.is_balanced or bool(self.class_weight)


@dataclass(slots=True)
class GraphLoss:
    """A number of the graph that training adds to the total loss.

    ending: the number of steps at the end of the node that the spec does not write: the mean over the batch, and the
    layer that weighs it and adds it to the loss.
    """

    node: Node
    span: Span
    weight: float
    ending: int = 0

    @property
    def layer(self) -> Layer:
        """The layer that adds the weighted loss."""
        return self.node.steps[-1].layer


@dataclass(frozen=True, slots=True)
class Plugin:
    """A module that registers custom objects. folder: the first entry of its import path."""

    module: str
    folder: Path
    span: Span

    @property
    def is_beside(self) -> bool:
        """True where the module lies in the folder itself."""
        root = self.folder / self.module.partition(".")[0]
        return is_file(root.with_name(f"{root.name}.py")) or is_folder(root)


@dataclass(slots=True)
class Graph:
    """A model: nodes in topological order, outputs in the order of the spec.

    nodes: those of `graph` and of `outputs`. layers: the declared layers that are applied; unapplied: the places of
    those that are not. is_whole: no diagnostic covers its wiring; otherwise its unused parts are unknown. losses: what
    training adds to the total loss; anchor: the `Identity` that takes them in beside the output of its name, as Keras
    computes only what outputs depend on.
    """

    name: str
    inputs: dict[str, Input]
    nodes: dict[str, Node]
    outputs: dict[str, Output]
    _: KW_ONLY
    span: Span
    layers: dict[str, Layer] = field(default_factory=dict)
    unapplied: dict[str, Span] = field(default_factory=dict)
    is_whole: bool = True
    weights: Weights | None = None
    plugins: list[Plugin] = field(default_factory=list)
    losses: dict[str, GraphLoss] = field(default_factory=dict)
    anchor: KerasLayer | None = None

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weight of each loss in the total: of the trained outputs, then of the losses of the graph."""
        trained = {name: each.loss_weight for name, each in self.outputs.items() if each.loss is not None}
        return trained | {name: each.weight for name, each in self.losses.items()}

    def expansions(self) -> dict[str, Expansion]:
        """Return the uses of blocks that nodes lie in, by the prefix of their nodes."""
        return {use.prefix: use for node in self.nodes.values() for use in node.expansions}

    def models(self) -> Iterator[Graph]:
        """Return every nested model that is applied in this graph, at any depth, each once."""
        seen: set[int] = set()
        waiting = [self]
        for body in waiting:
            for called in body.called_layers():
                for layer in (called, *wrapped_layers(called)):
                    if isinstance(layer, NestedModel) and id(layer.graph) not in seen:
                        seen.add(id(layer.graph))
                        waiting.append(layer.graph)
                        yield layer.graph

    def called_layers(self) -> list[Layer]:
        """Return the layers that the steps of this graph call, each once."""
        return list(dict.fromkeys(step.layer for node in self.nodes.values() for step in node.steps))

    def needed_layers(self) -> list[Layer]:
        """Return the layers of outputs and losses, and all behind them, each once: a model of Keras has no others."""
        waiting = [*self.outputs, *self.losses]
        seen = set(waiting)
        found: set[Layer] = set()
        for name in waiting:
            if (node := self.nodes.get(name)) is not None:
                found.update(step.layer for step in node.steps)
                more = dict.fromkeys(reference.name for reference in node.references())
                waiting += [each for each in more if each not in seen]
                seen.update(more)
        return [layer for layer in self.called_layers() if layer in found]


def wrapped_layers(layer: Layer) -> Iterator[Layer]:
    """Return the layers in the arguments of `layer`, such as `TimeDistributed`, at any depth."""
    for inner in argument_layers(layer):
        yield inner
        yield from wrapped_layers(inner)


def argument_layers(layer: Layer) -> Iterator[Layer]:
    """Return the layers among the arguments of `layer` itself."""
    for value in layer.arguments.values():
        if isinstance(value, Layer):
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, Layer))
