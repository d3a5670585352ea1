"""A callback that ends a training whose loss is NaN or infinite."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np

from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import LOSS_NOT_FINITE
from graphspec.run_directory import CHECKPOINTS
from graphspec.training.checkpoint_file import DamagedError, read_checkpoint
from graphspec.training.checkpoints import checkpoint_name, checkpoint_steps
from graphspec.training.metrics import LossMean


class NotFiniteError(Exception):
    """A loss is NaN or infinite; epoch and step are counted from 1."""

    def __init__(self, value: float, epoch: int, step: int, output: str | None) -> None:
        super().__init__(value)
        self.value = value
        self.epoch = epoch
        self.step = step
        self.output = output


class NanGuard(keras.callbacks.Callback):
    """A callback that raises NotFiniteError by the loss metric of each trained output."""

    def __init__(self, losses: dict[str, LossMean]) -> None:
        super().__init__()
        self.losses = losses
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        value = float((logs or {}).get("loss", 0.0))
        if math.isfinite(value):
            return
        finite = {name: int(loss.finite) for name, loss in self.losses.items()}
        output = min(finite, key=lambda name: finite[name])
        if finite[output] > batch:  # the losses of all outputs are finite, so the regularisation is not
            raise NotFiniteError(value, self.epoch + 1, batch + 1, None)
        raise NotFiniteError(value, self.epoch + 1, finite[output] + 1, output)


def nan_diagnostic(error: NotFiniteError, run: Path, span: Span) -> SpecError:
    """Return the diagnostic of a loss that is not finite, with the last checkpoint of finite weights.

    Args:
        error: The loss, its output and its step.
        run: The run directory.
        span: Where the spec has `training`.
    """
    of = f"the loss of `{error.output}`" if error.output is not None else "the loss, by its regularisation,"
    checkpoint = last_finite_checkpoint(run / CHECKPOINTS)
    state = f"the last good checkpoint is {checkpoint}" if checkpoint is not None else "no checkpoint is good"
    return SpecError.of(
        LOSS_NOT_FINITE,
        f"{of} is {error.value} at step {error.step} of epoch {error.epoch}; {state}",
        span,
        help="resuming would fail in the same way; train again with a lower learning rate or with `clipnorm`, "
        "and check the data with `graphspec validate --data`",
    )


def last_finite_checkpoint(folder: Path) -> Path | None:
    """Return the newest intact checkpoint in `folder` whose weights are all finite, or None."""
    for steps in reversed(checkpoint_steps(folder)):
        path = folder / checkpoint_name(steps)
        try:
            arrays = read_checkpoint(path).arrays
        except DamagedError:
            continue
        weights = [each for name, each in arrays.items() if name.startswith("model/")]
        if all(np.isfinite(each).all() for each in weights if each.dtype.kind == "f"):
            return path
    return None
