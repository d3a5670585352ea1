"""The wiring of a model, read from the configuration that Keras saves: which calls an output needs."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import keras

_IGNORED = ("training",)
"""Arguments of calls that Keras decides for all layers of a model."""

_DEFAULTS = (None, "channels_last")
"""Constants of operations that mean the same as none."""


def wired(model: keras.Model, built: keras.Model) -> list[str]:
    """Return the outputs that are computed by other calls, or of other tensors.

    Two calls are equal where their layers or operations, their constants and the calls behind their tensors are. Inputs
    are known by their positions; an `Identity`, which the language adds for the name of an output, counts as nothing.
    """
    known: dict[str, int] = {}
    with _deep():
        ours, theirs = (_Wiring(_config(each), known).outputs() for each in (model, built))
    if len(ours) != len(theirs):
        return [f"{len(ours)} outputs | {len(theirs)}"]
    calls = {number: key for key, number in known.items()}
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    return [f"computed by {calls[a[0]]} | {calls[b[0]]}" for a, b in pairs]


@contextmanager
def _deep() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _config(model: keras.Model) -> dict[str, Any]:
    model = keras.Model(model.inputs, model.outputs) if isinstance(model, keras.Sequential) else model
    config: dict[str, Any] = keras.saving.serialize_keras_object(model)["config"]
    return config


class _Wiring:
    """The calls of one model. known: the numbers of calls that are equal, over all models."""

    def __init__(self, config: dict[str, Any], known: dict[str, int], prefix: str = "") -> None:
        self.config = config
        self.known = known
        self.prefix = prefix
        self.layers = {layer["name"]: layer for layer in config["layers"]}
        self.numbers: dict[tuple[str, int], int] = {}
        self.inputs = [layer for layer, _, _ in _places(config["input_layers"])]

    def outputs(self) -> list[tuple[int, int]]:
        """Return the call and the index of each output."""
        found = []
        for layer, call, index in _places(self.config["output_layers"]):
            is_counted = (
                self.layers[layer]["class_name"] == "Functional" and call > 0
            )  # its own graph is its first call
            found.append(self.tensor([layer, call - is_counted, index]))
        return found

    def tensor(self, history: list[Any]) -> tuple[int, int]:
        """Return the call and the index of a tensor."""
        name, call, index = history
        layer = self.layers[name]
        if layer["class_name"] == "InputLayer":
            return self.number(f"{self.prefix}input {self.inputs.index(name)}"), 0
        node = layer["inbound_nodes"][call]
        if layer["class_name"] == "Identity":
            return self.tensor(next(_histories(node)))
        key = (name, call)
        if key not in self.numbers:
            self.numbers[key] = self.number(f"{self.described(layer)} of {self.arguments(layer, node)}")
        return self.numbers[key], index

    def number(self, key: str) -> int:
        """Return the number of what `key` says."""
        return self.known.setdefault(key, len(self.known))

    def described(self, layer: dict[str, Any]) -> str:
        """Return an operation by its class and constants, a layer by its name, a model by its outputs as well."""
        name, config = layer["name"], layer["config"]
        if layer["class_name"] == "Functional":
            return f"{name} {_Wiring(config, self.known, f'{self.prefix}{name}/').outputs()}"
        if layer["class_name"] == "Sequential":
            inner = [each["config"]["name"] for each in config["layers"] if each["class_name"] != "InputLayer"]
            chain = self.number(f"{self.prefix}{name}/input 0")
            for each in inner:
                chain = self.number(f"{each} of {[['', [chain, 0]]]}")
            return f"{name} {[(chain, 0)]}"
        if layer["module"].startswith("keras.src.ops"):
            constants = {key: value for key, value in config.items() if key != "name" and value not in _DEFAULTS}
            return f"{layer['class_name']} {json.dumps(_plain(constants), sort_keys=True)}"
        return str(name)

    def arguments(self, layer: dict[str, Any], node: dict[str, Any]) -> list[Any]:
        """Return the arguments of a call by their names, with calls and indices for tensors."""
        args, kwargs = node["args"], {key: value for key, value in node["kwargs"].items() if key not in _IGNORED}
        made = getattr(import_module(layer["module"]), layer["class_name"], None) if layer["module"] else None
        if made is not None and not issubclass(made, keras.Model):
            bound = inspect.signature(made.call).bind(None, *args, **kwargs).arguments
            bound.pop("self")
            kwargs = {**bound, **bound.pop("kwargs", {})}
            args = []
        first = [["", self.value(value)] for value in args]
        named = [[key, self.value(value)] for key, value in sorted(kwargs.items()) if value is not None]
        if len(named) == 1 and not first:
            named[0][0] = ""
        return first + named

    def value(self, value: Any) -> Any:
        """Return an argument with calls and indices for tensors; a list or a mapping of one as the one."""
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            return list(self.tensor(value["config"]["keras_history"]))
        if isinstance(value, dict) and "class_name" not in value:
            value = list(value.values())
        if isinstance(value, list | tuple):
            found = [self.value(each) for each in value]
            return found[0] if len(found) == 1 and isinstance(found[0], list) else found
        return _plain(value)


def _histories(node: Any) -> Iterator[list[Any]]:
    if isinstance(node, dict) and node.get("class_name") == "__keras_tensor__":
        yield node["config"]["keras_history"]
    elif isinstance(node, dict | list | tuple):
        for each in node.values() if isinstance(node, dict) else node:
            yield from _histories(each)


def _places(written: Any) -> Iterator[list[Any]]:
    """Yield the places of inputs or outputs in their order, at any depth."""
    if isinstance(written, list | tuple) and len(written) == 3 and isinstance(written[0], str):
        yield list(written)
    else:
        for each in written.values() if isinstance(written, dict) else written:
            yield from _places(each)


def _plain(value: Any) -> Any:
    """Return constants with lists for arrays."""
    if isinstance(value, dict) and value.get("class_name") in ("__numpy__", "__tensor__"):
        return value["config"]["value"]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
