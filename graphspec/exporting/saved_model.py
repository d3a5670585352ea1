"""SavedModel: TensorFlow's own format, for TensorFlow Serving, with tables of words included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf

from graphspec.exporting.formats import Arrays, LoadedExport, Signature
from graphspec.exporting.layers import unsupported_sparse_inputs
from graphspec.to_keras.keras_messages import reason

__all__ = ["convert", "load", "reason", "unsupported"]

_SIGNATURE = "serving_default"


def unsupported(model: keras.Model) -> Iterator[str]:
    """Yield a sentence for each part of `model` that a SavedModel does not support."""
    yield from unsupported_sparse_inputs(model)


def convert(model: keras.Model, signature: Signature, path: Path) -> None:
    """Write `model` to a folder, with the endpoints `serve` and `serving_default`."""
    model.export(path, format="tf_saved_model", input_signature=[signature], verbose=False)


def load(path: Path) -> LoadedExport:
    """Load the SavedModel in a folder, by its signature."""
    model = tf.saved_model.load(path)
    serve = model.signatures[_SIGNATURE]

    def call(inputs: Arrays) -> Arrays:
        assert model is not None  # its tables live as long as it does
        outputs = serve(**{name: tf.constant(values) for name, values in inputs.items()})
        return {name: values.numpy() for name, values in outputs.items()}

    return LoadedExport(set(serve.structured_input_signature[1]), set(serve.structured_outputs), call)
