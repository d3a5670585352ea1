"""What graphspec's training adds to `fit`: checkpoints, metrics, progress, the data set; for steps of about 5 ms.

    python bench/loop_overhead.py [--pairs 40]

Both sides train the same model on the same arrays in memory, with the same number of steps per execution, in one
process; `fit` is bare: no callbacks but a clock, no validation, no progress. They take turns epoch by epoch, each
waiting while the other works, so that a machine that is slower for a while is so for both. An epoch is timed from its
beginning to the beginning of the next, so that what graphspec writes between them counts. The first two epochs of each,
in which functions are traced, are left out; of the ratios of all pairs, the median is the result. Beside the time that
has passed, that which processors have worked is compared: other machines on the same processors lengthen it less.

Last, a model of next to no size, whose steps take so little that what is added to each can be seen by itself.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from turns import TRACED, Clock, Times, in_turns, ratios

import graphspec
from graphspec.version import __version__

BATCH = 64
WIDTH, STEPS = 448, 300
SMALL, SMALL_STEPS = 8, 2000
L = keras.layers

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
    """Print a line of figures for each model and number of steps per execution."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=40)
    pairs = parser.parse_args().pairs
    print(f"{platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}, TensorFlow", end=" ")
    print(f"{tf.__version__}, Keras {keras.__version__}, graphspec {__version__}; medians of {pairs} pairs of epochs")
    layers = _layers_for(5.0)
    for width, number, steps in ((WIDTH, layers, STEPS), (SMALL, 1, SMALL_STEPS)):
        for together in (1, 20):
            taken, size = _compared(width, number, steps, together, pairs)
            print(f"{number} layers of {width}, {together} steps per execution, {steps} an epoch, checkpoints", end=" ")
            print(f"of {size / 1e6:.1f} MB", flush=True)
            for at, what in enumerate(("wall", "processors")):
                ours, bare = ([each[at] / steps for each in taken[side]] for side in ("graphspec", "bare fit"))
                low, middle, high = ratios(taken["graphspec"], taken["bare fit"], at)
                added = statistics.median(one - other for one, other in zip(ours, bare, strict=True))
                print(f"  {what:10}  {statistics.median(bare) * 1e3:.3f} ms a step by bare fit", end="")
                print(f", {added * 1e6:+.0f} us: ratio {middle:.4f}", end="")
                print(f" (quartiles {low:.3f} and {high:.3f})", flush=True)


def _compared(width: int, layers: int, steps: int, together: int, pairs: int) -> tuple[dict[str, list[Times]], int]:
    """The times of epochs of both sides, and the bytes of a checkpoint."""
    epochs = pairs + TRACED + 1
    x, y = _data(steps)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "arrays.npz", x=x, y=y)
        values = {"WIDTH": width, "LAYERS": layers, "EPOCHS": epochs, "BATCH": BATCH, "TOGETHER": together}
        text = SPEC
        for key, value in values.items():
            text = text.replace(key, str(value))
        (folder / "spec.yaml").write_text(text, encoding="utf-8")
        run = folder / "run"
        ours = partial(graphspec.train, folder / "spec.yaml", run_dir=run, progress=True)
        taken = in_turns({"graphspec": ours, "bare fit": partial(_fit, width, layers, x, y, together, epochs)})
        return taken, max(each.stat().st_size for each in (run / "checkpoints").iterdir())


def _data(steps: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.random((BATCH * steps, 64), np.float32), rng.random((BATCH * steps, 1), np.float32)


def _model(width: int, layers: int) -> keras.Model:
    inputs = keras.Input((64,), name="x")
    hidden = inputs
    for _ in range(layers):
        hidden = L.Dense(width, activation="relu")(hidden)
    return keras.Model({"x": inputs}, {"y": L.Dense(1, name="y")(hidden)})


def _fit(width: int, layers: int, x: Any, y: Any, together: int, epochs: int) -> None:
    model = _model(width, layers)
    model.compile("adam", {"y": "mse"}, metrics={"y": ["mae"]}, steps_per_execution=together)
    model.fit({"x": x}, {"y": y}, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[Clock()])


def _layers_for(milliseconds: float) -> int:
    """How many layers make a step take about so long here, twenty at a time."""
    steps, layers = 100, 1
    while True:
        fit = partial(_fit, WIDTH, layers, *_data(steps), 20, 4)
        found = in_turns({"bare fit": fit})
        taken = statistics.median(wall for wall, _ in found["bare fit"]) / steps * 1000
        if taken >= milliseconds:
            return layers
        layers = max(layers + 1, int(layers * milliseconds / taken))


if __name__ == "__main__":
    sys.exit(main())
