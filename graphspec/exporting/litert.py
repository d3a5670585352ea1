"""LiteRT (TensorFlow Lite): written by TensorFlow's converter, run by the LiteRT runtime.

Only LiteRT's own operations are allowed: few runtimes ship with TensorFlow's.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from graphspec.exporting.formats import Arrays, LoadedExport, Signature
from graphspec.exporting.layers import unsupported_draws, unsupported_sparse_inputs, unsupported_tables
from graphspec.to_keras import keras_messages

_SIGNATURE = "serving_default"
_UNKNOWN = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")
_LOCATION = re.compile(r'fused\["\w+:", "([^"@]+)[^"]*"\][^\n]*is neither')
_NEEDS_BATCH = "'tf.TensorListReserve' op requires element_shape to be static"


def unsupported(model: keras.Model) -> Iterator[str]:
    """Yield a sentence for each part of `model` that LiteRT does not support."""
    yield from unsupported_tables(model, "LiteRT")
    yield from unsupported_draws(model, "LiteRT")
    yield from unsupported_sparse_inputs(model)


def convert(model: keras.Model, signature: Signature, path: Path) -> None:
    """Write `model` to `path` with an open batch size, or of one sample for some recurrent layers."""
    try:
        content = _convert(model, signature)
    except Exception as error:
        if _NEEDS_BATCH not in str(error):
            raise
        content = _convert(model, {name: _one_sample(spec) for name, spec in signature.items()})
    path.write_bytes(content)


def load(path: Path) -> LoadedExport:
    """Load the model in a file, by its signature."""
    interpreter = Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner(_SIGNATURE)
    sizes = {int(each["shape_signature"][0]) for each in runner.get_input_details().values()}
    size = max(sizes) if max(sizes) > 0 else None

    def call(inputs: Arrays) -> Arrays:
        assert interpreter is not None  # the runner does not keep it
        count = len(next(iter(inputs.values())))
        step = size or count
        parts: dict[str, list[Any]] = {}
        for start in range(0, count, step):
            outputs = runner(**{name: values[start : start + step] for name, values in inputs.items()})
            for name, values in outputs.items():
                parts.setdefault(name, []).append(np.array(values))
        return {name: np.concatenate(values) for name, values in parts.items()}

    names = interpreter.get_signature_list()[_SIGNATURE]
    return LoadedExport(set(names["inputs"]), set(names["outputs"]), call, size)


def reason(error: Exception) -> str:
    """Return an explanation of an `error` of the converter or runtime."""
    text = str(error)
    if unknown := _UNKNOWN.search(text):
        location = _LOCATION.search(text)
        where = f", used at `{location[1]}`" if location else ""
        return f"LiteRT has no equivalent of TensorFlow's `{unknown[1]}`{where}"
    return keras_messages.reason(error)


def _convert(model: keras.Model, signature: Signature) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", input_signature=[signature], verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[_SIGNATURE])
        content: bytes = converter.convert()
        return content


def _one_sample(spec: Any) -> Any:
    return keras.layers.InputSpec(dtype=spec.dtype, shape=(1, *spec.shape[1:]), name=spec.name)
