"""Keras: a `.keras` file, which Keras loads without graphspec, with what preprocessing layers have learnt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from graphspec.exporting.formats import Arrays, Opened, Signature
from graphspec.to_keras.adapted_layers import adaptable_layers, store_vocabulary
from graphspec.to_keras.keras_messages import reason

__all__ = ["convert", "opened", "reason", "refused"]


def refused(model: keras.Model) -> Iterator[str]:
    """Nothing: a Keras file has a place for all of Keras."""
    yield from ()


def convert(model: keras.Model, signature: Signature, path: Path) -> None:
    """Write `model` to `path`, without losses and optimizer: it is to predict."""
    for layer in adaptable_layers(model).values():
        store_vocabulary(layer)
    keras.Model(model.input, model.output, name=model.name).save(path)


def opened(path: Path) -> Opened:
    """The model in the file `path`, as `keras.saving.load_model` gives it."""
    loaded = keras.saving.load_model(path)

    def call(inputs: Arrays) -> Arrays:
        given = loaded({name: keras.ops.convert_to_tensor(values) for name, values in inputs.items()}, training=False)
        return {name: np.asarray(values) for name, values in given.items()}

    return Opened(set(loaded.input), set(loaded.output), call)
