"""What stands in a spec → a call of Keras: objects, arguments, operations and saved models, as plainly as can be."""

from __future__ import annotations

import inspect
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import keras
import numpy as np

from graphspec import catalog
from graphspec.catalog.arguments import argument_kind
from graphspec.language.document.tree import Mapping, plain
from graphspec.shapes.ops.operands import ARRAY_OPERATIONS
from graphspec.to_keras.operations import RANDOM

MODULES: dict[str, Any] = {
    "layers": keras.layers,
    "initializers": keras.initializers,
    "regularizers": keras.regularizers,
    "constraints": keras.constraints,
    "activations": keras.activations,
    "losses": keras.losses,
    "metrics": keras.metrics,
    "optimizers": keras.optimizers,
    "schedules": keras.optimizers.schedules,
    "callbacks": keras.callbacks,
}


class LanguageError(Exception):
    """The text is no spec, whatever Keras would say."""


@dataclass(frozen=True)
class Named:
    """Tensors by keyword, as `from: {query: q}` names them."""

    tensors: dict[str, Any]


@dataclass(frozen=True)
class Nested:
    """A model with the names of its inputs and outputs."""

    model: Any
    inputs: list[str]
    outputs: list[str]


def one(written: Any) -> tuple[str, Any]:
    """The object rule: a name, or a name as the one key with its arguments."""
    if isinstance(written, str) and written:
        return written, None
    if isinstance(written, dict) and len(written) == 1:
        name, arguments = next(iter(written.items()))
        return name, arguments
    raise LanguageError(f"{str(written)[:40]} is no object")


def make(kind: str, written: Any) -> Any:
    """A loss, an optimizer and so on: a class called with its arguments, or the name that Keras itself looks up."""
    name, arguments = one(written)
    module = MODULES[kind]
    found = getattr(module, name, None)
    if not inspect.isclass(found):
        if arguments is None and kind in ("schedules", "callbacks"):
            raise LanguageError(f"there is no {kind} `{name}`")
        if arguments is None:
            return module.get(name) if kind == "optimizers" else name
        named = module.get(name) if hasattr(module, "get") else None
        if named is None or inspect.isfunction(named):
            raise LanguageError(f"`{name}` of {kind} takes no arguments, or is none")
        found = type(named)
    return call_class(found, arguments, None)


def call_class(cls: Any, arguments: Any, layer: Callable[[Any], Any] | None) -> Any:
    """The class called: a mapping holds keywords, nothing is no argument, anything else is the first."""
    if arguments is None:
        return cls()
    if isinstance(arguments, Mapping):
        return cls(**{key: argument(key, each, layer) for key, each in arguments.items()})
    first = next(iter(inspect.signature(cls).parameters))
    return cls(argument(first, arguments, layer))


def argument(name: str, written: Any, layer: Callable[[Any], Any] | None) -> Any:
    """An argument: an object where its name says that it holds one, else what stands there."""
    kind = argument_kind(name)
    if kind == "layers" and isinstance(written, str | Mapping | list):
        if layer is None:
            raise LanguageError("a layer where there are none")
        return [layer(each) for each in written] if isinstance(written, list) else layer(written)
    if kind == "initializers" and isinstance(written, Mapping) and "file" in written:
        return _array_of(written)
    if kind is None or not isinstance(written, str | Mapping) or (kind == "activations" and isinstance(written, str)):
        return plain(written)
    return make(kind, written)


def _array_of(written: Mapping) -> Any:
    """An initializer that is a file beside its spec."""
    if set(written) - {"file", "key"} or not str(written["file"]).lower().endswith((".npy", ".npz")):
        raise LanguageError("an initializer is no file of an array")
    return keras.initializers.Constant(read_array(written))


def read_array(written: Mapping) -> Any:
    """The array of a file beside its spec."""
    read = np.load(Path(written.span.source.name).parent / written["file"], allow_pickle=False)
    return read if isinstance(read, np.ndarray) else read[written.get("key") or next(iter(read))]


def look_up(kind: str, identifier: Any) -> None:
    """Have Keras look up a name that it would look up at the first batch only."""
    if isinstance(identifier, str) and (
        kind == "losses" or identifier not in ("accuracy", "acc", "crossentropy", "ce")
    ):
        MODULES[kind].get(identifier)


def make_input(name: str, written: Mapping) -> Any:
    """`keras.Input` with what stands in the spec."""
    if not isinstance(written.get("shape"), list):
        raise LanguageError("an input has no shape")
    return keras.Input(**{**plain(written), "shape": tuple(written["shape"])}, name=name)


def call_layer(layer: Any, value: Any, call: dict[str, Any]) -> Any:
    """The layer called on a tensor, a list, or tensors by keyword; a model on exactly its inputs."""
    if isinstance(layer, Nested):
        return _call_model(layer, value, call)
    if isinstance(value, Named):
        parameters = inspect.signature(layer.call).parameters.values()
        if any(each.kind is each.VAR_KEYWORD or each.name in value.tensors for each in parameters):
            return layer(**value.tensors, **call)
        return layer(value.tensors, **call)
    return layer(value, **call)


