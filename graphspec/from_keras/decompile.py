"""The configuration of a model → the tree of a spec."""

from __future__ import annotations

from typing import Any

from graphspec import catalog
from graphspec.from_keras.blocks import find_blocks
from graphspec.from_keras.nodes import NodeRecord, as_name, fold, free_name
from graphspec.from_keras.objects import UnwritableError, Writer, entry_defaults, form, name_of, plain
from graphspec.from_keras.parameters import PREFIX
from graphspec.from_keras.records import Body, Call, LayerRecord, Tensor, read_body
from graphspec.from_keras.units import NAME, Block, Unit
from graphspec.language.lower.merges import MERGES
from graphspec.language.lower.naming import snake_case

_UNHEEDED = ("training",)
"""Arguments of calls that Keras decides for all layers of a model."""


def decompile_config(written: dict[str, Any]) -> dict[str, Any]:
    """Return the tree of the spec of a model, as Keras serialises it."""
    body = read_body(written["class_name"], written["config"])
    return {"graphspec": 1, "name": as_name(body.name), **BodyWriter(body).write()}


class BodyWriter:
    """Writes the records of one model as a body of the language."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.layers: dict[str, Any] = {}
        self.models: dict[str, Any] = {}
        self.objects = Writer(self.held)
        called = [call.layer.name for call in body.calls]
        self.shared = {name for name in called if called.count(name) > 1}

    def write(self) -> dict[str, Any]:
        """Return the body: inputs, layers, models, blocks, graph and outputs."""
        outputs = list(self.body.outputs.values())
        units, blocks = find_blocks([self.unit(call) for call in self.body.calls], outputs)
        names = {Tensor(name): as_name(name) for name in self.body.inputs}
        by_tensor = {tensor: as_name(name) for name, tensor in reversed(self.body.outputs.items())}
        graph = write_nodes(units, outputs, names, by_tensor)
        ends = {}
        for name, tensor in self.body.outputs.items():
            key = as_name(name)
            ends[key] = (
                graph.pop(key) if by_tensor[tensor] == key and key in graph else {"from": reference(tensor, names)}
            )
        parts = {
            "inputs": {as_name(name): _input(record) for name, record in self.body.inputs.items()},
            "layers": self.layers,
            "models": self.models,
            "blocks": {block.name: write_block(block) for block in blocks},
            "graph": graph,
            "outputs": ends,
        }
        return {key: part for key, part in parts.items() if part}

    def unit(self, call: Call) -> Unit:
        """Return a call as a unit."""
        layer = call.layer
        keywords = {key: value for key, value in call.kwargs.items() if value is not None and key not in _UNHEEDED}
        if layer.is_operation:
            return self.operation(call)
        if layer.is_model:
            return Unit(("model", self.declare_model(layer)), call.args, keywords, call.result, call=call)
        written = {"class_name": layer.class_name, "module": layer.module, "registered_name": layer.registered_name}
        try:
            name = name_of("layers", written)
            arguments = self.objects.arguments("layers", name, layer.config)
        except UnwritableError as error:
            raise UnwritableError(f"layer `{layer.name}` {error.reason}", error.help) from None
        if layer.config.get("trainable") is False:
            arguments["trainable"] = False
        if layer.name in self.shared:
            self.layers.setdefault(as_name(layer.name), form("layers", name, arguments))
            return Unit(("shared", as_name(layer.name)), call.args, keywords, call.result, call=call)
        entry = catalog.find("layers", name)
        defaults = entry_defaults(entry)
        return Unit(("layer", name), call.args, keywords, call.result, {**arguments, NAME: layer.name}, defaults, call)

    def operation(self, call: Call) -> Unit:
        """Return a call of an operation as a unit, its constants as slots."""
        name = f"ops.{snake_case(call.layer.class_name)}"
        entry = catalog.find("ops", name)
        if entry is None:
            raise UnwritableError(
                f"operation `{call.layer.name}` is a `{call.layer.class_name}`, which no spec can write", ""
            )
        constants = {key: plain(value) for key, value in call.layer.config.items() if key in entry.arguments}
        args = list(call.args)
        for argument, value in zip(list(entry.tensors), call.args, strict=False):
            if not isinstance(value, Tensor | list):
                constants[argument] = plain(value)
                args.remove(value)
        constants = {key: value for key, value in constants.items() if value != entry.arguments[key]}
        return Unit(("ops", name), args, call.kwargs, call.result, constants, dict(entry.arguments), call)

    def held(self, written: dict[str, Any]) -> Any:
        """Write a layer that stands among the arguments of another one."""
        config = written["config"]
        record = LayerRecord(
            name=str(config.get("name", "")),
            class_name=str(written["class_name"]),
            module=str(written.get("module") or ""),
            registered_name=str(written.get("registered_name") or written["class_name"]),
            config=config,
        )
        if record.is_model:
            return self.declare_model(record)
        is_named_by_rule = record.name in ("", snake_case(record.class_name))
        return self.objects.write("layers", written, {} if is_named_by_rule else {"name": record.name})

    def declare_model(self, record: LayerRecord) -> str:
        """Declare a nested model, and return its name."""
        name = as_name(record.name)
        if name not in self.models:
            self.models[name] = BodyWriter(read_body(record.class_name, record.config)).write()
        return name


def write_nodes(
    units: list[Unit], outputs: list[Tensor], names: dict[Tensor, str], by_tensor: dict[Tensor, str]
) -> dict[str, Any]:
    """Return nodes by name. names is given a name for each tensor that a node is.

    by_tensor: names that tensors must have, those of outputs.
    """
    nodes = fold(units, outputs)
    taken = {*names.values(), *by_tensor.values()}
    for node in nodes:
        wanted = by_tensor.get(node.result)
        node.name = wanted if wanted is not None else free_name(as_name(_stem(node)), taken)
        names[node.result] = node.name
    return {node.name: _write_node(node, names) for node in nodes}


def _stem(node: NodeRecord) -> str:
    last = node.units[-1]
    text = str(last.slots.get(NAME, last.result.layer))
    return text.rpartition("}")[2] if "${" in text else text


def _write_node(node: NodeRecord, names: dict[Tensor, str]) -> dict[str, Any]:
    first = node.units[0]
    written: dict[str, Any] = {}
    given = first.args[0] if len(first.args) == 1 else first.args
    written["from"] = values_of(given, names)
    steps = []
    layers = [unit for unit in node.units if NAME in unit.slots]
    for unit in node.units:
        slots = dict(unit.slots)
        if unit.kind[0] == "layer" and layers[-1] is unit and slots.get(NAME) == node.name:
            del slots[NAME]
        word = _merge(unit, slots) if unit is first else None
        if word is not None:
            written["merge"] = word
        else:
            steps.append(_step(unit, slots, names))
    if steps:
        written["apply"] = steps[0] if len(steps) == 1 else steps
    return written


def _step(unit: Unit, slots: dict[str, Any], names: dict[Tensor, str]) -> Any:
    what, name = unit.kind
    if what == "block":
        step: Any = _use(unit, slots)
    elif what in ("model", "shared"):
        step = name
    else:
        step = form("layers" if what == "layer" else "ops", name, slots)
    if not unit.kwargs:
        return step
    keywords = {key: values_of(value, names) for key, value in unit.kwargs.items()}
    return {**(step if isinstance(step, dict) else {step: None}), "call": keywords}


def _use(unit: Unit, slots: dict[str, Any]) -> Any:
    assert unit.block is not None
    if not slots:
        return unit.block.name
    first = next(iter(unit.block.parameters))
    return {unit.block.name: slots[first] if list(slots) == [first] else slots}


def _merge(unit: Unit, slots: dict[str, Any]) -> Any:
    """Return the word of the merge layer that is called on a list, with its arguments; None where it is none."""
    is_list = len(unit.args) == 1 and isinstance(unit.args[0], list) and len(unit.feed) > 1 and not unit.kwargs
    if not is_list or unit.kind[0] != "layer":
        return None
    for word, (name, own) in reversed(MERGES.items()):
        if name == unit.kind[1] and all(slots.get(key) == value for key, value in own.items()):
            rest = {key: value for key, value in slots.items() if key not in own}
            return {word: rest} if rest else word
    return None


def write_block(block: Block) -> dict[str, Any]:
    """Return a block as the language declares it."""
    names = {tensor: name for name, tensor in block.inputs.items()}
    inputs = list(block.inputs)
    graph = write_nodes(block.template, [block.output], names, {block.output: "output"})
    output = graph.pop("output")
    parameters = dict(sorted(block.parameters.items(), key=lambda item: (item[0] != PREFIX, item[1] is not None)))
    written = {
        "params": parameters,
        "inputs": inputs[0] if len(inputs) == 1 else inputs,
        "graph": graph,
        "output": output,
    }
    return {key: part for key, part in written.items() if part}


def reference(tensor: Tensor, names: dict[Tensor, str]) -> str:
    """Return how a spec names a tensor."""
    if tensor in names:
        return names[tensor]
    return f"{names[Tensor(tensor.layer, tensor.call)]}[{tensor.index}]"


def values_of(value: Any, names: dict[Tensor, str]) -> Any:
    """Return arguments of a call with references in the place of tensors."""
    if isinstance(value, Tensor):
        return reference(value, names)
    if isinstance(value, list):
        return [values_of(item, names) for item in value]
    return plain(value)


def _input(record: LayerRecord) -> Any:
    batch, *shape = record.config.get("batch_shape") or record.config["batch_input_shape"]
    stated = {
        "dtype": (record.config.get("dtype") or "float32", "float32"),
        "sparse": (bool(record.config.get("sparse")), False),
        "batch_size": (batch, None),
        "optional": (bool(record.config.get("optional")), False),
    }
    further = {key: value for key, (value, default) in stated.items() if value != default}
    return {"shape": shape, **further} if further else shape
