"""A model decompiled, built again and held against the original: names, arguments, weights and outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

import graphspec
from graphspec.spec import Spec
from tests.from_keras.wiring import wired


def differences(model: keras.Model, folder: Path, *, numbers: bool = True, **options: Any) -> tuple[list[str], Spec]:
    """Return what a model and the one that its spec builds differ in, and the spec.

    The weights are written and named by the spec, so that both compute the same numbers.
    """
    path = folder / "spec.yaml"
    spec = graphspec.decompile(model, path, weights=True, force=True, **options)
    built = graphspec.build(path)
    found = [*structural(model, built), *wired(model, built), *(numeric(model, built) if numbers else [])]
    return found, spec


def structural(model: keras.Model, built: keras.Model) -> list[str]:
    """Return the differences in layers, their arguments, and weights."""
    ours, theirs = layers_by_path(model), layers_by_path(built)
    added = [name for name in theirs if name not in ours and type(theirs[name]) is not keras.layers.Identity]
    found = [f"{name} is added" for name in added] + [f"{name} is missing" for name in ours if name not in theirs]
    for name in ours.keys() & theirs.keys():
        if config(ours[name]) != config(theirs[name]):
            found.append(f"{name}: {config(ours[name])} | {config(theirs[name])}")
    order = list if len(model.outputs) == 1 or isinstance(model.output, dict) else sorted
    if added_outputs(built):
        order = sorted  # the `Identity` of an output comes before the layers of others
    if order(shapes(model)) != order(shapes(built)):
        found.append(f"weights: {shapes(model)} | {shapes(built)}")
    return found


def added_outputs(built: keras.Model) -> list[str]:
    """Return the outputs for which the language adds an `Identity`, where there are several."""
    names = [name for name, tensor in built.output.items() if len(built.outputs) > 1]
    return [name for name in names if isinstance(built.get_layer(name), keras.layers.Identity)]


def layers_by_path(model: keras.Model) -> dict[str, keras.Layer]:
    """Return the layers of a model and of those in it, without inputs, by their names and the numbers of models."""
    found: dict[str, keras.Layer] = {}
    number = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= {f"{number}/{path}": inner for path, inner in layers_by_path(layer).items()}
            number += 1
        elif not isinstance(layer, keras.layers.InputLayer) and not draws(layer):
            found[layer.name] = layer
    return found


def draws(layer: keras.Layer) -> bool:
    """Return whether a layer draws random numbers for an operation, after which it is named."""
    return isinstance(getattr(getattr(layer, "activation", None), "seed", None), keras.random.SeedGenerator)


def config(layer: keras.Layer) -> Any:
    """Return the arguments of a layer, without the models that it holds, and what preprocessing layers learned."""
    return _plain({key: value for key, value in layer.get_config().items() if key not in LEARNED})


LEARNED = ("vocabulary", "vocabulary_size", "idf_weights", "num_bins", "mean", "variance")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if "layers" in value and "name" in value:
            return "a model"
        if value.get("class_name") in ("Functional", "Sequential"):
            return "a model"
        return {key: _plain(each) for key, each in value.items() if key not in ("shared_object_id", "build_config")}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def shapes(model: keras.Model) -> list[tuple[str, tuple[int, ...]]]:
    """Return the layer and the shape of each weight, in the order of the model."""
    return [(weight.path.split("/")[-2], tuple(weight.shape)) for weight in model.weights]


def numeric(model: keras.Model, built: keras.Model) -> list[str]:
    """Return the outputs that are not equal to the bit, for a batch of random samples."""
    batch = samples(built)
    ours = flat(model(listed(model, batch)))
    theirs = flat(built(batch))
    if len(ours) != len(theirs):
        return [f"{len(ours)} outputs | {len(theirs)}"]
    pairs = zip(ours, theirs, strict=True)
    return [f"output {number}" for number, (a, b) in enumerate(pairs) if not np.array_equal(a, b, equal_nan=True)]


def samples(model: keras.Model, count: int = 2) -> dict[str, Any]:
    """Return random samples for each input of a model with a dict of inputs."""
    random = np.random.default_rng(0)
    found = {}
    for name, tensor in model.input.items():
        shape = [tensor.shape[0] or count, *(size or 64 for size in tensor.shape[1:])]
        if tensor.dtype == "string":
            words = random.choice(np.array(["a", "b c", "d", "zebra"], dtype=object), shape)
            found[name] = keras.ops.convert_to_tensor(words.tolist(), "string")
        elif tensor.dtype.startswith(("int", "uint")):
            found[name] = random.integers(0, 3, shape).astype(tensor.dtype)
        elif tensor.dtype == "bool":
            found[name] = random.random(shape) < 0.7
        else:
            found[name] = random.normal(size=shape).astype(tensor.dtype)
    return {name: keras.ops.convert_to_tensor(value) for name, value in found.items()}


def listed(model: keras.Model, batch: dict[str, Any]) -> Any:
    """Return samples in the structure of the inputs of a model."""
    values = list(batch.values())
    if isinstance(model, keras.Sequential):
        return values[0]
    return (
        keras.tree.pack_sequence_as(model.input, values)
        if not isinstance(model.input, dict)
        else dict(
            zip(
                model.input,
                (batch[name] if name in batch else values[n] for n, name in enumerate(model.input)),
                strict=True,
            )
        )
    )


def flat(outputs: Any) -> list[Any]:
    """Return outputs as arrays, those of a mapping in its order."""
    if isinstance(outputs, dict):
        return [each for value in outputs.values() for each in flat(value)]
    if isinstance(outputs, list | tuple):
        return [each for value in outputs for each in flat(value)]
    return [np.asarray(outputs)]
