"""A `Graph` as the calls of its layers: each with its arguments, and the calls that its inputs come from.

Nodes that are another name for a tensor, and how a chain of layers is cut into nodes, are gone here: two specs with the
same calls under the same names are the same model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphspec import catalog
from graphspec.differences.align import use_of
from graphspec.differences.values import Values, class_of, frozen, layer_values
from graphspec.language.arrays import array_dtype
from graphspec.language.feed import Feed, Reference
from graphspec.language.graph import Expansion, Graph, Layer, ModelLayer, NestedModel, Node, Operation
from graphspec.language.objects import Object
from graphspec.shapes import UNKNOWN, Shapes, Value
from graphspec.shapes.tensor import Tensor

Signature = tuple[Any, ...]


@dataclass(eq=False, slots=True)
class LayerCall:
    """One call of a layer, an operation or a model.

    name: the name of the layer in Keras. number: counts the calls of a shared layer. values: the arguments of the
    layer. constants: those of the call. inputs: the tensors by their argument of the call. prefix: that of the use of a
    block which the call was expanded from. is_merge: it is the `merge` of its node. is_of_loss: it is one of the steps
    that the language adds to a loss of the graph. result: what it returns, if known.
    """

    layer: Layer
    node: Node
    name: str
    number: int
    class_name: str
    values: Values
    constants: Values
    inputs: list[tuple[str, TensorSource]]
    prefix: str
    position: int
    is_merge: bool
    is_of_loss: bool
    result: Value

    @property
    def signature(self) -> Signature:
        """The class and all arguments."""
        every = {**self.values, **{f"call.{key}": value for key, value in self.constants.items()}}
        arguments = frozenset((path, frozen(value)) for path, value in every.items())
        inside = _classes(self.layer.graph) if isinstance(self.layer, NestedModel) else None
        return (self.class_name, arguments, inside)

    @property
    def is_named_by_number(self) -> bool:
        """True if the name follows from the layer's place in its node, and shifts with it."""
        return not self.layer.declared and self.name != self.node.label and "name" not in self.layer.arguments


@dataclass(frozen=True, slots=True)
class TensorSource:
    """A tensor: an input of the graph by its name, or what a call returns. part: such as `[1]` or `.code`."""

    producer: LayerCall | str
    part: str = ""


@dataclass(slots=True)
class Calls:
    """The calls of one graph in the order of computation.

    tensors: the source of each input and node by name. consumers: the calls that take the result of each, by argument.
    ends: the outputs of the graph that are the result of each. uses: the uses of blocks by the prefix of their nodes.
    """

    graph: Graph
    all: list[LayerCall] = field(default_factory=list)
    tensors: dict[str, TensorSource] = field(default_factory=dict)
    consumers: dict[LayerCall | str, list[tuple[LayerCall, str, str]]] = field(default_factory=dict)
    ends: dict[LayerCall | str, list[str]] = field(default_factory=dict)
    uses: dict[str, Expansion] = field(default_factory=dict)

    def outputs_of(self, producer: LayerCall | str) -> list[str]:
        """Return the outputs of the graph that are results of `producer`."""
        return self.ends.get(producer, [])


def calls_of(graph: Graph, shapes: Shapes, *, by_layers: bool = False) -> Calls:
    """Return the calls of a graph, with their inferred results.

    Args:
        graph: The graph.
        shapes: The shapes of it.
        by_layers: Blocks, and where a model comes from, do not count: a saved model knows of neither.
    """
    calls = Calls(graph, uses={} if by_layers else graph.expansions())
    calls.tensors = {name: TensorSource(name) for name in graph.inputs}
    counts: dict[Layer, int] = {}
    endings = {loss.node.name: loss.ending for loss in graph.losses.values()}
    results = shapes.calls.get(id(graph), {})
    for node in graph.nodes.values():
        prefix = use_of(node.name, calls.uses)
        last = _source(node.feed.single, calls.tensors) if node.feed.single is not None else None
        for position, step in enumerate(node.steps):
            feed = node.feed if position == 0 else None
            inputs = list(_inputs(step.layer, feed, last, calls.tensors))
            constants: Values = {}
            for key, value in step.call.items():
                _read_call(key, value, inputs, constants, tensors=calls.tensors)
            values = {} if by_layers and isinstance(step.layer, ModelLayer) else layer_values(step.layer)
            if step.layer.is_operation:
                values, constants = {**values, **constants}, {}
            else:
                constants = _without_defaults(step.layer, constants)
            known = results.get(node.name, [])
            call = LayerCall(
                layer=step.layer,
                node=node,
                name=step.layer.name,
                number=counts.get(step.layer, 0),
                class_name="model" if by_layers and isinstance(step.layer, ModelLayer) else class_of(step.layer),
                values=values,
                constants=constants,
                inputs=sorted(inputs, key=lambda each: each[0]),
                prefix=prefix,
                position=position - (node.merge is not None),
                is_merge=node.merge is not None and position == 0,
                is_of_loss=position >= len(node.steps) - endings.get(node.name, 0),
                result=known[position] if position < len(known) else UNKNOWN,
            )
            if isinstance(step.layer, ModelLayer) and len(call.inputs) == 1:
                call.inputs = [("", call.inputs[0][1])]
            if by_layers:
                _forget(call)
                _take_constants(call)
            counts[step.layer] = call.number + 1
            calls.all.append(call)
            last = TensorSource(call)
        assert last is not None
        calls.tensors[node.name] = last
    if by_layers:
        _leave_out_unused(calls)
    for name in (*graph.outputs, *graph.losses):
        calls.ends.setdefault(calls.tensors[name].producer, []).append(name)
    for call in calls.all:
        for key, source in call.inputs:
            calls.consumers.setdefault(source.producer, []).append((call, key, source.part))
    return calls


