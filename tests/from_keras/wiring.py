"""The wiring of a model: which calls compute its outputs."""

from __future__ import annotations

import hashlib
import inspect
import json
from typing import Any

import keras
import numpy as np


def wired(model: keras.Model, built: keras.Model) -> list[str]:
    """Return the outputs that are computed by other calls, or of other tensors.

    Two calls are equal where the names of their layers or the classes and constants of their operations, and the calls
    behind their tensors are. Inputs are known by position; an `Identity`, which the language adds for the name of
    an output, counts as nothing, and a nested model as the calls in it.
    """
    ours, theirs = (_digests_of(each) for each in (model, built))
    if len(ours) != len(theirs):
        return [f"{len(ours)} outputs | {len(theirs)}"]
    pairs = zip(ours, theirs, strict=True)
    return [f"output {at} is computed by other calls" for at, (one, other) in enumerate(pairs) if one != other]


def _digests_of(model: keras.Model) -> list[str]:
    """Return a digest of how each output is computed, in order."""
    inputs, outputs = _ends(model)
    return _digests(outputs, {id(tensor): f"input {number}" for number, tensor in enumerate(inputs)})


def _digests(outputs: list[Any], known: dict[int, str]) -> list[str]:
    """Return a digest of how each tensor is computed. known: the digests of tensors by their ids."""
    waiting = list(outputs)
    while waiting:
        tensor = waiting[-1]
        operation, node, index = tensor._keras_history
        arguments = _arguments(operation, operation._inbound_nodes[node].arguments)
        taken = [each for each in keras.tree.flatten(arguments) if isinstance(each, keras.KerasTensor)]
        left = [] if id(tensor) in known else [each for each in taken if id(each) not in known]
        waiting += left
        if left:
            continue
        waiting.pop()
        if id(tensor) in known:
            continue
        if type(operation) is keras.layers.Identity:
            known[id(tensor)] = known[id(taken[0])]
        elif isinstance(operation, keras.Model):
            inner = {id(one): known[id(other)] for one, other in zip(operation.inputs, taken, strict=True)}
            known[id(tensor)] = _digests(operation.outputs, inner)[index]
        else:
            text = json.dumps([_described(operation), index, _plain(arguments, known)], sort_keys=True)
            known[id(tensor)] = hashlib.sha256(text.encode()).hexdigest()
    return [known[id(output)] for output in outputs]


def _arguments(operation: Any, given: Any) -> dict[str, Any]:
    """Return the arguments of a call by their names, without those that are None."""
    if isinstance(operation, keras.Model):
        training = {"training": True} if given.kwargs.get("training") else {}
        return training | {"inputs": given.args[0] if given.args else given.kwargs["inputs"]}
    parameters = inspect.signature(operation.call).parameters
    usual = parameters["training"].default if "training" in parameters else None
    try:
        bound = inspect.signature(operation.call).bind(*given.args, **given.kwargs).arguments
    except TypeError:
        bound = {"args": given.args, **given.kwargs}
    keywords = bound.pop("kwargs", {})
    arguments = {**bound, **keywords}
    if arguments.get("training") == bool(usual):
        del arguments["training"]  # Keras adds what a layer has by itself
    return {key: each for key, each in arguments.items() if any(part is not None for part in keras.tree.flatten(each))}


def _described(operation: Any) -> Any:
    """Return the name of a layer; the class and the constants of an operation, and of what draws random numbers."""
    drawn: Any = getattr(operation, "activation", None)
    if isinstance(getattr(drawn, "seed", None), keras.random.SeedGenerator):
        config = drawn.get_config()
        return [type(drawn).__name__, config | {"seed": config["seed"]["config"]["seed"]}]
    if isinstance(operation, keras.Layer):
        return operation.name
    config = {key: each for key, each in operation.get_config().items() if key not in ("name", "dtype", "trainable")}
    if config.get("data_format", "") is None:
        config["data_format"] = keras.config.image_data_format()
    return [type(operation).__name__, _plain(config, {})]


def _plain(value: Any, known: dict[int, str]) -> Any:
    """Return arguments as JSON holds them, with the digests of tensors."""
    if isinstance(value, keras.KerasTensor):
        return known[id(value)]
    if isinstance(value, dict):
        if value.get("class_name") in ("__tensor__", "__numpy__"):
            return value["config"]["value"]
        return {str(key): _plain(each, known) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, known) for each in value]
    if isinstance(value, bool | int | float | str | None):
        return value
    return np.asarray(value).tolist() if hasattr(value, "__array__") else str(value)


def _flat(structure: Any) -> list[Any]:
    """Return the tensors of inputs or outputs, of a mapping in its order."""
    if isinstance(structure, dict):
        return [tensor for each in structure.values() for tensor in _flat(each)]
    if isinstance(structure, list | tuple):
        return [tensor for each in structure for tensor in _flat(each)]
    return [structure] if isinstance(structure, keras.KerasTensor) else []


def _ends(model: keras.Model) -> tuple[list[Any], list[Any]]:
    """Return the inputs and the outputs of a model, in order."""
    if isinstance(model, keras.Sequential):
        return model.inputs, model.outputs
    return _flat(model.input), _flat(model.output)
