"""A serialised object of Keras → the object that a spec writes: its name, and the arguments that are no defaults."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphspec import catalog
from graphspec.catalog import REQUIRED, SINGULAR, Entry, Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.refused import CODE_CARRYING as CODE_CARRYING_NAMES
from graphspec.diagnostics.rules import CODE_CARRYING, NO_EQUIVALENT, UNREGISTERED
from graphspec.diagnostics.suggest import a
from graphspec.from_keras.config_form import is_of_keras
from graphspec.from_keras.findings import UnwritableError
from graphspec.language.lower.naming import snake_case

UNWRITTEN = frozenset(("name", "trainable", "dtype", "build_config", "compile_config", "batch_input_shape"))
"""Keys of a configuration that an object writes by other means, or never."""

EVERY_AXIS = frozenset(
    (
        *("kernel_size", "strides", "pool_size", "dilation_rate", "padding", "cropping", "size"),
        *("output_padding", "axis"),
    )
)
"""Arguments of which one number stands for the same number on every axis."""

_FOLLOWS = {"strides": "pool_size", "value_dim": "key_dim"}
"""Arguments that are None by default, and those whose values they take then."""

_FOR_NONE = {"data_format": "channels_last", "activation": "linear"}
"""What Keras puts in the place of None when it makes a layer."""

_PLAIN = ("__tensor__", "__numpy__", "__tuple__", "__ellipsis__", "__slice__", "__keras_tensor__", "__bytes__")
"""Classes by which Keras writes plain values."""

_STATE = ("vocabulary_size", "bin_boundaries")
"""Keys of a configuration that follow from others."""

HeldLayer = Callable[[dict[str, Any]], Any]
"""Writes a serialised layer that stands among arguments: in place, or by the name of its declaration."""


@dataclass(frozen=True)
class Writer:
    """Writes objects. held writes the layers among their arguments."""

    held: HeldLayer

    def write(self, kind: Kind, written: dict[str, Any]) -> Any:
        """Return a serialised object of `kind`, by its name or its name with arguments.

        Raises:
            UnwritableError: It carries code, or nobody knows its class.
        """
        name = name_of(kind, written)
        config = written["config"] if isinstance(written["config"], dict) else {}
        arguments = self.arguments(kind, name, config)
        if kind == "layers" and config.get("name", "") not in ("", snake_case(name.rpartition(">")[2])):
            arguments["name"] = plain(config["name"])
        return form(kind, name, arguments)

    def arguments(self, kind: Kind, name: str, config: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments in a configuration that are not what they are by default."""
        entry = catalog.find(kind, name)
        base = catalog.find("layers", "Layer") if kind == "layers" and entry is None else None
        found: dict[str, Any] = {}
        for argument, value in config.items():
            if base is not None and argument in base.arguments and same(value, base.arguments[argument]):
                continue
            if argument in UNWRITTEN and not (argument == "dtype" and kind == "layers" and not _is_float32(value)):
                continue
            if entry is not None and argument == "quantization_config":
                _check_quantization(value)
                continue
            if entry is not None and argument not in entry.arguments and not entry.is_open and argument != "dtype":
                if value and argument not in _STATE:
                    raise UnwritableError(
                        NO_EQUIVALENT,
                        f"has `{argument}: {str(value)[:60]}`, and the constructor of `{name}` has no such argument",
                        expected=f"arguments of `{name}` in Keras {catalog.keras_version()}",
                    )
                continue
            if entry is not None and (self._is_default(entry, argument, value) or _follows(entry, argument, config)):
                continue
            found[argument] = self._argument(argument, value)
        return found

    def _argument(self, argument: str, value: Any) -> Any:
        if argument == "dtype":
            return _policy(value)
        if isinstance(value, dict) and value.get("class_name") == "__tuple__":  # Keras reads them in calls alone
            raise UnwritableError(NO_EQUIVALENT, f"has a tuple as `{argument}`, which Keras does not read there")
        kind = argument_kind(argument)
        if is_object(value):
            if kind == "layers":
                return self.held(value)
            return self.write(kind if kind is not None and not _is_layer(value) else _kind_of(value), value)
        if kind == "layers" and isinstance(value, list):
            return [self.held(each) if is_object(each) else plain(each) for each in value]
        if argument in EVERY_AXIS:
            return _one_for_all(value)
        return plain(value)

    def _is_default(self, entry: Entry, argument: str, value: Any) -> bool:
        default = entry.arguments.get(argument, REQUIRED)
        if default is REQUIRED:
            return False
        if default is None and value == _FOR_NONE.get(argument):
            return True
        if is_object(value):
            kind = argument_kind(argument)
            if kind is None or not isinstance(default, str):
                return False
            try:
                name = name_of(kind, value)
            except UnwritableError:
                return False
            known = catalog.identifiers(kind).get(default) or default
            return _same_class(known, name) and not self.arguments(kind, name, value["config"] or {})
        return same(plain(value), default) or (
            argument in EVERY_AXIS and same(_one_for_all(value), _one_for_all(default))
        )


def _follows(entry: Entry, argument: str, config: dict[str, Any]) -> bool:
    """Return whether Keras makes the value of an argument from another one where it is None."""
    source = _FOLLOWS.get(argument)
    if source not in entry.arguments or entry.arguments.get(argument, REQUIRED) is not None:
        return False
    return same(_one_for_all(config[argument]), _one_for_all(config.get(source, entry.arguments[source])))


