"""A spec's inputs, nodes and outputs → tensors of Keras, each computed when it is first asked for."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from graphspec.diagnostics import Report
from graphspec.language.document.tree import Mapping, plain
from graphspec.language.expand import Substitution, chain_names
from graphspec.language.expand.expressions import Value
from graphspec.language.schema.desugar import desugar
from graphspec.language.schema.model import BlockModel, InputModel, LossModel, NestedModelSpec, NodeModel, OutputModel

from .beginnings import Batchless, are_constant, as_arrays, begins, constant, is_constant, made, weight
from .keras_calls import (
    LanguageError,
    Named,
    Nested,
    call_class,
    call_layer,
    is_tensor,
    make_input,
    one,
    operate,
    read_model,
)
from .keys import NAME, as_list, check_keys, check_schema, named_parts

MERGES = {
    "sum": "Add",
    "sub": "Subtract",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "min": "Minimum",
    "concat": "Concatenate",
    "dot": "Dot",
    "cos": "Dot",
}
_DEFAULTS: dict[str, dict[str, Any]] = {"dot": {"axes": -1}, "cos": {"axes": -1, "normalize": True}}
_REFERENCE = re.compile(rf"({NAME})(?:\[([0-9]+)\]|\.({NAME}))?")
_MAX_STEPS = 20_000


@dataclass
class Scope:
    """What a body declares, and the scope around it. declared: each name with its part and what is written."""

    parent: Scope | None
    variables: Any
    declared: dict[str, tuple[str, Any]] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    making: list[str] = field(default_factory=list)
    using: list[Any] = field(default_factory=list)

    def find(self, name: str) -> tuple[Scope, str, Any] | None:
        """Where `name` is declared, in which part, and what is written there."""
        if name in self.declared:
            return self, *self.declared[name]
        return self.parent.find(name) if self.parent is not None else None


@dataclass
class Body:
    """A whole spec, a nested model, or the inside of a block, with what comes into it as `values`."""

    tree: Mapping
    scope: Scope
    folder: Path
    values: dict[str, Any] = field(default_factory=dict)
    steps: list[int] = field(default_factory=lambda: [0])
    computing: list[str] = field(default_factory=list)
    batchless: Batchless = field(default_factory=Batchless)
    source: Any = None

    def __post_init__(self) -> None:
        self.parts = {part: named_parts(self.tree, part) for part in ("inputs", "graph", "outputs")}
        for part in ("layers", "models", "blocks"):
            for name, written in named_parts(self.tree, part).items():
                if name in self.scope.declared or hasattr(keras.layers, name):
                    raise LanguageError(f"`{name}` is declared twice, or is a layer of Keras")
                self.scope.declared[name] = (part, written)
        self.groups = {
            name: [member for member in members if member in self.tree[part]]
            for part in ("graph", "outputs")
            if isinstance(self.tree.get(part), Mapping)
            for name, members in self.tree[part].each.items()
        }
        tensors = [*self.values, *self.groups, *(name for part in self.parts.values() for name in part)]
        tensors += named_parts(self.tree, "losses")
        if len(set(tensors)) < len(tensors):
            raise LanguageError("two tensors of one name")

    def model(self, *, top: bool = False) -> keras.Model:
        """The functional model: dicts at the top; inside, the bare tensor where there is only one."""
        if not self.parts["inputs"] or not self.parts["outputs"]:
            raise LanguageError("no inputs, or no outputs")
        inputs = {}
        for name, written in self.parts["inputs"].items():
            check_keys(written, InputModel)
            inputs[name] = self.values[name] = make_input(name, written)
        self.source = next(iter(inputs.values()))
        outputs = {name: self.value(name) for name in (*self.parts["graph"], *self.parts["outputs"])}
        outputs = {name: self.ended(outputs[name]) for name in self.parts["outputs"]}
        if top:
            self.add_losses()
        return keras.Model(
            inputs if top or len(inputs) > 1 else next(iter(inputs.values())),
            outputs if top or len(outputs) > 1 else next(iter(outputs.values())),
        )

    def add_losses(self) -> None:
        """Each loss of the graph is a number, or one a sample."""
        for written in named_parts(self.tree, "losses").values():
            check_keys(written, LossModel)
            check_schema(LossModel, written)
            value = self.computed(written)
            if not is_tensor(value) or set(value.shape) - {None, 1} or "float" not in value.dtype:
                raise LanguageError("a loss is no number, nor one a sample")
            keras.ops.mean(value)

    def ended(self, value: Any) -> Any:
        """An output ends in a layer of its own."""
        if self.batchless.holds(value):
            raise LanguageError("an output without a batch")
        if not is_tensor(value):
            raise LanguageError("an output of several tensors")
        return keras.layers.Identity()(value)

    def value(self, name: str) -> Any:
        """What the input, node or output `name` is."""
        if name not in self.values:
            if name not in self.parts["graph"] and name not in self.parts["outputs"]:
                raise LanguageError(f"there is no tensor `{name}`")
            if name in self.computing:
                raise LanguageError(f"`{name}` feeds itself")
            self.computing.append(name)
            is_output = name in self.parts["outputs"] and "inputs" in self.tree
            self.values[name] = self.node({**self.parts["graph"], **self.parts["outputs"]}[name], is_output)
        return self.values[name]

    def node(self, node: Any, is_output: bool) -> Any:
        """The result of `from`, `merge` and `apply`."""
        if begins(node):
            return self.beginning(node, is_output)
        check_keys(node, OutputModel if is_output else NodeModel)
        if any(key in node for key in ("constant", "weight", "dtype")):
            raise LanguageError("a node begins twice")
        return self.computed(node)

    def computed(self, node: Mapping) -> Any:
        """What a node makes of its operands."""
        value = self.feed(node["from"])
        listed = isinstance(node["from"], list) or (isinstance(node["from"], str) and node["from"] in self.groups)
        if node.get("merge") is not None:
            value, listed = self.merge(node["merge"], value), False
        for number, step in enumerate(as_list(node.get("apply"))):
            value = self.step(step, value, listed=listed and number == 0)
        return value

    def beginning(self, node: Mapping, is_output: bool) -> Any:
        """The result of a node without `from`."""
        with_from = node.filtered()
        with_from.put("from", None, node.span, node.span)
        check_keys(with_from, OutputModel if is_output else NodeModel)
        steps = as_list(node.get("apply"))
        if node.get("merge") is not None or ("constant" in node and "weight" in node):
            raise LanguageError("a node begins twice, or merges nothing")
        if "constant" in node:
            value = constant(node["constant"], node.get("dtype"))
        elif "weight" in node:
            value = weight(node["weight"], self.source)
            self.batchless.record(value, [])
        else:
            first, steps = steps[0], steps[1:]
            call = first.get("call", {}) if isinstance(first, Mapping) else {}
            bare = {key: each for key, each in first.items() if key != "call"} if isinstance(first, Mapping) else first
            value = made(*one(bare), call)
        for step in steps:
            value = self.step(step, value, listed=False)
        return value

    def feed(self, written: Any) -> Any:
        if isinstance(written, Mapping | list) and not written:
            raise LanguageError("`from` is empty")
        if isinstance(written, Mapping):
            return Named({key: self.tensor(each) for key, each in written.items()})
        if isinstance(written, list):
            return [tensor for each in written for tensor in self.tensors(each)]
        return self.tensors(written) if isinstance(written, str) and written in self.groups else self.tensor(written)

    def tensors(self, written: Any) -> list[Any]:
        """One tensor, or those of all nodes that `each` makes."""
        if isinstance(written, str) and written in self.groups:
            return [self.value(name) for name in self.groups[written]]
        return [self.tensor(written)]

    def tensor(self, written: Any) -> Any:
        """`name`, `name[1]` or `name.output`; `name[1]` is a node where `each` makes several."""
        name, bracket, rest = written.partition("[") if isinstance(written, str) else ("", "", "")
        if bracket and name in self.groups:
            number, _, rest = rest.partition("]")
            written = f"{name}_{number}{rest}"
        match = _REFERENCE.fullmatch(written) if isinstance(written, str) else None
        if match is None:
            raise LanguageError(f"{written!r} is no reference")
        value, index, output = self.value(match[1]), match[2], match[3]
        if output is not None:
            held = value.outputs if isinstance(value, _BlockOutputs) else value if isinstance(value, dict) else {}
            if output in held:
                return held[output]
            if output == getattr(value, "only_output", None):
                return value
            raise LanguageError(f"there is no output `{written}`")
        if index is not None:
            several = list(value.values()) if isinstance(value, dict) else value
            if not isinstance(several, list | tuple) or int(index) >= len(several):
                raise LanguageError(f"there is no `{written}`")
            return several[int(index)]
        if isinstance(value, _BlockOutputs):
            raise LanguageError(f"`{written}` is several tensors")
        return value

    def merge(self, written: Any, value: Any) -> Any:
        word, arguments = one(written)
        if word not in MERGES:
            raise LanguageError(f"there is no merge {word!r}")
        merge = getattr(keras.layers, MERGES[word])
        taken, _ = self.batchless.taken(MERGES[word], value, {}, self.source)
        if isinstance(arguments, Mapping):
            result = merge(**{**_DEFAULTS.get(word, {}), **plain(arguments)})(taken)
        else:
            result = (merge(**_DEFAULTS.get(word, {})) if arguments is None else merge(plain(arguments)))(taken)
        self.batchless.record(result, value)
        return result

    def step(self, written: Any, value: Any, *, listed: bool) -> Any:
        """One step, `repeat` times."""
        beside: dict[str, Any] = {}
        if isinstance(written, Mapping):
            beside = {key: written[key] for key in ("call", "repeat") if key in written}
            written = {key: each for key, each in written.items() if key not in beside}
        name, arguments = one(written)
        repeat = beside.get("repeat", 1)
        if type(repeat) is not int or repeat < 1:
            raise LanguageError("`repeat` is no number from 1")
        if not isinstance(beside.get("call", {}), dict):
            raise LanguageError("`call` is no mapping")
        call = {key: self.call_argument(each) for key, each in beside.get("call", {}).items()}
        for number in range(repeat):
            self.steps[0] += 1
            if self.steps[0] > _MAX_STEPS:
                raise LanguageError("too many steps")
            value = self.apply(name, arguments, value, call, listed=listed and number == 0)
        return value

    def call_argument(self, written: Any) -> Any:
        if isinstance(written, Mapping):
            raise LanguageError("a call argument is a mapping")
        if isinstance(written, list):
            return [self.call_argument(each) for each in written]
        if isinstance(written, str) and written in self.groups:
            return self.tensors(written)
        return self.tensor(written) if isinstance(written, str) else written

    def apply(self, name: str, arguments: Any, value: Any, call: dict[str, Any], *, listed: bool) -> Any:
        """A step by its name: a block, a declared layer or model, an operation, or a layer of Keras."""
        found = self.scope.find(name)
        if found is not None and found[1] == "blocks":
            return self.block(found[0], found[2], arguments, value, call)
        value, call = self.batchless.taken(name, value, call, self.source)
        result = self.applied(name, arguments, value, call, listed=listed)
        self.batchless.record(result, [value.tensors if isinstance(value, Named) else value, call])
        return result

    def applied(self, name: str, arguments: Any, value: Any, call: dict[str, Any], *, listed: bool) -> Any:
        """A step that is no block."""
        found = self.scope.find(name)
        if found is not None:
            if arguments is not None:
                raise LanguageError(f"`{name}` is declared with its arguments")
            return call_layer(self.declared(name), value, call)
        if name.startswith("ops."):
            makes = are_constant(value, call)
            result = operate(name, arguments, value, call, listed=listed, makes=makes)
            return as_arrays(result) if makes else result
        return call_layer(self.layer_of_keras(name, arguments), value, call)

    def declared(self, name: str) -> Any:
        """The one layer or model that a declared name stands for."""
        found = self.scope.find(name)
        assert found is not None
        scope, part, written = found
        if name not in scope.made:
            if name in scope.making or part == "blocks":
                raise LanguageError(f"`{name}` contains itself, or is a block")
            scope.making.append(name)
            around = Body(Mapping(self.tree.span), Scope(scope, scope.variables), self.folder, steps=self.steps)
            scope.made[name] = around.nested(written) if part == "models" else around.layer(written)
            scope.making.remove(name)
        return scope.made[name]

    def nested(self, written: Any) -> Nested:
        """A declared model."""
        if isinstance(written, Mapping) and any(key in written for key in ("file", "application")):
            return read_model(written, self.folder)
        check_keys(written, NestedModelSpec)
        if not isinstance(written.get("trainable", True), bool):
            raise LanguageError("`trainable` is no truth value")
        body = Body(written, Scope(self.scope, self.scope.variables), self.folder, steps=self.steps)
        return Nested(body.model(), list(body.parts["inputs"]), list(body.parts["outputs"]))

    def layer(self, written: Any) -> Any:
        """A layer as an argument: a declared one by its name, or one written in place."""
        name, arguments = one(written)
        if isinstance(written, str) and self.scope.find(name) is not None:
            made = self.declared(name)
            return made.model if isinstance(made, Nested) else made
        return self.layer_of_keras(name, arguments)

    def layer_of_keras(self, name: str, arguments: Any) -> Any:
        cls = getattr(keras.layers, name, None)
        if not (inspect.isclass(cls) and issubclass(cls, keras.Layer)):
            raise LanguageError(f"there is no layer `{name}`")
        return call_class(cls, arguments, self.layer)

    def block(self, declaring: Scope, block: Any, given: Any, value: Any, call: dict[str, Any]) -> Any:
        """A block's output or outputs: its inside computed with its parameters filled in."""
        check_keys(block, BlockModel)
        names = block["inputs"] if isinstance(block["inputs"], list) else [block["inputs"]]
        if not names or not all(isinstance(each, str) and re.fullmatch(NAME, each) for each in names):
            raise LanguageError("a block's inputs are no names")
        left = [name for name in names if name not in call]
        if not set(call) <= set(names) or not all(is_tensor(each) or is_constant(each) for each in call.values()):
            raise LanguageError("a block has no such input")
        if isinstance(value, Named):
            bound = dict(value.tensors) if set(value.tensors) == set(left) else {}
        else:
            several = value if isinstance(value, list) else [value]
            bound = dict(zip(left, several, strict=False)) if len(several) == len(left) else {}
        bound |= call
        if set(bound) != set(names) or any(block is each for each in declaring.using):
            raise LanguageError("a block is not given its inputs, or uses itself")
        declaring.using.append(block)
        inside = Body(
            *(_filled_in(declaring, block, given), _inner(declaring), self.folder, bound, self.steps),
            batchless=self.batchless,
            source=self.source,
        )
        outputs = {name: inside.value(name) for name in (*inside.parts["graph"], *inside.parts["outputs"])}
        declaring.using.pop()
        if "output" in block:
            return outputs["output"]
        return _BlockOutputs({name: outputs[name] for name in inside.parts["outputs"]})


