"""LiteRT (TensorFlow Lite), by TensorFlow's converter; run by the LiteRT runtime, by the names of its signature.

Only LiteRT's own operations are allowed: few runtimes ship with those of TensorFlow beside them.
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

from graphspec.exporting.formats import Arrays, Opened, Signature
from graphspec.exporting.layers import sparse_inputs, with_tables
from graphspec.to_keras import keras_messages

_SIGNATURE = "serving_default"
_UNKNOWN = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")
_PLACE = re.compile(r'fused\["\w+:", "([^"@]+)[^"]*"\][^\n]*is neither')
_NEEDS_BATCH = "'tf.TensorListReserve' op requires element_shape to be static"


def refused(model: keras.Model) -> Iterator[str]:
    """Why LiteRT has no place for parts of `model`."""
    yield from with_tables(model, "LiteRT")
    yield from sparse_inputs(model)


def convert(model: keras.Model, signature: Signature, path: Path) -> None:
    """Write `model` to `path`, for any number of samples at a time; recurrent layers can take but one."""
    try:
        content = _converted(model, signature)
    except Exception as error:
        if _NEEDS_BATCH not in str(error):
            raise
        content = _converted(model, {name: _one_sample(spec) for name, spec in signature.items()})
    path.write_bytes(content)


def opened(path: Path) -> Opened:
    """The signature of the model in the file `path`."""
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
            given = runner(**{name: values[start : start + step] for name, values in inputs.items()})
            for name, values in given.items():
                parts.setdefault(name, []).append(np.array(values))
        return {name: np.concatenate(values) for name, values in parts.items()}

    names = interpreter.get_signature_list()[_SIGNATURE]
    return Opened(set(names["inputs"]), set(names["outputs"]), call, size)


def reason(error: Exception) -> str:
    """What the converter meant by `error`."""
    text = str(error)
    if unknown := _UNKNOWN.search(text):
        place = _PLACE.search(text)
        where = f", which stands at `{place[1]}`" if place else ""
        return f"LiteRT has no counterpart of TensorFlow's `{unknown[1]}`{where}"
    return keras_messages.reason(error)


def _converted(model: keras.Model, signature: Signature) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", input_signature=[signature], verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[_SIGNATURE])
        converted: bytes = converter.convert()
        return converted


def _one_sample(spec: Any) -> Any:
    return keras.layers.InputSpec(dtype=spec.dtype, shape=(1, *spec.shape[1:]), name=spec.name)