def is_object(value: Any) -> bool:
    """Return whether a value is an object as Keras serialises it."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("class_name"), str)
        and "config" in value
        and value["class_name"] not in _PLAIN
    )


def name_of(kind: Kind, written: dict[str, Any]) -> str:
    """Return the name by which a spec writes the class of an object, or a function.

    Raises:
        UnwritableError: It carries code, or nobody has registered its class.
    """
    name, module = str(written["class_name"]), str(written.get("module") or "")
    registered: Any = written.get("registered_name")
    if name == "function" and isinstance(written["config"], str):
        name, module, registered = written["config"], "", written["config"]
    if name in CODE_CARRYING_NAMES or name in ("__lambda__", "__bytes__"):
        raise UnwritableError(
            CODE_CARRYING,
            f"is a `{name.strip('_')}`, which carries code, and a spec carries none",
            expected="a layer of Keras, an operation, or a layer that a plugin registers",
            help=CODE_CARRYING_NAMES.get(name, "write what it computes as operations, or as a layer in a plugin"),
        )
    if isinstance(registered, str) and ">" in registered:
        return registered
    is_known = catalog.find(kind, name) is not None or catalog.is_identifier(kind, name)
    if is_of_keras(module) and is_known:
        return name
    raise UnwritableError(
        UNREGISTERED,
        f"is a `{name}`" + (f" of the module `{module}`" if module else "") + ", which is not registered with Keras",
        expected=f"{a(SINGULAR[kind])} of Keras, or one that a plugin registers",
        help=f'put `@keras.saving.register_keras_serializable(package="my")` above it, save the model again, and name '
        f"its module under `plugins`: a spec then writes it as `my>{name}`",
    )


def form(kind: Kind, name: str, arguments: dict[str, Any]) -> Any:
    """Return the shortest way to write an object: its name, its first argument alone, or all by keyword."""
    if not arguments:
        return name
    entry = catalog.find(kind, name)
    first = next(iter(entry.arguments), None) if entry is not None else None
    if first is not None and list(arguments) == [first] and not isinstance(arguments[first], dict | None):
        return {name: arguments[first]}
    if entry is not None:
        order = {argument: number for number, argument in enumerate(entry.arguments)}
        arguments = dict(sorted(arguments.items(), key=lambda item: order.get(item[0], len(order))))
    return {name: arguments}


def entry_defaults(entry: Entry | None) -> dict[str, Any]:
    """Return the defaults of a class as a spec would write them."""
    arguments = entry.arguments if entry is not None else {}
    return {name: _one_for_all(value) if name in EVERY_AXIS else value for name, value in arguments.items()}


def plain(value: Any) -> Any:
    """Return a value as a spec writes it: tensors and shapes as lists, whole floats as they are."""
    if isinstance(value, dict) and value.get("class_name") in ("__tensor__", "__numpy__"):
        return value["config"]["value"]
    if isinstance(value, dict) and value.get("class_name") == "__tuple__":
        return plain(list(value.get("items", ())))
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str):
            raise UnwritableError(NO_EQUIVALENT, f"holds a `{value['class_name']}`, which no spec can write")
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return literal(value)
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def literal(text: str) -> str:
    """Return text as a spec writes it: what begins like an expression is none."""
    return text.replace("${", "$${")


def same(value: Any, default: Any) -> bool:
    """Return whether two plain values are the same to Keras: a list and a tuple, 1 and 1.0."""
    if isinstance(value, bool) != isinstance(default, bool):
        return False
    if isinstance(value, float) and isinstance(default, float) and math.isnan(value):
        return math.isnan(default)
    if isinstance(value, list | tuple) and isinstance(default, list | tuple):
        return len(value) == len(default) and all(map(same, value, default))
    return bool(value == default)


def _one_for_all(value: Any) -> Any:
    """Return the one number that a nested list holds again and again; the value itself where there are others."""
    numbers: list[Any] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list | tuple):
            waiting += each
        else:
            numbers.append(each)
    are_whole = all(isinstance(each, int) and not isinstance(each, bool) for each in numbers)
    is_one = are_whole and len(set(numbers)) == 1
    return numbers[0] if isinstance(value, list | tuple) and is_one else plain(value)


def _same_class(one: str, other: str) -> bool:
    """Return whether two names are of one class: Keras exports `GlorotUniform` as `glorot_uniform` as well."""
    return one.replace("_", "").lower() == other.replace("_", "").lower()


def _policy(value: Any) -> Any:
    """Return the dtype of a layer as a spec writes it."""
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    if value.get("class_name") != "DTypePolicy" or not isinstance(name, str):
        raise UnwritableError(
            NO_EQUIVALENT,
            f"has the dtype policy `{value.get('class_name')}`, which no spec can write",
            expected="a dtype, or a policy such as `mixed_bfloat16`",
            help="save the model before it is quantized",
        )
    return name


def _check_quantization(value: Any) -> None:
    if value is not None:
        raise UnwritableError(
            NO_EQUIVALENT,
            f"has `quantization_config: {str(value)[:60]}`, which no spec can write",
            expected="no `quantization_config`",
            help="save the model before it is quantized",
        )


def _is_float32(policy: Any) -> bool:
    return policy is None or _policy(policy) == "float32"


def _is_layer(written: dict[str, Any]) -> bool:
    """Return whether an object is a layer of Keras, as an activation may be."""
    return str(written.get("module") or "").startswith("keras.") and "layers" in str(written.get("module"))


def _kind_of(written: dict[str, Any]) -> Kind:
    """Return the kind of an object whose argument does not tell it, by the class that it is."""
    name = str(written["class_name"])
    return next((kind for kind in catalog.KINDS if catalog.find(kind, name) is not None), "layers")
