"""A spec → what Keras says of it: the model built without weights and compiled, and none of graphspec's checks.

This is the oracle that `graphspec validate` is measured by, so it is written as plainly as the language reads: a node
is computed when it is first asked for, and an object is a class of Keras called with what stands in the spec. What only
the language can refuse (an unknown key, a name that is nowhere) is a LanguageError. Reading YAML, variables and
expressions are the language's own, and are graphspec's here as well.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
from pydantic import ValidationError

from graphspec.diagnostics import Report, SpecError
from graphspec.language.document import read
from graphspec.language.document.tree import Mapping, plain
from graphspec.language.expand import Substitution, chain_names, expand
from graphspec.language.expand.expressions import Value
from graphspec.language.schema.desugar import desugar
from graphspec.language.schema.model import (
    BlockModel,
    DataModel,
    InputModel,
    NestedModelSpec,
    NodeModel,
    OutputModel,
    SpecModel,
    TrainingModel,
)
from graphspec.to_keras.keras_internals import weightless_scope

from .keras_calls import (
    LanguageError,
    Named,
    Nested,
    call_class,
    call_layer,
    is_tensor,
    look_up,
    make,
    make_input,
    one,
    operate,
    read_model,
)

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
_GIVEN: dict[str, dict[str, Any]] = {"dot": {"axes": -1}, "cos": {"axes": -1, "normalize": True}}
_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_REFERENCE = re.compile(rf"({_NAME})(?:\[([0-9]+)\]|\.({_NAME}))?")
_MOST_STEPS = 20_000
_DEEP = 50_000


@dataclass(frozen=True)
class Answer:
    """Whether there is such a model; if not, whether the `language` or `keras` says no, and why."""

    yes: bool
    by: str = ""
    why: str = ""


def ask(path: Path) -> Answer:
    """What Keras says of the spec at `path`."""
    policy, depth = keras.config.dtype_policy(), sys.getrecursionlimit()
    sys.setrecursionlimit(_DEEP)  # Keras walks a chain of layers one call deep for each
    try:
        _build_and_compile(path)
    except LanguageError as error:
        return Answer(False, "language", str(error))
    except Exception as error:
        return Answer(False, "keras", f"{type(error).__name__}: {str(error)[:500]}")
    finally:
        sys.setrecursionlimit(depth)
        keras.config.set_dtype_policy(policy)
        keras.utils.clear_session(free_memory=False)
    return Answer(True)


def _build_and_compile(path: Path) -> None:
    report = Report()
    try:
        tree = read(path, report)
        desugar(tree)
        library = expand(tree, path, report)
    except SpecError as error:
        raise LanguageError(error.report.found[0].message) from None
    if report.errors:
        raise LanguageError(report.errors[0].message)
    spec, training = library.tree, library.tree.get("training")
    desugar(spec)
    _check_settings(spec, training)
    if training is not None:
        keras.config.set_dtype_policy(training.get("precision", "float32"))
    body = _Body(spec, _Scope(None, library.variables), path.parent)
    with weightless_scope():
        model = body.model(top=True)
    if training is not None:
        _compile(model, body.parts["outputs"], training)


def _check_settings(spec: Mapping, training: Any) -> None:
    """What never reaches Keras is as the language says."""
    _check_keys(spec, SpecModel)
    if spec["graphspec"] != 1 or isinstance(spec["graphspec"], bool):
        raise LanguageError("the version is not 1")
    name, description = spec.get("name"), spec.get("description")
    if name is not None and not (isinstance(name, str) and re.fullmatch(_NAME, name)):
        raise LanguageError("the name is no name")
    if description is not None and not isinstance(description, str):
        raise LanguageError("the description is no text")
    for kind, written in ((TrainingModel, training), (DataModel, spec.get("data"))):
        if written is not None:
            _check_schema(kind, written)


def _compile(model: keras.Model, outputs: dict[str, Any], training: Mapping) -> None:
    losses: dict[str, Any] = {}
    weights: dict[str, float] = {}
    metrics: dict[str, list[Any]] = {}
    weighted: dict[str, list[Any]] = {}
    for name, written in outputs.items():
        _check_schema(OutputModel, written)
        losses[name] = make("losses", written["loss"]) if written.get("loss") is not None else None
        weights[name] = float(written.get("loss_weight", 1.0))
        metrics[name] = [make("metrics", each) for each in _listed(written.get("metrics"))]
        weighted[name] = [make("metrics", each) for each in _listed(written.get("weighted_metrics"))]
        look_up("losses", losses[name])
        for each in (*metrics[name], *weighted[name]):
            look_up("metrics", each)
    model.compile(
        optimizer=make("optimizers", training["optimizer"]),
        loss=losses,
        loss_weights=weights,
        metrics=metrics,
        weighted_metrics=weighted,
        jit_compile=training.get("jit_compile", "auto"),
    )
    for callback in _listed(training.get("callbacks")):
        make("callbacks", callback)


@dataclass
class _Scope:
    """What a body declares, and the scope around it. declared: each name with its part and what is written."""

    parent: _Scope | None
    variables: Any
    declared: dict[str, tuple[str, Any]] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    making: list[str] = field(default_factory=list)
    using: list[Any] = field(default_factory=list)

    def find(self, name: str) -> tuple[_Scope, str, Any] | None:
        """Where `name` is declared, in which part, and what is written there."""
        if name in self.declared:
            return self, *self.declared[name]
        return self.parent.find(name) if self.parent is not None else None


@dataclass
class _Body:
    """A whole spec, a nested model, or the inside of a block, with what comes into it as `values`."""

    tree: Mapping
    scope: _Scope
    folder: Path
    values: dict[str, Any] = field(default_factory=dict)
    steps: list[int] = field(default_factory=lambda: [0])
    computing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parts = {part: _names(self.tree, part) for part in ("inputs", "graph", "outputs")}
        for part in ("layers", "models", "blocks"):
            for name, written in _names(self.tree, part).items():
                if name in self.scope.declared or hasattr(keras.layers, name):
                    raise LanguageError(f"`{name}` is declared twice, or is a layer of Keras")
                self.scope.declared[name] = (part, written)
        tensors = [*self.values, *(name for part in self.parts.values() for name in part)]
        if len(set(tensors)) < len(tensors):
            raise LanguageError("two tensors of one name")

    def model(self, *, top: bool = False) -> keras.Model:
        """The functional model: dicts at the top; inside, the bare tensor where there is only one."""
        if not self.parts["inputs"] or not self.parts["outputs"]:
            raise LanguageError("no inputs, or no outputs")
        inputs = {}
        for name, written in self.parts["inputs"].items():
            _check_keys(written, InputModel)
            inputs[name] = self.values[name] = make_input(name, written)
        outputs = {name: self.value(name) for name in (*self.parts["graph"], *self.parts["outputs"])}
        outputs = {name: self.ended(outputs[name]) for name in self.parts["outputs"]}
        return keras.Model(
            inputs if top or len(inputs) > 1 else next(iter(inputs.values())),
            outputs if top or len(outputs) > 1 else next(iter(outputs.values())),
        )

    def ended(self, value: Any) -> Any:
        """An output ends in a layer of its own."""
        if isinstance(value, _BlockOutputs):
            raise LanguageError("an output of several tensors")
        return keras.layers.Identity()(value) if is_tensor(value) else value

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
        _check_keys(node, OutputModel if is_output else NodeModel)
        value = self.feed(node["from"])
        listed = isinstance(node["from"], list)
        if node.get("merge") is not None:
            value, listed = self.merge(node["merge"], value), False
        for number, step in enumerate(_listed(node.get("apply"))):
            value = self.step(step, value, listed=listed and number == 0)
        return value

    def feed(self, written: Any) -> Any:
        if isinstance(written, Mapping | list) and not written:
            raise LanguageError("`from` is empty")
        if isinstance(written, Mapping):
            return Named({key: self.tensor(each) for key, each in written.items()})
        return [self.tensor(each) for each in written] if isinstance(written, list) else self.tensor(written)

    def tensor(self, written: Any) -> Any:
        """`name`, `name[1]` or `name.output`."""
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
        if isinstance(arguments, Mapping):
            return merge(**{**_GIVEN.get(word, {}), **plain(arguments)})(value)
        return (merge(**_GIVEN.get(word, {})) if arguments is None else merge(plain(arguments)))(value)

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
            if self.steps[0] > _MOST_STEPS:
                raise LanguageError("too many steps")
            value = self.apply(name, arguments, value, call, listed=listed and number == 0)
        return value

    def call_argument(self, written: Any) -> Any:
        if isinstance(written, Mapping):
            raise LanguageError("a call argument is a mapping")
        if isinstance(written, list):
            return [self.call_argument(each) for each in written]
        return self.tensor(written) if isinstance(written, str) else written

    def apply(self, name: str, arguments: Any, value: Any, call: dict[str, Any], *, listed: bool) -> Any:
        """A step by its name: a block, a declared layer or model, an operation, or a layer of Keras."""
        found = self.scope.find(name)
        if found is not None and found[1] == "blocks":
            if call:
                raise LanguageError("a block takes no call")
            return self.block(found[0], found[2], arguments, value)
        if found is not None:
            if arguments is not None:
                raise LanguageError(f"`{name}` is declared with its arguments")
            return call_layer(self.declared(name), value, call)
        if name.startswith("ops."):
            return operate(name, arguments, value, call, listed=listed)
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
            around = _Body(Mapping(self.tree.span), _Scope(scope, scope.variables), self.folder, steps=self.steps)
            scope.made[name] = around.nested(written) if part == "models" else around.layer(written)
            scope.making.remove(name)
        return scope.made[name]

    def nested(self, written: Any) -> Nested:
        """A declared model."""
        if isinstance(written, Mapping) and any(key in written for key in ("file", "spec", "application")):
            return read_model(written, self.folder)
        _check_keys(written, NestedModelSpec)
        if not isinstance(written.get("trainable", True), bool):
            raise LanguageError("`trainable` is no truth value")
        body = _Body(written, _Scope(self.scope, self.scope.variables), self.folder, steps=self.steps)
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

    def block(self, declaring: _Scope, block: Any, given: Any, value: Any) -> Any:
        """A block's output or outputs: its inside computed with its parameters filled in."""
        _check_keys(block, BlockModel)
        names = block["inputs"] if isinstance(block["inputs"], list) else [block["inputs"]]
        if not names or not all(isinstance(each, str) and re.fullmatch(_NAME, each) for each in names):
            raise LanguageError("a block's inputs are no names")
        if isinstance(value, Named):
            bound = dict(value.tensors)
        else:
            several = value if isinstance(value, list) else [value]
            bound = dict(zip(names, several, strict=False)) if len(several) == len(names) else {}
        if set(bound) != set(names) or any(block is each for each in declaring.using):
            raise LanguageError("a block is not given its inputs, or uses itself")
        declaring.using.append(block)
        inside = _Body(_filled_in(declaring, block, given), _inner(declaring), self.folder, bound, self.steps)
        outputs = {name: inside.value(name) for name in (*inside.parts["graph"], *inside.parts["outputs"])}
        declaring.using.pop()
        if "output" in block:
            return outputs["output"]
        return _BlockOutputs({name: outputs[name] for name in inside.parts["outputs"]})


