"""SavedModel: TensorFlow's own format, for TensorFlow Serving and all that loads it. Tables of words are part of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf

from graphspec.exporting.formats import Arrays, Opened, Signature
from graphspec.exporting.layers import sparse_inputs
from graphspec.to_keras.keras_messages import reason

__all__ = ["convert", "opened", "reason", "refused"]

_SIGNATURE = "serving_default"


def refused(model: keras.Model) -> Iterator[str]:
    """Why a SavedModel has no place for parts of `model`."""
    yield from sparse_inputs(model)


def convert(model: keras.Model, signature: Signature, path: Path) -> None:
    """Write `model` to the folder `path`, its endpoint called `serve` and `serving_default`."""
    model.export(path, format="tf_saved_model", input_signature=[signature], verbose=False)


def opened(path: Path) -> Opened:
    """The signature of the SavedModel in the folder `path`."""
    loaded = tf.saved_model.load(path)
    serve = loaded.signatures[_SIGNATURE]

    def call(inputs: Arrays) -> Arrays:
        assert loaded is not None  # its tables live as long as it does
        given = serve(**{name: tf.constant(values) for name, values in inputs.items()})
        return {name: values.numpy() for name, values in given.items()}

    return Opened(set(serve.structured_input_signature[1]), set(serve.structured_outputs), call)
