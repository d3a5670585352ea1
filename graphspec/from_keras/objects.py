"""A serialised object of Keras → the object that a spec writes: its name, and the arguments that are no defaults."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphspec import catalog
from graphspec.catalog import REQUIRED, Entry, Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.refused import CODE_CARRYING

UNWRITTEN = frozenset(("name", "trainable", "dtype", "build_config", "compile_config", "batch_input_shape"))
"""Keys of a configuration that an object writes by other means, or never."""

EVERY_AXIS = frozenset(
    (
        *("kernel_size", "strides", "pool_size", "dilation_rate", "padding", "cropping", "size"),
        *("output_padding",),
    )
)
"""Arguments of which one number stands for the same number on every axis."""


_FOR_NONE = {"data_format": "channels_last", "activation": "linear"}
"""What Keras puts in the place of None when it makes a layer."""


class UnwritableError(ValueError):
    """An object that no spec can hold. reason follows the name of the layer; help says what to do."""

    def __init__(self, reason: str, help: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help


HeldLayer = Callable[[dict[str, Any]], Any]
"""Writes a serialised layer that stands among arguments: in place, or by the name of its declaration."""


@dataclass(frozen=True)
class Writer:
    """Writes objects. held writes the layers among their arguments."""

    held: HeldLayer

    def write(self, kind: Kind, written: dict[str, Any], extra: dict[str, Any] | None = None) -> Any:
        """Return an object of `kind`, by its name or its name with arguments.

        Args:
            written: The object as Keras serialises it.
            extra: Further arguments to write, such as `name`.

        Raises:
            UnwritableError: It carries code, or nobody knows its class.
        """
        name = name_of(kind, written)
        arguments = self.arguments(kind, name, written.get("config") or {}) | (extra or {})
        return form(kind, name, arguments)

    def arguments(self, kind: Kind, name: str, config: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments in a configuration that are not what they are by default."""
        entry = catalog.find(kind, name)
        found: dict[str, Any] = {}
        for argument, value in config.items():
            if argument in UNWRITTEN and not (argument == "dtype" and not _is_float32(value)):
                continue
            if entry is not None and argument not in entry.arguments and not entry.is_open:
                continue
            if entry is not None and self._is_default(entry, argument, value):
                continue
            found[argument] = self._argument(entry, argument, value)
        return found

    def _argument(self, entry: Entry | None, argument: str, value: Any) -> Any:
        if argument == "dtype":
            return value["config"]["name"] if isinstance(value, dict) else value
        kind = argument_kind(argument)
        if isinstance(value, dict) and "class_name" in value and "config" in value:
            if kind == "layers":
                return self.held(value)
            return self.write(kind or _kind_of(value), value)
        if kind == "layers" and isinstance(value, list):
            return [self.held(each) if isinstance(each, dict) else each for each in value]
        if argument in EVERY_AXIS:
            return _one_for_all(value)
        return plain(value)

    def _is_default(self, entry: Entry, argument: str, value: Any) -> bool:
        default = entry.arguments[argument]
        if default is REQUIRED:
            return False
        if default is None and value == _FOR_NONE.get(argument):
            return True
        if isinstance(value, dict) and "class_name" in value:
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


def name_of(kind: Kind, written: dict[str, Any]) -> str:
    """Return the name by which a spec writes the class of an object.

    Raises:
        UnwritableError: It carries code, or nobody knows its class.
    """
    name, module = str(written["class_name"]), str(written.get("module") or "")
    registered = written.get("registered_name")
    if name in CODE_CARRYING or name in ("__lambda__", "function"):
        raise UnwritableError(
            f"is a `{name.strip('_')}`, which carries code, and a spec carries none", CODE_CARRYING.get(name, "")
        )
    if isinstance(registered, str) and ">" in registered:
        return registered
    if (module.startswith("keras") or not module) and catalog.find(kind, name) is not None:
        return name
    raise UnwritableError(
        f"is a `{name}` of the module `{module}`, which nobody has registered",
        'register the class, `@keras.saving.register_keras_serializable(package="pkg")`, save the model again, '
        "and name its module under `plugins`",
    )


def form(kind: Kind, name: str, arguments: dict[str, Any]) -> Any:
    """Return the shortest way to write an object: its name, its first argument alone, or all by keyword."""
    if not arguments:
        return name
    entry = catalog.find(kind, name)
    first = next(iter(entry.arguments), None) if entry is not None else None
    if list(arguments) == [first] and not isinstance(arguments[first], dict | None):
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
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


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
    is_one = numbers and len(set(numbers)) == 1 and isinstance(numbers[0], int)
    return numbers[0] if isinstance(value, list | tuple) and is_one else plain(value)


def _same_class(one: str, other: str) -> bool:
    """Return whether two names are of one class: Keras exports `GlorotUniform` as `glorot_uniform` as well."""
    return one.replace("_", "").lower() == other.replace("_", "").lower()


def _is_float32(policy: Any) -> bool:
    name = (
        policy["config"].get("name") if isinstance(policy, dict) and isinstance(policy.get("config"), dict) else policy
    )
    return name in (None, "float32")


def _kind_of(written: dict[str, Any]) -> Kind:
    """Return the kind of an object whose argument does not tell it, by the class that it is."""
    name = str(written["class_name"])
    return next((kind for kind in catalog.SINGULAR if catalog.find(kind, name) is not None), "layers")
