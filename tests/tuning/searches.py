"""A small spec with a search, its data, and the command that runs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
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


@contextmanager
def optuna_study(storage: str) -> Iterator[optuna.Study]:
    """The study as optuna itself reads it from the URL of its storage."""
    database = optuna.storages.RDBStorage(storage)
    try:
        yield optuna.load_study(study_name="spec", storage=database)
    finally:
        database.remove_session()
        database.engine.dispose()


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def pausing(until: Path, *, trial: int | None = None, before: Callable[[], None] | None = None) -> Callable[[], None]:
    """Return what lets a process pause in its first trial, after the second epoch, until there is a file.

    Args:
        until: The file; a process that is to be killed waits for one that never comes.
        trial: The number of another trial to pause in.
        before: What the process does before.
    """
    return partial(_pause, until, trial, before)


def _pause(until: Path, trial: int | None, before: Callable[[], None] | None) -> None:
    from graphspec.tuning.console import TrialProgress

    if before is not None:
        before()
    begin, tell = TrialProgress.begin, TrialProgress.epoch
    begun = [-1]

    def begin_and_note(self: TrialProgress, number: int, epochs: int) -> None:
        begun.append(number)
        begin(self, number, epochs)

    def tell_and_pause(self: TrialProgress, epoch: int, value: Any) -> None:
        tell(self, epoch, value)
        while epoch == 1 and begun[-1] == (begun[1] if trial is None else trial) and not until.exists():
            time.sleep(0.02)

    TrialProgress.begin, TrialProgress.epoch = begin_and_note, tell_and_pause  # type: ignore[method-assign,assignment]
