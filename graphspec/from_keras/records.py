"""The configuration of a saved model → records of its layers and of the calls between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

TENSOR = "__keras_tensor__"
INPUT = "InputLayer"


class UnknownFormError(ValueError):
    """A configuration that is not of the form that Keras writes."""


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
    """A layer, an operation or a nested model, as its model's configuration holds it."""

    name: str
    class_name: str
    module: str
    registered_name: str
    config: dict[str, Any]
    calls: list[Call] = field(default_factory=list)

    @property
    def is_operation(self) -> bool:
        """Return whether this is an operation of `keras.ops`."""
        return self.module.startswith("keras.src.ops.")

    @property
    def is_model(self) -> bool:
        """Return whether this is a model that layers and calls describe."""
        return self.class_name in ("Functional", "Sequential", "Model") and "layers" in self.config


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


@dataclass(eq=False, slots=True)
class Body:
    """A model: inputs by name in their order, calls in an order in which each comes after what it takes, outputs."""

    name: str
    inputs: dict[str, LayerRecord]
    layers: dict[str, LayerRecord]
    calls: list[Call]
    outputs: dict[str, Tensor]

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
    try:
        return _sequential(config) if class_name == "Sequential" else _functional(config)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, UnknownFormError):
            raise
        raise UnknownFormError(f"{type(error).__name__}: {error}") from None


def _record(written: dict[str, Any]) -> LayerRecord:
    config = written["config"]
    if not isinstance(config, dict):
        raise UnknownFormError("a layer's `config` is no mapping")
    return LayerRecord(
        name=str(written.get("name") or config["name"]),
        class_name=str(written["class_name"]),
        module=str(written.get("module") or ""),
        registered_name=str(written.get("registered_name") or written["class_name"]),
        config=config,
    )


def _functional(config: dict[str, Any]) -> Body:
    layers: dict[str, LayerRecord] = {}
    for written in config["layers"]:
        record = _record(written)
        if record.name in layers:
            raise UnknownFormError(f"two layers are called `{record.name}`")
        layers[record.name] = record
        for number, call in enumerate(written.get("inbound_nodes") or []):
            record.calls.append(Call(record, number, _values(call["args"]), _values(call["kwargs"])))
    inputs = {tensor.layer: layers[tensor.layer] for tensor in _places(config["input_layers"]).values()}
    outputs = {name: _called(tensor, layers) for name, tensor in _places(config["output_layers"]).items()}
    return Body(str(config["name"]), inputs, layers, _ordered(layers, outputs), outputs)


def input_names(config: dict[str, Any]) -> dict[str, str]:
    """Return the names of a model's inputs by the keys of the mapping that it takes; empty if it takes none."""
    written = config.get("input_layers")
    return {key: str(place[0]) for key, place in written.items()} if isinstance(written, dict) else {}


def _called(tensor: Tensor, layers: dict[str, LayerRecord]) -> Tensor:
    """Return an output by the number of its call: a functional model counts one more, that which made it."""
    record = layers[tensor.layer]
    is_functional = record.is_model and record.class_name != "Sequential"
    return replace(tensor, call=tensor.call - 1) if is_functional and tensor.call else tensor


def _sequential(config: dict[str, Any]) -> Body:
    records = [_record(written) for written in config["layers"]]
    if not records or records[0].class_name != INPUT:
        shape = config.get("build_input_shape") or (records[0].config.get("batch_input_shape") if records else None)
        if shape is None:
            raise UnknownFormError("a Sequential model that was never built has no shape of its input")
        records.insert(
            0, LayerRecord("input", INPUT, "keras.layers", INPUT, {"batch_shape": shape, "dtype": "float32"})
        )
    first, *rest = records
    calls, last = [], Tensor(first.name)
    for record in rest:
        record.calls.append(Call(record, 0, [last], {}))
        calls += record.calls
        last = record.calls[0].result
    layers = {record.name: record for record in records}
    return Body(str(config["name"]), {first.name: first}, layers, calls, {last.layer: last})


def _values(value: Any) -> Any:
    """Return call arguments with a `Tensor` in the place of each written one."""
    if isinstance(value, dict) and value.get("class_name") == TENSOR:
        layer, call, index = value["config"]["keras_history"]
        shape = tuple(value["config"].get("shape") or ())
        return Tensor(str(layer), int(call), int(index), shape, str(value["config"].get("dtype")))
    if isinstance(value, dict):
        return {key: _values(item) for key, item in value.items()}
    return [_values(item) for item in value] if isinstance(value, list | tuple) else value


def _places(written: Any) -> dict[str, Tensor]:
    """Return inputs or outputs by name, of one, a list or a mapping of places, however deep.

    A place in a mapping has the name of its key, any other that of its layer, with a number if it is not the first.
    """
    found: dict[str, Tensor] = {}
    waiting: list[tuple[str, Any]] = [("", written)]
    while waiting:
        key, each = waiting.pop()
        if _is_place(each):
            stem = name = key or str(each[0])
            number = 0
            while name in found:
                number += 1
                name = f"{stem}_{number}"
            found[name] = _tensor(each)
        elif isinstance(each, dict):
            waiting += [(str(inner), value) for inner, value in reversed(each.items())]
        else:
            waiting += [(key, value) for value in reversed(each)]
    return found


def _is_place(written: Any) -> bool:
    return isinstance(written, list | tuple) and len(written) == 3 and isinstance(written[0], str)


def _tensor(written: Any) -> Tensor:
    layer, call, index = written
    return Tensor(str(layer), int(call), int(index))


def _ordered(layers: dict[str, LayerRecord], outputs: dict[str, Tensor]) -> list[Call]:
    """Return the calls that outputs need, each after what it takes in, depth first from the first output."""
    done: set[tuple[str, int]] = set()
    begun: set[tuple[str, int]] = set()
    ordered: list[Call] = []
    waiting = [(tensor, False) for tensor in reversed(list(outputs.values()))]
    while waiting:
        tensor, is_ready = waiting.pop()
        key = (tensor.layer, tensor.call)
        record = layers[tensor.layer]
        if key in done or record.class_name == INPUT:
            continue
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
