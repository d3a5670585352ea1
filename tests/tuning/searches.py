"""A small spec with a search, its data, and the command that runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from graphspec.cli import main

SPEC = """
# What comes first stays first.
graphspec: 1
vars: {hidden: 16}                       # how wide
inputs: {x: [2]}
outputs:
  y:
    from: x
    apply: [{Dense: {units: "${hidden}", activation: relu}}, {Dense: 1}]
    loss: mse
training: {optimizer: {Adam: {learning_rate: 0.01}}, epochs: 4, batch_size: 16}   # short

search:
  parameters:
    training.optimizer.Adam.learning_rate: {float: {low: 1.0e-4, high: 0.1, log: true}}
    vars.hidden: {int: {low: 4, high: 32, step: 4}}
    outputs.y.apply[0].Dense.activation: [relu, tanh]
  trials: 6
  sampler: {TPESampler: {seed: 1, n_startup_trials: 3}}
  pruner: {MedianPruner: {n_startup_trials: 3, n_warmup_steps: 0}}

data:
  train: {file: d.npz, inputs: {x: {key: x}}, outputs: {y: {key: y}}}
  validation: {split: 0.25}
"""


def write_spec(folder: Path, text: str = SPEC) -> Path:
    """The spec with its data, in `folder`."""
    x = np.random.default_rng(0).random((64, 2), "float32")
    np.savez(folder / "d.npz", x=x, y=x.sum(1, keepdims=True) ** 2)
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])