def _inner(scope: Scope) -> Scope:
    return Scope(scope, scope.variables)


@dataclass(frozen=True)
class _BlockOutputs:
    outputs: dict[str, Any]


def _filled_in(declaring: Scope, block: Mapping, given: Any) -> Mapping:
    """The block's nodes with its parameters filled in."""
    report = Report()
    params = block.get("params") or {}
    if not isinstance(params, dict):
        raise LanguageError("`params` is no mapping")
    if given is not None and not isinstance(given, Mapping):
        given = {next(iter(params), ""): given}
    given = given or {}
    if set(given) - set(params):
        raise LanguageError("a block has no such parameter")
    values: dict[str, Value] = {}
    for name, default in params.items():
        if name not in given and default is None:
            raise LanguageError(f"a block needs `{name}`")
        scope = chain_names(values, declaring.variables)
        filled = given[name] if name in given else Substitution(scope, report).value(default, block.span)
        values[name] = plain(filled)
    if ("output" in block) == ("outputs" in block):
        raise LanguageError("a block has one output, or outputs")
    body = Mapping(block.span)
    for key in ("layers", "graph", "outputs", "output"):
        if key in block:
            located = block.located(key)
            written: Any = located.value
            if key == "output":
                written = Mapping(located.span)
                written.put("output", located.value, located.span, located.span)
            body.put("outputs" if key == "output" else key, written, located.span, located.span)
    result = Substitution(chain_names(values, declaring.variables), report).body(body, block.span)
    if report.errors:
        raise LanguageError(report.errors[0].message)
    desugar(result)
    assert isinstance(result, Mapping)
    return result
