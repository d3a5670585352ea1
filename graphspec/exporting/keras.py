"""Keras: a `.keras` file, loadable without graphspec, with the state of its preprocessing layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from graphspec.exporting.formats import Arrays, LoadedExport, Signature
from graphspec.to_keras.adapted_layers import adaptable_layers, store_vocabulary
from graphspec.to_keras.adapters import drop_adapters
from graphspec.to_keras.keras_messages import reason

__all__ = ["convert", "load", "reason", "unsupported"]


def unsupported(model: keras.Model) -> Iterator[str]:
    """Yield nothing: a Keras file supports every layer."""
    yield from ()


def convert(model: keras.Model, signature: Signature, path: Path) -> None:
    """Write `model` to `path`, without losses and optimizer: it is for inference."""
    for layer in adaptable_layers(model).values():
        store_vocabulary(layer)
    drop_adapters(model)
    keras.Model(model.input, model.output, name=model.name).save(path)


def load(path: Path) -> LoadedExport:
    """Load the model in a file with `keras.saving.load_model`."""
    model = keras.saving.load_model(path)

    def call(inputs: Arrays) -> Arrays:
        outputs = model({name: keras.ops.convert_to_tensor(values) for name, values in inputs.items()}, training=False)
        return {name: np.asarray(values) for name, values in outputs.items()}

    return LoadedExport(set(model.input), set(model.output), call)
