"""The configuration of a saved model → records of its layers and of the calls between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from graphspec.from_keras.config_form import UnknownFormError, is_index, is_of_keras, is_shape

TENSOR = "__keras_tensor__"
INPUT = "InputLayer"


@dataclass(frozen=True, slots=True)
class Tensor:
    """A symbolic tensor: the result `index` of the call `call` of a layer.

    shape, dtype: those of an argument of a call, as Keras wrote them.
    """

    layer: str
    call: int = 0
    index: int = 0
    shape: tuple[int | None, ...] = field(default=(), compare=False)
    dtype: str = field(default="", compare=False)


@dataclass(eq=False, slots=True)
class LayerRecord:
    """A layer, an operation or a nested model, as its model's configuration holds it.

    is_held_elsewhere: Keras marks it as the same object as one that it wrote before, in another model or a wrapper.
    """

    name: str
    class_name: str
    module: str
    registered_name: str
    config: dict[str, Any]
    is_held_elsewhere: bool = False
    calls: list[Call] = field(default_factory=list)

    @property
    def is_operation(self) -> bool:
        """Return whether this is an operation of `keras.ops`."""
        return self.module.startswith("keras.src.ops.")

    @property
    def is_model(self) -> bool:
        """Return whether this is a model that layers and calls describe."""
        is_graph = self.class_name in ("Functional", "Sequential", "Model") and "layers" in self.config
        return is_graph and is_of_keras(self.module)


@dataclass(eq=False, slots=True)
class Call:
    """One call of a layer: its arguments, with a `Tensor` for each symbolic tensor."""

    layer: LayerRecord
    number: int
    args: list[Any]
    kwargs: dict[str, Any]

    @property
    def result(self) -> Tensor:
        """The first tensor that the call gives."""
        return Tensor(self.layer.name, self.number)

    def tensors(self) -> list[Tensor]:
        """Return every tensor among the arguments, in order."""
        return list(tensors_in([self.args, self.kwargs]))


@dataclass(frozen=True, slots=True)
class GraphLoss:
    """The mean of a tensor that a model adds to its total loss, with this weight."""

    tensor: Tensor
    weight: float


@dataclass(eq=False, slots=True)
class Body:
    """A model: inputs by name in their order, calls in an order in which each comes after what it takes, outputs.

    numbered_outputs: The names of outputs in the order in which Keras numbers them, which sorts the keys of mappings.
    losses: What the model adds to its loss, by name.
    """

    name: str
    inputs: dict[str, LayerRecord]
    layers: dict[str, LayerRecord]
    calls: list[Call]
    outputs: dict[str, Tensor]
    numbered_outputs: list[str]
    losses: dict[str, GraphLoss] = field(default_factory=dict)

    def ends(self) -> list[Tensor]:
        """Return the tensors of outputs and of losses."""
        return [*self.outputs.values(), *(each.tensor for each in self.losses.values())]

    @property
    def is_frozen(self) -> bool:
        """Return whether no layer is trainable."""
        states = [each.config.get("trainable", True) for each in self.layers.values() if each.class_name != INPUT]
        return bool(states) and not any(states)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield every tensor in nested lists and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from tensors_in(item)


def read_body(class_name: str, config: dict[str, Any]) -> Body:
    """Return the records of a model of `class_name` with `config`.

    Raises:
        UnknownFormError: The configuration is not of the form that Keras 3 writes.
    """
    name, layers = config.get("name"), config.get("layers")
    if not isinstance(name, str) or not isinstance(layers, list):
        raise UnknownFormError(f"a `{class_name}` has no `name` or no list of `layers`")
    if class_name == "Sequential":
        return _sequential(name, layers, config.get("build_input_shape"))
    inputs, outputs = ([] if key not in config else _places(config[key]) for key in ("input_layers", "output_layers"))
    if not inputs or not outputs:
        raise UnknownFormError(f"the model `{name}` has no `input_layers` or no `output_layers`")
    return _functional(name, layers, inputs, outputs)


def _record(written: Any) -> LayerRecord:
    """Return the record of a layer."""
    config = written.get("config") if isinstance(written, dict) else None
    if not isinstance(config, dict) or not isinstance(written.get("class_name"), str):
        raise UnknownFormError("one of the `layers` is no mapping with a `class_name` and a `config`")
    module = str(written.get("module") or "")
    # A custom layer may leave its name out of its `config`, and so do some operations of Keras.
    is_ours = bool(module) and is_of_keras(module) and ".ops." not in module
    name = config.get("name", None if is_ours else written.get("name"))
    if not isinstance(name, str) or not name:
        raise UnknownFormError(f"a `{written['class_name']}` has no `name`")
    if written.get("name", name) != name:
        raise UnknownFormError(f"the layer `{name}` is called `{written['name']}` as well")
    return LayerRecord(
        name=name,
        class_name=written["class_name"],
        module=module,
        registered_name=str(written.get("registered_name") or written["class_name"]),
        config=config,
        is_held_elsewhere="shared_object_id" in written,
    )


def _functional(name: str, written: list[Any], input_places: list[_Place], output_places: list[_Place]) -> Body:
    layers: dict[str, LayerRecord] = {}
    for each in written:
        record = _record(each)
        if record.name in layers:
            raise UnknownFormError(f"two layers are called `{record.name}`")
        layers[record.name] = record
        calls = each.get("inbound_nodes") or []
        if not isinstance(calls, list):
            raise UnknownFormError(f"the `inbound_nodes` of `{record.name}` are no list")
        record.calls += [_call(record, number, call) for number, call in enumerate(calls)]
    inputs = {place.tensor.layer: _input(_layer(place.tensor, layers)) for place in input_places}
    if len(inputs) < len(input_places):
        raise UnknownFormError(f"the model `{name}` has an input twice")
    outputs = {place.name: _called(place.tensor, layers) for place in output_places}
    numbered = [place.name for place in sorted(output_places, key=lambda each: each.position)]
    return Body(name, inputs, layers, _ordered(layers, inputs, outputs), outputs, numbered)


def _call(record: LayerRecord, number: int, written: Any) -> Call:
    args, kwargs = (written.get(key) for key in ("args", "kwargs")) if isinstance(written, dict) else (None, None)
    if not isinstance(args, list) or not isinstance(kwargs, dict) or "class_name" in kwargs:
        raise UnknownFormError(f"a call of `{record.name}` has no list of `args` and mapping of `kwargs`")
    call = Call(record, number, _values(args), _values(kwargs))
    if not call.tensors():
        raise UnknownFormError(f"a call of `{record.name}` takes no tensor")
    return call


def _input(record: LayerRecord) -> LayerRecord:
    """Return the layer of an input, checked."""
    if record.class_name != INPUT or not is_of_keras(record.module):
        raise UnknownFormError(f"`{record.name}` is an input, and no `{INPUT}` of Keras")
    shape = record.config.get("batch_shape") or record.config.get("batch_input_shape")
    if not shape or not is_shape(shape):
        raise UnknownFormError(f"the input `{record.name}` has no `batch_shape`")
    return record


def _layer(tensor: Tensor, layers: dict[str, LayerRecord]) -> LayerRecord:
    if tensor.layer not in layers:
        raise UnknownFormError(f"there is no layer `{tensor.layer}`, which is named as one")
    return layers[tensor.layer]


def input_names(config: dict[str, Any]) -> dict[str, str]:
    """Return the names of a model's inputs by the keys of the mapping that it takes; empty if it takes none."""
    written = config.get("input_layers")
    return {key: str(place[0]) for key, place in written.items()} if isinstance(written, dict) else {}


