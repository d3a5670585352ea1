"""A tiny use of each extra, which runs in a child process of its own.

An import alone proves little: many packages load their native libraries on first use.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Facts = dict[str, Any]


def run_trial(extra: str) -> None:
    """Try `extra`, and print the outcome as JSON on the last line of standard output.

    It holds `problem`, the error as text, or `seconds` and `facts`. A native library may end the process instead.
    """
    with tempfile.TemporaryDirectory() as scratch:
        if not (Path.home() / ".keras").exists():
            os.environ.setdefault("KERAS_HOME", scratch)  # Keras writes its settings there when it is imported
        started = time.perf_counter()
        try:
            facts = TRIALS[extra]()
        except Exception as error:
            outcome: Facts = {"problem": f"{type(error).__name__}: {error}"}
        else:
            outcome = {"seconds": time.perf_counter() - started, "facts": facts}
    sys.stdout.write(f"\n{json.dumps(outcome)}\n")
    sys.stdout.flush()


def _tensorflow() -> Facts:
    """Call a layer, and return the devices."""
    from graphspec.extras import require_tensorflow

    started = time.perf_counter()
    require_tensorflow()
    seconds = time.perf_counter() - started
    import keras
    import tensorflow as tf

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ValueError(f"Keras uses the backend {backend}, but graphspec needs tensorflow: see KERAS_BACKEND")
    shape = tuple(keras.layers.Dense(3)(tf.zeros((2, 5))).shape)
    if shape != (2, 3):
        raise ValueError(f"a Dense layer of 3 units gives the shape {shape} for two samples")
    return {
        "backend": backend,
        "import_seconds": seconds,
        "built_with_cuda": bool(tf.test.is_built_with_cuda()),
        "devices": [
            {"kind": device.device_type, "name": _device_name(tf, device)}
            for device in tf.config.list_physical_devices()
        ],
    }


def _device_name(tf: Any, device: Any) -> str:
    details = tf.config.experimental.get_device_details(device) if device.device_type == "GPU" else {}
    return str(details.get("device_name") or device.name.rpartition("physical_device:")[2])


def _arrays() -> Facts:
    import h5py
    import ml_dtypes
    import numpy as np
    from rich.console import Console

    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        file["x"] = np.arange(3).astype(ml_dtypes.bfloat16).astype("float32")
        total = float(file["x"][:].sum())
    Console(file=io.StringIO()).print(total)
    return {}


def _tables() -> Facts:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table({"x": [1, 2]}), buffer)
    pq.read_table(buffer)
    return {}


def _images() -> Facts:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    Image.open(buffer).load()
    return {}


def _records() -> Facts:
    from google.protobuf import descriptor_pb2
    from google_crc32c import value

    value(b"graphspec")
    descriptor_pb2.FileDescriptorProto(name="graphspec").SerializeToString()
    return {}


def _hub() -> Facts:
    from graphspec.extras import require_tensorflow

    require_tensorflow()
    import keras_hub

    keras_hub.layers.TokenAndPositionEmbedding(3, 2, 2)
    return {}


def _onnx() -> Facts:
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "identity", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    if find_spec("tensorflow") is None:  # tf2onnx imports it, and does not require it
        return {}
    from graphspec.extras import require_tensorflow

    require_tensorflow()
    import tf2onnx

    return {"opset": tf2onnx.constants.PREFERRED_OPSET}


def _litert() -> Facts:
    from ai_edge_litert.interpreter import Interpreter

    try:
        Interpreter(model_content=b"not a model")
    except ValueError:  # the native library has read it
        return {}
    raise AssertionError("the interpreter takes for a model what is none")


def _tensorboard() -> Facts:
    from tensorboard.compat.proto.summary_pb2 import Summary

    Summary(value=[Summary.Value(tag="loss", simple_value=1.0)]).SerializeToString()
    return {}


def _mlflow() -> Facts:
    import sqlalchemy
    from alembic.runtime.migration import MigrationContext
    from mlflow.entities import Metric

    Metric("loss", 1.0, 0, 0)
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        MigrationContext.configure(connection)
    return {}


def _sweep() -> Facts:
    import optuna
    import sqlalchemy

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        connection.execute(sqlalchemy.text("select 1"))
    return {}


def _postgresql() -> Facts:
    import psycopg

    return {"libpq": psycopg.pq.version()}


def _editor() -> Facts:
    from lsprotocol.types import Position
    from pygls.lsp.server import LanguageServer

    LanguageServer("graphspec", "0")
    Position(0, 0)
    return {}


TRIALS: dict[str, Callable[[], Facts]] = {
    "tensorflow": _tensorflow,
    "arrays": _arrays,
    "tables": _tables,
    "images": _images,
    "records": _records,
    "hub": _hub,
    "onnx": _onnx,
    "litert": _litert,
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
    "sweep": _sweep,
    "postgresql": _postgresql,
    "editor": _editor,
}
"""The use of each extra that `graphspec.extras.EXTRAS` names."""