_LEARNED = {
    "Normalization": ("mean", "variance"),
    "Discretization": ("bin_boundaries",),
    **dict.fromkeys(("TextVectorization", "StringLookup", "IntegerLookup"), ("vocabulary", "idf_weights")),
}


def _forget(call: LayerCall) -> None:
    """Leave out of the arguments what Keras wrote down when it built a layer, or what the layer learnt from data."""
    for name in _LEARNED.get(call.class_name, ()):
        for path in [path for path in call.values if path.partition("[")[0] == name]:
            del call.values[path]
    axes = call.values.get("attention_axes")
    if axes is not None and isinstance(call.result, Tensor) and axes == list(range(1, call.result.rank - 1)):
        del call.values["attention_axes"]


def _take_constants(call: LayerCall) -> None:
    """Make the constants that a call takes its arguments: a saved model does not tell whether they had a node."""
    for key, source in list(call.inputs):
        made = source.producer
        if not isinstance(made, LayerCall) or not isinstance(made.layer, Operation) or made.inputs:
            continue
        call.inputs.remove((key, source))
        if made.class_name != "ops.array":
            call.values |= {key: made.class_name, **{f"{key}.{path}": value for path, value in made.values.items()}}
            continue
        numbers = made.layer.arguments["x"]
        for path, value in made.values.items():
            if path != "dtype":
                call.values[f"{key}{path.removeprefix('x')}"] = value
            elif isinstance(numbers, Object) or value != array_dtype(numbers):
                call.values[f"{key}.dtype"] = value


def _leave_out_unused(calls: Calls) -> None:
    """Leave out the calls that no output needs, which are not in a model of Keras."""
    waiting = [calls.tensors[name].producer for name in (*calls.graph.outputs, *calls.graph.losses)]
    needed: set[LayerCall | str] = set()
    while waiting:
        producer = waiting.pop()
        if producer not in needed:
            needed.add(producer)
            waiting += [source.producer for _, source in producer.inputs] if isinstance(producer, LayerCall) else []
    calls.all = [call for call in calls.all if call in needed]


def _classes(graph: Graph) -> frozenset[tuple[str, int]]:
    """Return how often each class is called in a model."""
    return frozenset(Counter(class_of(step.layer) for node in graph.nodes.values() for step in node.steps).items())


def _source(reference: Reference, tensors: dict[str, TensorSource]) -> TensorSource:
    source = tensors[reference.name]
    part = str(reference)[len(reference.name) :]
    return TensorSource(source.producer, source.part + part) if part else source


def _inputs(
    layer: Layer, feed: Feed | None, last: TensorSource | None, tensors: dict[str, TensorSource]
) -> Iterator[tuple[str, TensorSource]]:
    """Yield the operands of a step by the argument of the call that takes each."""
    if feed is None or feed.single is not None:
        assert last is not None
        yield _first_argument(layer, 1), last
        return
    sources = [(key, _source(reference, tensors)) for key, reference in feed.items()]
    if not sources:
        return  # a constant, or a weight
    if feed.keywords:
        yield from ((str(key), source) for key, source in sources)
    elif isinstance(layer, NestedModel) and len(sources) == len(layer.graph.inputs):
        yield from zip(layer.graph.inputs, (source for _, source in sources), strict=True)
    elif layer.is_operation:
        entry = catalog.find("ops", layer.class_name)
        assert entry is not None
        fed = catalog.fed(entry, len(sources))
        if entry.tensors[fed[0]] == "one" and len(fed) == len(sources):
            yield from zip(fed, (source for _, source in sources), strict=True)
        else:
            yield from ((f"{fed[0]}[{number}]", source) for number, (_, source) in enumerate(sources))
    else:
        first = _first_argument(layer, len(sources))
        yield from ((f"{first}[{number}]", source) for number, (_, source) in enumerate(sources))


def _first_argument(layer: Layer, count: int) -> str:
    """Return the argument of the call that operands without a keyword are handed to."""
    if isinstance(layer, NestedModel):
        return next(iter(layer.graph.inputs), "")
    entry = catalog.find("ops" if layer.is_operation else "layers", layer.class_name)
    if entry is None:
        return ""
    if layer.is_operation:
        (first, *_) = catalog.fed(entry, count)
        return first
    return next(iter(entry.call), "")


def _read_call(
    path: str,
    value: Any,
    inputs: list[tuple[str, TensorSource]],
    constants: Values,
    *,
    tensors: dict[str, TensorSource],
) -> None:
    """Add a call argument to the inputs or to the constants."""
    if isinstance(value, Reference):
        inputs.append((path, _source(value, tensors)))
    elif isinstance(value, list) and any(isinstance(each, Reference | list) for each in value):
        for number, each in enumerate(value):
            _read_call(f"{path}[{number}]", each, inputs, constants, tensors=tensors)
    else:
        constants[path] = value


def _without_defaults(layer: Layer, constants: Values) -> Values:
    entry = catalog.find("layers", layer.class_name)
    defaults = entry.call if entry is not None else {}
    return {key: value for key, value in constants.items() if key not in defaults or defaults[key] != value}


def shape_of(value: Value) -> Any:
    """Return the inferred shape of a result: a list of sizes, or such lists; None where it is unknown."""
    if isinstance(value, Tensor):
        return list(value.shape)
    if isinstance(value, list):
        return [shape_of(each) for each in value]
    if isinstance(value, dict):
        return {name: shape_of(each) for name, each in value.items()}
    return None