def _called(tensor: Tensor, layers: dict[str, LayerRecord]) -> Tensor:
    """Return an output by the number of its call.

    A functional model counts one more, that which made it; Keras takes 0, from which it subtracts one, for the last.
    """
    record = _layer(tensor, layers)
    is_functional = record.is_model and record.class_name != "Sequential"
    return replace(tensor, call=(tensor.call or len(record.calls)) - 1) if is_functional and record.calls else tensor


def _sequential(name: str, written: list[Any], built_shape: Any) -> Body:
    records = [_record(each) for each in written]
    if not records or records[0].class_name != INPUT:
        shape = built_shape or (records[0].config.get("batch_input_shape") if records else None)
        if shape is None:
            raise UnknownFormError("a Sequential model that was never built has no shape of its input")
        records.insert(
            0, LayerRecord("input", INPUT, "keras.layers", INPUT, {"batch_shape": shape, "dtype": "float32"})
        )
    first, *rest = records
    _input(first)
    calls, last = [], Tensor(first.name)
    for record in rest:
        record.calls.append(Call(record, 0, [last], {}))
        calls += record.calls
        last = record.calls[0].result
    layers = {record.name: record for record in records}
    if len(layers) < len(records) or any(record.class_name == INPUT for record in rest):
        raise UnknownFormError(f"the Sequential model `{name}` has a layer or an input twice")
    return Body(name, {first.name: first}, layers, calls, {last.layer: last}, [last.layer])


