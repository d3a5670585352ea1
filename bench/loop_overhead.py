"""What graphspec's training adds to `fit`: checkpoints, metrics, progress, the data set; for steps of about 5 ms.

    python bench/loop_overhead.py

Both sides train the same model on the same arrays in memory, with the same number of steps per execution, in one
process, in turns; `fit` is bare: no callbacks but a clock, no validation, no progress. An epoch is timed from the
beginning of one to the beginning of the next, so that what graphspec writes between them counts. The first two epochs,
in which functions are traced, are left out; of several turns the least median counts.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import graphspec
from graphspec.version import __version__

EPOCHS, TURNS, BATCH, STEPS = 5, 5, 64, 300
WIDTH = 448
L = keras.layers
clock: list[float] = []


class Clock(keras.callbacks.Callback):
    """Notes when each epoch begins."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        clock.append(time.perf_counter())

    def get_config(self) -> dict[str, Any]:
        """None: it has no settings."""
        return {}


keras.saving.register_keras_serializable("bench")(Clock)

SPEC = """
graphspec: 1
plugins: [json]
inputs: {x: [64]}
graph:
  hidden: {from: x, apply: [{Dense: {units: WIDTH, activation: relu}, repeat: LAYERS}]}
outputs:
  y: {from: hidden, apply: {Dense: 1}, loss: mse, metrics: [mae]}
training:
  optimizer: adam
  epochs: EPOCHS
  batch_size: BATCH
  steps_per_execution: TOGETHER
  checkpoint: {every: epoch}
  callbacks: ["bench>Clock"]
data:
  train: {file: arrays.npz, inputs: {x: {key: x}}, outputs: {y: {key: y}}}
"""


def main() -> None:
    """Print a line of figures for each number of steps per execution."""
    rng = np.random.default_rng(0)
    x, y = rng.random((BATCH * STEPS, 64), np.float32), rng.random((BATCH * STEPS, 1), np.float32)
    print(f"{platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}, TensorFlow", end=" ")
    print(f"{tf.__version__}, Keras {keras.__version__}, graphspec {__version__}; {STEPS} steps an epoch")
    layers = _layers_for(5.0, x, y)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "arrays.npz", x=x, y=y)
        for together in (1, 20):
            values = {"WIDTH": WIDTH, "LAYERS": layers, "EPOCHS": EPOCHS, "BATCH": BATCH, "TOGETHER": together}
            text = SPEC
            for key, value in values.items():
                text = text.replace(key, str(value))
            (folder / "spec.yaml").write_text(text, encoding="utf-8")
            ours, bare = [], []
            for turn in range(TURNS):
                run = folder / f"run_{together}_{turn}"
                ours.append(_epoch(partial(graphspec.train, folder / "spec.yaml", run_dir=run, progress=True)))
                bare.append(_epoch(partial(_fit, layers, x, y, together)))
            size = max(each.stat().st_size for each in (run / "checkpoints").iterdir())
            result = {
                "steps per execution": together,
                "bare fit, ms a step": round(min(bare) / STEPS * 1000, 3),
                "graphspec, ms a step": round(min(ours) / STEPS * 1000, 3),
                "ratio": round(min(ours) / min(bare), 4),
                "checkpoint, MB": round(size / 1e6, 1),
            }
            print(json.dumps(result), flush=True)


def _model(layers: int) -> keras.Model:
    inputs = keras.Input((64,), name="x")
    hidden = inputs
    for _ in range(layers):
        hidden = L.Dense(WIDTH, activation="relu")(hidden)
    return keras.Model({"x": inputs}, {"y": L.Dense(1, name="y")(hidden)})


def _fit(layers: int, x: Any, y: Any, together: int, epochs: int = EPOCHS) -> None:
    model = _model(layers)
    model.compile("adam", {"y": "mse"}, metrics={"y": ["mae"]}, steps_per_execution=together)
    model.fit({"x": x}, {"y": y}, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[Clock()])


def _epoch(train: Any) -> float:
    """The median of the seconds that an epoch takes, with what lies between it and the next."""
    clock.clear()
    train()
    return statistics.median(later - sooner for sooner, later in pairwise(clock[2:]))


def _layers_for(milliseconds: float, x: Any, y: Any) -> int:
    """How many layers make a step take about so long here, twenty at a time."""
    layers = 1
    while True:
        taken = _epoch(partial(_fit, layers, x[: BATCH * 100], y[: BATCH * 100], 20, 4)) / 100 * 1000
        if taken >= milliseconds:
            return layers
        layers = max(layers + 1, int(layers * milliseconds / taken))


if __name__ == "__main__":
    sys.exit(main())
