"""ONNX: written by tf2onnx through Keras' export, run by ONNX Runtime."""

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

from graphspec.exporting.formats import Arrays, LoadedExport, Signature
from graphspec.exporting.layers import every_layer, unsupported_draws, unsupported_sparse_inputs, unsupported_tables
from graphspec.to_keras import keras_messages

_UNKNOWN = re.compile(r'In Node, \("([^"]*)", (\w+),.*No Op registered for', re.DOTALL)


def unsupported(model: keras.Model) -> Iterator[str]:
    """Yield a sentence for each part of `model` that ONNX does not support."""
    yield from unsupported_tables(model, "ONNX")
    yield from unsupported_draws(model, "ONNX")
    yield from unsupported_sparse_inputs(model)
    for layer in every_layer(model):
        if isinstance(layer, keras.layers.Discretization):
            yield f"the layer `{layer.name}` (Discretization) sorts numbers into bins, which ONNX does not support"


def convert(model: keras.Model, signature: Signature, path: Path) -> None:
    """Write `model` to `path`; an open first axis is named `batch`."""
    _teach_erfc()
    with _constants_as_numbers(model):
        model.export(path, format="onnx", input_signature=[signature], verbose=False)
    exported = onnx.load(path)
    for tensor in (*exported.graph.input, *exported.graph.output):
        sizes = tensor.type.tensor_type.shape.dim
        if len(sizes) and not sizes[0].HasField("dim_value"):
            sizes[0].dim_param = "batch"
    onnx.save(exported, path)


def load(path: Path) -> LoadedExport:
    """Load the model in a file with ONNX Runtime on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = [each.name for each in session.get_outputs()]

    def call(inputs: Arrays) -> Arrays:
        return dict(zip(outputs, session.run(outputs, dict(inputs)), strict=True))

    return LoadedExport({each.name for each in session.get_inputs()}, set(outputs), call)


def reason(error: Exception) -> str:
    """Return an explanation of an `error`: tf2onnx writes operations that ONNX does not have."""
    if unknown := _UNKNOWN.search(str(error)):
        return f"ONNX has no equivalent of TensorFlow's `{unknown[2]}`, used at `{unknown[1]}`"
    return keras_messages.reason(error)


@contextmanager
def _constants_as_numbers(model: keras.Model) -> Iterator[None]:
    """Let `Normalization` hold arrays, since its tensors, which are no weights, would become inputs."""
    layers = [layer for layer in every_layer(model) if isinstance(layer, keras.layers.Normalization)]
    before = [(layer.mean, layer.variance) for layer in layers]
    for layer in layers:
        layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)
    try:
        yield
    finally:
        for layer, (mean, variance) in zip(layers, before, strict=True):
            layer.mean, layer.variance = mean, variance


@cache
def _teach_erfc() -> None:
    """Let tf2onnx write TensorFlow's `Erfc`, part of GELU and unknown to it, as 1 - `Erf`."""

    @tf_op("Erfc")
    class _Erfc:
        @classmethod
        def version_9(cls, graph: Any, node: Any, **_: Any) -> None:
            node.type = "Erf"
            dtype = utils.map_onnx_to_numpy_type(graph.get_dtype(node.output[0]))
            one = graph.make_const(utils.make_name(node.name), np.array(1, dtype))
            inputs = [one.output[0], node.output[0]]
            graph.insert_new_node_on_output("Sub", node.output[0], name=utils.make_name(node.name), inputs=inputs)