def _values(value: Any) -> Any:
    """Return call arguments with a `Tensor` in the place of each written one."""
    if isinstance(value, dict) and value.get("class_name") == TENSOR:
        config = value["config"]
        layer, call, index = config["keras_history"]
        return Tensor(layer, call, index, tuple(config["shape"]), config["dtype"])
    if isinstance(value, dict):
        return {key: _values(item) for key, item in value.items()}
    return [_values(item) for item in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class _Place:
    """An input or an output. position: the keys and indices that lead to it, as Keras sorts them."""

    name: str
    tensor: Tensor
    position: tuple[tuple[str, int], ...]


def _places(written: Any) -> list[_Place]:
    """Return inputs or outputs, of one, a list or a mapping of places, however deep.

    A place in a mapping has the name of its key, any other that of its layer, with a number if it is not the first.
    """
    found: dict[str, _Place] = {}
    waiting: list[tuple[str, Any, tuple[tuple[str, int], ...]]] = [("", written, ())]
    while waiting:
        key, each, position = waiting.pop()
        if _is_place(each):
            stem = name = key or str(each[0])
            number = 0
            while name in found:
                number += 1
                name = f"{stem}_{number}"
            found[name] = _Place(name, _tensor(each), position)
        elif isinstance(each, dict):
            waiting += [(inner, value, (*position, (inner, 0))) for inner, value in reversed(each.items())]
        elif isinstance(each, list):
            waiting += [(key, value, (*position, ("", at))) for at, value in reversed(list(enumerate(each)))]
        else:
            raise UnknownFormError(f"`{str(each)[:40]}` stands among inputs or outputs")
    return list(found.values())


def _is_place(written: Any) -> bool:
    return isinstance(written, list) and len(written) == 3 and isinstance(written[0], str)


def _tensor(written: list[Any]) -> Tensor:
    layer, call, index = written
    if not (is_index(call) and is_index(index)):
        raise UnknownFormError(f"the place of a tensor of `{layer}` is not that of a call and of a tensor")
    return Tensor(layer, call, index)


def _ordered(layers: dict[str, LayerRecord], inputs: dict[str, LayerRecord], outputs: dict[str, Tensor]) -> list[Call]:
    """Return the calls that outputs need, each after what it takes in, depth first from the first output."""
    done: set[tuple[str, int]] = set()
    begun: set[tuple[str, int]] = set()
    ordered: list[Call] = []
    waiting = [(tensor, False) for tensor in reversed(list(outputs.values()))]
    while waiting:
        tensor, is_ready = waiting.pop()
        key = (tensor.layer, tensor.call)
        record = _layer(tensor, layers)
        if key in done or record.name in inputs:
            continue
        if tensor.call >= len(record.calls):
            raise UnknownFormError(f"`{record.name}` has no call {tensor.call}")
        call = record.calls[tensor.call]
        if is_ready:
            done.add(key)
            ordered.append(call)
            continue
        if key in begun:
            raise UnknownFormError(f"`{tensor.layer}` takes in what it gives")
        begun.add(key)
        waiting.append((tensor, True))
        waiting += [(each, False) for each in reversed(call.tensors()) if (each.layer, each.call) not in done]
    return ordered
