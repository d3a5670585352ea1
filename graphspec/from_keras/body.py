"""The records of one model → a body of the language: inputs, layers, models, blocks, graph and outputs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from graphspec import catalog
from graphspec.diagnostics.rules import NO_EQUIVALENT, PLUGIN_NEEDED, RENAMED
from graphspec.from_keras.batchless import take_batchless
from graphspec.from_keras.beginnings import constant_unit, join_weights, with_beginnings
from graphspec.from_keras.blocks import find_blocks, in_order
from graphspec.from_keras.config_form import UnknownFormError
from graphspec.from_keras.findings import Findings, UnwritableError
from graphspec.from_keras.layer_state import LearnedState
from graphspec.from_keras.masks import automatic_masks
from graphspec.from_keras.node_writer import NodeWriter
from graphspec.from_keras.nodes import as_name, free_name
from graphspec.from_keras.objects import Writer, entry_defaults, form, literal, name_of
from graphspec.from_keras.operations import operation_unit
from graphspec.from_keras.random_draws import random_draws
from graphspec.from_keras.records import (
    Body,
    Call,
    LayerRecord,
    Tensor,
    input_names,
    read_body,
    tensors_in,
)
from graphspec.from_keras.tensor_lists import gives_several
from graphspec.from_keras.units import NAME, Block, Unit, without_unused
from graphspec.from_keras.values import values_of
from graphspec.from_keras.wrappers import record_of, refuse_copy, shared_models, without_copy
from graphspec.language.lower.naming import snake_case


@dataclass
class Context:
    """What the bodies of one model share.

    Attributes:
        plugins: The modules that register its custom layers.
    """

    findings: Findings
    learned: LearnedState
    plugins: list[str] = field(default_factory=list)


class BodyWriter:
    """Writes the records of one model as a body of the language.

    Attributes:
        path: The names of the models that hold it.
        is_frozen: A model that holds it is frozen, or it is itself, so that its layers do not say so.
        implied: Names of layers that a spec need not state, since the naming rule gives them; `candidates` may be.
    """

    def __init__(self, body: Body, context: Context, path: tuple[str, ...] = (), *, is_frozen: bool = False) -> None:
        take_batchless(body)
        self.body = body
        self.is_frozen = is_frozen
        self.context = context
        self.path = path
        self.layers: dict[str, Any] = {}
        self.models: dict[str, BodyWriter] = {}
        self.implied: set[str] = set()
        self.candidates: set[str] = set()
        self.objects = Writer(self.held)
        calls = Counter(call.layer.name for call in body.calls)
        self.shared = {name for name, count in calls.items() if count > 1}
        self.declared: dict[int | str, str] = {}
        self.shared_models = shared_models(body)
        declared = [each for each in body.layers.values() if each.is_model or each.name in self.shared]
        for record in sorted(declared, key=lambda each: as_name(each.name) != each.name):
            self.declared_name(record)
        self.outputs = body.ends()
        self.automatic_masks = automatic_masks(body.calls)
        self.draws, hidden = random_draws(body.calls)
        units = [self.draws.get(call) or self.unit(call) for call in body.calls if call not in hidden]
        units = without_unused(units, self.outputs)
        units = join_weights(units, self.outputs, {*map(as_name, body.inputs), *body.losses, *self.declared.values()})
        taken = [*self.outputs, *(tensor for unit in units for tensor in unit.inputs)]
        used = {(tensor.layer, tensor.call) for tensor in taken if tensor.index}
        self.several = {(each.result.layer, each.result.call) for each in units if gives_several(each, used)}
        self.uses = Counter(taken)
        self.results = {(unit.result.layer, unit.result.call) for unit in units}
        others, self.blocks = find_blocks([unit for unit in units if unit.inputs], self.outputs, self.several)
        self.units = with_beginnings(
            [unit for unit in units if not unit.inputs], others
        )  # of which each use has its own
        self.output_keys = self._output_keys()

    def writers(self) -> list[BodyWriter]:
        """Return this writer and those of all models in it."""
        return [self, *(inner for each in self.models.values() for inner in each.writers())]

    def write(self) -> dict[str, Any]:
        """Return the body, its keys in the order of the language."""
        names = {Tensor(name): self.input_name(name) for name in self.body.inputs}
        by_tensor = {
            tensor: self.output_keys[name]
            for name, tensor in reversed(self.body.outputs.items())
            if self.ends_node(tensor, self.output_keys[name])
        }
        for name, loss in self.body.losses.items():
            if self.is_last_layer(loss.tensor) and self.uses[loss.tensor] == 1:
                by_tensor[loss.tensor] = name
        graph = NodeWriter(
            names,
            self.reference,
            [*self.output_keys.values(), *self.body.losses],
            self.implied,
            self.candidates,
            self.several,
            next(iter(self.output_keys.values())) if self.body.losses else "",
        ).nodes(self.units, self.outputs, by_tensor)
        ends = {}
        for name, tensor in self.body.outputs.items():
            key = self.output_keys[name]
            is_own = by_tensor.get(tensor) == key and key in graph
            ends[key] = graph.pop(key) if is_own else {"from": self.reference(tensor, names)}
        losses = {}
        for name, loss in self.body.losses.items():
            is_own = by_tensor.get(loss.tensor) == name and name in graph
            written = graph.pop(name) if is_own else {"from": self.reference(loss.tensor, names)}
            losses[name] = {**written, **({"weight": loss.weight} if loss.weight != 1 else {})}
        parts = {
            "layers": self.layers,
            "models": {name: self.model(writer) for name, writer in self.models.items()},
            "blocks": {block.name: self.block(block) for block in in_order(self.blocks)},
            "inputs": {self.input_name(name): _input(record) for name, record in self.body.inputs.items()},
            "graph": graph,
            "outputs": ends,
            "losses": losses,
        }
        return {key: part for key, part in parts.items() if part}

    def operands_of(self, call: Call) -> list[Tensor]:
        """Return the tensors of a call that the spec writes: all but masks that Keras passes on by itself."""
        if call in self.draws:
            return self.draws[call].inputs
        written = {
            key: value
            for key, value in call.kwargs.items()
            if (call.layer.name, call.number, key) not in self.automatic_masks
        }
        return list(tensors_in([call.args, written]))

    def _output_keys(self) -> dict[str, str]:
        """Return the name of each output in the spec, which no input and no other layer or model bears."""
        keys: dict[str, str] = {}
        layers = {as_name(each.name) for each in self.body.layers.values() if not each.is_operation}
        taken: set[str] = set()
        for name, tensor in self.body.outputs.items():
            key = as_name(name)
            is_free = key not in layers or (self.is_last_layer(tensor) and tensor.layer == key)
            keys[name] = free_name(key if is_free else f"{key}_output", taken if is_free else {*taken, *layers})
            taken.add(keys[name])
            if keys[name] != name:
                self.context.findings.add(
                    RENAMED,
                    f"the output `{name}` is called `{keys[name]}` in the spec",
                    name,
                    expected="a name of the language that no input and no other layer has",
                    help="losses, metrics and data name the output so",
                )
        return keys

    def is_last_layer(self, tensor: Tensor) -> bool:
        """Return whether a tensor is the only one of a layer that is called once."""
        record = self.body.layers[tensor.layer]
        is_single = (tensor.layer, tensor.call) not in self.several and not tensor.index
        is_called = (tensor.layer, tensor.call) in self.results
        return is_single and is_called and not record.is_model and record.name not in self.shared

    def ends_node(self, tensor: Tensor, key: str) -> bool:
        """Return whether an output is the node that computes a tensor.

        Where the language adds an `Identity` for the name, it is one if nothing else takes the tensor.
        """
        has_name = tensor.layer == key and not self.body.layers[key].is_operation
        return self.is_last_layer(tensor) and (has_name or self.uses[tensor] == 1)

    def model(self, writer: BodyWriter) -> dict[str, Any]:
        """Return the declaration of a nested model."""
        return {**writer.write(), **({"trainable": False} if writer.is_frozen and not self.is_frozen else {})}

    def input_name(self, name: str) -> str:
        """Return the name of an input, with a warning if the language cannot have it as it is."""
        written = as_name(name)
        if written != name:
            self.context.findings.add(
                RENAMED,
                f"the input `{name}` is called `{written}` in the spec",
                name,
                expected="letters, digits, `_` and `-`, which a name of the language has",
                help="data are passed to the built model by the new name",
            )
        return written

    def unit(self, call: Call) -> Unit:
        """Return a call as a unit; one without a kind after a diagnostic."""
        try:
            unit = self._unit(call)
            for value in unit.kwargs.values():
                _check_keyword(value)
            values_of([unit.args, unit.kwargs], lambda _: "")
        except UnwritableError as error:
            self.context.findings.refuse("/".join((*self.path, call.layer.name)), error)
            return Unit(("layer", "Identity"), list(call.tensors())[:1], {}, call.result, call=call)
        return unit

    def _unit(self, call: Call) -> Unit:
        layer = call.layer
        if layer.is_operation:
            return operation_unit(call) if call.tensors() else constant_unit(call)
        keywords = {key: value for key, value in call.kwargs.items() if value is not None}
        if _is_usual_training(layer, keywords.get("training")):
            keywords.pop("training", None)
        keywords = {
            key: value for key, value in keywords.items() if (layer.name, call.number, key) not in self.automatic_masks
        }
        if layer.is_model:
            args = call.args
            if len(args) == 1 and isinstance(args[0], list) and len(args[0]) == 1:
                args = args[0]
            if len(args) == 1 and isinstance(args[0], dict):
                names = input_names(layer.config)
                args, keywords = [], {as_name(names.get(key, key)): each for key, each in args[0].items()} | keywords
            keywords.pop("mask", None)
            return Unit(("model", self.declare_model(layer)), args, keywords, call.result, call=call)
        refuse_copy(layer)
        name, arguments = self.layer_form(layer)
        args, keywords = _operands(call, name, keywords)
        if layer.name in self.shared:
            declared = self.declared_name(layer)
            stated = {} if declared == layer.name else {NAME: literal(layer.name)}
            self.layers.setdefault(declared, form("layers", name, {**arguments, **stated}))
            return Unit(("shared", declared), args, keywords, call.result, call=call)
        defaults = entry_defaults(catalog.find("layers", name))
        return Unit(
            ("layer", name), args, keywords, call.result, {**arguments, NAME: literal(layer.name)}, defaults, call
        )

    def layer_form(self, layer: LayerRecord) -> tuple[str, dict[str, Any]]:
        """Return the name of the class of a layer and the arguments that a spec states."""
        if isinstance(layer.config.get("layers"), list) and layer.class_name in ("Functional", "Model"):
            raise UnwritableError(NO_EQUIVALENT, "is a model without layers of its own")
        name = name_of("layers", _serialised(layer))
        if ">" in name:
            self.ask_for_plugin(name, layer)
        arguments = self.objects.arguments("layers", name, without_copy(layer))
        self.context.learned.add_to(arguments, name, layer.config, (*self.path, layer.name))
        if layer.config.get("trainable") is False and not self.is_frozen:
            arguments["trainable"] = False
        return name, arguments

    def ask_for_plugin(self, name: str, layer: LayerRecord) -> None:
        """Name the module of a custom layer under `plugins`, after its package if nobody says which it is.

        A package that registers its layers under its own name is named as a whole.
        """
        plugins = self.context.plugins
        package, module = name.partition(">")[0], layer.module
        if module and module != "builtins" and not module.startswith("keras."):
            root = module.partition(".")[0]
            if module not in plugins and root not in plugins:
                plugins.append(root if root == package else module)
        if plugins:
            return
        package = as_name(package)
        plugins.append(package)
        self.context.findings.add(
            PLUGIN_NEEDED,
            f"layer `{layer.name}` is the custom `{name}`, and the model does not say which module registers it",
            layer.name,
            expected="`plugins` with this module, so that building the spec finds the class",
            help=f"the spec names `{package}`, after the package: change it there, or name the module by --plugin",
        )

    def held(self, written: dict[str, Any]) -> Any:
        """Write a layer that stands among the arguments of another one."""
        record = record_of(written)
        if record.is_model:
            return self.declare_model(record)
        refuse_copy(record)
        name = name_of("layers", written)
        if ">" in name:
            self.ask_for_plugin(name, record)
        arguments = self.objects.arguments("layers", name, without_copy(record))
        if record.config.get("trainable") is False and not self.is_frozen:
            arguments["trainable"] = False
        if record.name not in ("", snake_case(record.class_name)):
            arguments[NAME] = literal(record.name)
        return form("layers", name, arguments)

    def declared_name(self, record: LayerRecord) -> str:
        """Return the name under which a shared layer or a nested model is declared, which no other one has."""
        key = record.name if record.name in self.shared_models else id(record.config)  # one name may be that of several
        if key not in self.declared:
            self.declared[key] = free_name(as_name(record.name), set(self.declared.values()))
        return self.declared[key]

    def declare_model(self, record: LayerRecord) -> str:
        """Declare a nested model, and return its name."""
        name = self.declared_name(record)
        if name != record.name:
            self.context.findings.add(
                RENAMED,
                f"the model `{record.name}` is called `{name}` in the spec",
                record.name,
                expected="letters, digits, `_` and `-`, which a name of the language has",
                help="weights are found by the new name",
            )
        if name not in self.models:
            record = self.shared_models.get(record.name, record)
            refuse_copy(record)
            path = (*self.path, record.name)
            try:
                body = read_body(record.class_name, record.config)
            except UnknownFormError as error:
                raise UnwritableError(NO_EQUIVALENT, f"is a model that cannot be read: {error}") from None
            is_frozen = self.is_frozen or body.is_frozen
            self.models[name] = BodyWriter(body, self.context, path, is_frozen=is_frozen)
        return name

    def block(self, block: Block) -> dict[str, Any]:
        """Return a block as the language declares it."""
        names = {tensor: name for name, tensor in block.inputs.items()}
        inputs = list(block.inputs)
        writer = NodeWriter(names, self.reference, several=self.several)
        graph = writer.nodes(block.template, [block.output], {block.output: "output"})
        output = graph.pop("output")
        written = {
            "params": block.ordered_parameters(),
            "inputs": inputs[0] if len(inputs) == 1 else inputs,
            "graph": graph,
            "output": output,
        }
        return {key: part for key, part in written.items() if part}

    def reference(self, tensor: Tensor, names: dict[Tensor, str]) -> str:
        """Return the text by which a spec names a tensor."""
        several = self.output_names(tensor.layer)
        node = names.get(replace(tensor, index=0), "")
        if tensor.index < len(several):
            return f"{node}.{several[tensor.index]}"
        return f"{node}[{tensor.index}]" if (tensor.layer, tensor.call) in self.several else node

    def output_names(self, layer: str) -> list[str]:
        """Return the names of the outputs of a nested model of several, as Keras numbers them; else none."""
        record = self.body.layers.get(layer)
        writer = self.models.get(self.declared_name(record)) if record is not None and record.is_model else None
        numbered = writer.body.numbered_outputs if writer is not None else []
        return [writer.output_keys[name] for name in numbered] if writer is not None and len(numbered) > 1 else []


def _operands(call: Call, name: str, keywords: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the operands of a layer: one by position, or all by keyword where it takes several."""
    if len(call.args) == 1:
        return call.args, keywords
    entry = catalog.find("layers", name)
    parameters = list(entry.call) if entry is not None else []
    if len(call.args) > len(parameters):
        raise UnwritableError(
            NO_EQUIVALENT,
            f"is called with {len(call.args)} arguments by position, whose names are not known",
            expected="one tensor, or tensors by keyword",
            help="call it with keywords in the model, and save it again",
        )
    named = dict(zip(parameters, call.args, strict=False))
    return [], {key: value for key, value in named.items() if value is not None} | keywords


def _is_usual_training(layer: LayerRecord, value: Any) -> bool:
    """Return whether a layer is called with the `training` that it has by itself, which Keras writes as well."""
    entry = None if layer.is_model else catalog.find("layers", layer.class_name)
    default = entry.call.get("training") if entry is not None else None
    return isinstance(value, bool) and value == (default is True)


def _check_keyword(value: Any) -> None:
    """Refuse an argument of a call that a spec would read as another."""
    listed = value if isinstance(value, list) else [value]
    if isinstance(value, str) or (isinstance(value, dict) and not any(True for _ in tensors_in(value))):
        raise UnwritableError(
            NO_EQUIVALENT,
            f"is called with `{str(value)[:60]}`, and text in a call names a tensor",
            expected="tensors, numbers, true or false",
        )
    if any(each is None for each in listed) and len(listed) > 1:
        raise UnwritableError(NO_EQUIVALENT, "is called with None among its tensors", expected="a list of tensors")


def _serialised(layer: LayerRecord) -> dict[str, Any]:
    return {
        "class_name": layer.class_name,
        "module": layer.module,
        "registered_name": layer.registered_name,
        "config": layer.config,
    }


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