def _call_model(layer: Nested, value: Any, call: dict[str, Any]) -> Any:
    names = layer.inputs
    if isinstance(value, Named):
        given = dict(value.tensors)
    else:
        several = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
        given = dict(zip(names, several, strict=False)) if len(several) == len(names) else {}
    if set(given) != set(names):
        raise LanguageError("a model is not given its inputs")
    result = layer.model(given[names[0]] if len(names) == 1 else {name: given[name] for name in names}, **call)
    if len(layer.outputs) == 1 and is_tensor(result):
        result.only_output = layer.outputs[0]
    return result


def operate(name: str, arguments: Any, value: Any, call: dict[str, Any], *, listed: bool, makes: bool = False) -> Any:
    """A function of `keras.ops`: tensors first, constants by keyword, or the first argument that no tensor feeds.

    listed: `from` lists the tensors, so that each is an argument. makes: it takes no tensor of a graph.
    """
    try:
        function: Any = RANDOM.get(name) or attrgetter(name.removeprefix("ops."))(keras.ops)
    except AttributeError:
        raise LanguageError(f"there is no operation `{name}`") from None
    entry = catalog.find("ops", name)
    tensors = entry.tensors if entry is not None else {}
    parameters = list(inspect.signature(function).parameters)
    keywords: dict[str, Any] = {**call, **(value.tensors if isinstance(value, Named) else {})}
    positional: list[Any] = []
    before = parameters[: parameters.index(next(iter(tensors)))] if "each" in tensors.values() else []
    if not isinstance(value, Named):
        takes_list = "list" in list(tensors.values())[:1]
        several = value if isinstance(value, list) else [value]
        positional = [several] if takes_list else several if before else value if listed else [value]
    free = [each for each in before or parameters[len(positional) :] if each not in keywords]
    if isinstance(arguments, Mapping):
        given = dict(arguments)
    elif arguments is not None and not free:
        raise LanguageError(f"`{name}` takes no more arguments")
    else:
        given = {free[0]: arguments} if arguments is not None else {}
    if set(given) & set(keywords):
        raise LanguageError(f"an argument of `{name}` is given twice")
    for key, each in given.items():
        keywords[key] = plain(each) if key in tensors else _tupled(plain(each))
        if name == "ops.get_item" and key == "key":
            keywords[key] = _key(str(each))
        if isinstance(keywords[key], list) and entry is not None and entry.name in ARRAY_OPERATIONS:
            keywords[key] = np.array(keywords[key])
    leading = [keywords.pop(each) for each in before if each in keywords]
    result = function(*leading, *positional, **keywords)
    if not makes and not any(is_tensor(each) for each in keras.tree.flatten(result)):
        raise LanguageError("an operation that computes no tensor")
    return result


def _key(written: str) -> Any:
    """What stands between brackets in NumPy: whole numbers, slices, `...` and `None`."""
    parts: list[Any] = []
    for part in map(str.strip, written.split(",")):
        try:
            if part in ("...", "None"):
                parts.append(Ellipsis if part == "..." else None)
            elif ":" in part:
                parts.append(slice(*(int(each) if each.strip() else None for each in part.split(":"))))
            else:
                parts.append(int(part))
        except (ValueError, TypeError):
            raise LanguageError(f"`{written}` is no key") from None
    return tuple(parts)


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def read_model(written: Mapping, folder: Path) -> Nested:
    """A saved model, as Keras reads it, or an application of Keras, without weights, of one input and one output.

    Taps are inner layers whose outputs are further outputs.
    """
    if not isinstance(written.get("trainable", True), bool):
        raise LanguageError("`trainable` is no truth value")
    model = _application(written) if "application" in written else _saved(written, folder)
    takes, gives = (keras.tree.flatten(each) for each in (model.input, model.output))
    outputs, taps = [*model.output_names], written.get("taps", [])
    if not isinstance(taps, list) or not all(isinstance(each, str) for each in taps) or len(set(taps)) < len(taps):
        raise LanguageError("taps are no names of layers")
    known = {layer.name: layer for layer in model.layers}
    if not set(taps) <= set(known):
        raise LanguageError("there is no such layer to tap")
    given = {**dict(zip(outputs, gives, strict=True)), **{each: known[each].output for each in taps}}
    bare = keras.Model(takes[0], given if taps else gives[0])
    return Nested(bare, [each.name for each in model.inputs], [*given])


def _saved(written: Mapping, folder: Path) -> keras.Model:
    """A model of a file."""
    if not isinstance(written.get("file"), str) or set(written) - {"file", "trainable", "weights", "taps"}:
        raise LanguageError("a model from somewhere that the shipped specs do not use")
    path = folder / written["file"]
    if not path.is_file():
        raise LanguageError(f"there is no file {path}")
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    return keras.saving.deserialize_keras_object({**config, "compile_config": None}, safe_mode=True)


def _application(written: Mapping) -> keras.Model:
    """A model that a function of `keras.applications` makes."""
    function = getattr(keras.applications, str(written["application"]), None)
    if not inspect.isfunction(function):
        raise LanguageError(f"there is no application `{written['application']}`")
    arguments = {key: _tupled(plain(each)) for key, each in written.items()}
    return function(**{key: each for key, each in arguments.items() if key not in _BESIDE}, weights=None)


_BESIDE = ("application", "taps", "trainable", "weights")
"""Keys of a model that are no arguments of its function."""


def is_tensor(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)