def _inner(scope: _Scope) -> _Scope:
    return _Scope(scope, scope.variables)


@dataclass(frozen=True)
class _BlockOutputs:
    outputs: dict[str, Any]


def _filled_in(declaring: _Scope, block: Mapping, given: Any) -> Mapping:
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
    for key in ("graph", "outputs", "output"):
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


def _listed(written: Any) -> list[Any]:
    return [] if written is None else list(written) if isinstance(written, list) else [written]


def _names(tree: Mapping, part: str) -> dict[str, Any]:
    written = tree[part] if part in tree else Mapping(tree.span)
    if not isinstance(written, Mapping) or not all(re.fullmatch(_NAME, name) for name in written):
        raise LanguageError(f"`{part}` is no mapping of names")
    return dict(written)


def _check_keys(written: Any, kind: Any) -> None:
    """No other keys than the language's, and those that it requires."""
    if not isinstance(written, Mapping):
        raise LanguageError("no mapping where there should be one")
    fields = {each.alias or name: each for name, each in kind.model_fields.items()}
    if set(written) - set(fields):
        raise LanguageError(f"there is no key {next(iter(set(written) - set(fields)))!r}")
    for name, each in fields.items():
        if each.is_required() and name not in written:
            raise LanguageError(f"there is no {name}")


def _check_schema(kind: Any, written: Any) -> None:
    """Plain settings, which never reach Keras, are what the schema of the language says."""
    try:
        kind.model_validate(written)
    except ValidationError as error:
        raise LanguageError(str(error)[:200]) from None
