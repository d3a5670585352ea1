"""ONNX, by tf2onnx, through Keras' own export; run by ONNX Runtime."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
from tf2onnx import utils
from tf2onnx.handler import tf_op

from graphspec.exporting.formats import Arrays, Opened, Signature
from graphspec.exporting.layers import every_layer, sparse_inputs, with_tables
from graphspec.to_keras import keras_messages

_UNKNOWN = re.compile(r'In Node, \("([^"]*)", (\w+),.*No Op registered for', re.DOTALL)


def refused(model: keras.Model) -> Iterator[str]:
    """Why ONNX has no place for parts of `model`."""
    yield from with_tables(model, "ONNX")
    yield from sparse_inputs(model)
    for layer in every_layer(model):
        if isinstance(layer, keras.layers.Discretization):
            yield f"the layer `{layer.name}` (Discretization) sorts numbers into bins, which ONNX does not"


def convert(model: keras.Model, signature: Signature, path: Path) -> None:
    """Write `model` to `path`; its first axis is called `batch` where it is open."""
    _teach_erfc()
    with _constants_as_numbers(model):
        model.export(path, format="onnx", input_signature=[signature], verbose=False)
    written = onnx.load(path)
    for tensor in (*written.graph.input, *written.graph.output):
        sizes = tensor.type.tensor_type.shape.dim
        if len(sizes) and not sizes[0].HasField("dim_value"):
            sizes[0].dim_param = "batch"
    onnx.save(written, path)


def opened(path: Path) -> Opened:
    """The model in the file `path`, in ONNX Runtime on the processor."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = [each.name for each in session.get_outputs()]

    def call(inputs: Arrays) -> Arrays:
        return dict(zip(outputs, session.run(outputs, dict(inputs)), strict=True))

    return Opened({each.name for each in session.get_inputs()}, set(outputs), call)


def reason(error: Exception) -> str:
    """What tf2onnx or ONNX Runtime meant by `error`: tf2onnx writes operations that ONNX does not have."""
    if unknown := _UNKNOWN.search(str(error)):
        return f"ONNX has no counterpart of TensorFlow's `{unknown[2]}`, which stands at `{unknown[1]}`"
    return keras_messages.reason(error)


@contextmanager
def _constants_as_numbers(model: keras.Model) -> Iterator[None]:
    """Within it, `Normalization` holds arrays: its tensors, which are no weights, would become inputs of the model."""
    held = [layer for layer in every_layer(model) if isinstance(layer, keras.layers.Normalization)]
    before = [(layer.mean, layer.variance) for layer in held]
    for layer in held:
        layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)
    try:
        yield
    finally:
        for layer, (mean, variance) in zip(held, before, strict=True):
            layer.mean, layer.variance = mean, variance


@cache
def _teach_erfc() -> None:
    """Let tf2onnx write TensorFlow's `Erfc`, which it does not know, as 1 - `Erf`: GELU is made of it."""

    @tf_op("Erfc")
    class _Erfc:
        @classmethod
        def version_9(cls, graph: Any, node: Any, **_: Any) -> None:
            node.type = "Erf"
            dtype = utils.map_onnx_to_numpy_type(graph.get_dtype(node.output[0]))
            one = graph.make_const(utils.make_name(node.name), np.array(1, dtype))
            inputs = [one.output[0], node.output[0]]
            graph.insert_new_node_on_output("Sub", node.output[0], name=utils.make_name(node.name), inputs=inputs)
