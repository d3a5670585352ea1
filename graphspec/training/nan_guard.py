"""A loss that is no number ends a training: what follows would be lost work."""

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
from graphspec.training.checkpoints import name_of, steps_in
from graphspec.training.metrics import OutputLoss


class NotFiniteError(Exception):
    """A loss is NaN or infinite: which, at which step of which epoch (counted from 1), and of which output."""

    def __init__(self, value: float, epoch: int, step: int, output: str | None) -> None:
        super().__init__(value)
        self.value = value
        self.epoch = epoch
        self.step = step
        self.output = output


class FiniteLoss(keras.callbacks.Callback):
    """Ends a training whose loss is no finite number. losses: the metric that holds each trained output's loss."""

    def __init__(self, losses: dict[str, OutputLoss]) -> None:
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
        if finite[output] > batch:  # every output is well, so it is what is added to them
            raise NotFiniteError(value, self.epoch + 1, batch + 1, None)
        raise NotFiniteError(value, self.epoch + 1, finite[output] + 1, output)


def nan_diagnostic(error: NotFiniteError, run: Path, span: Span) -> SpecError:
    """The finding: the step, the output, and the last checkpoint that is good."""
    of = f"the loss of `{error.output}`" if error.output is not None else "the loss, by its regularisation,"
    good = last_finite(run / CHECKPOINTS)
    kept = f"the last good checkpoint is {good}" if good is not None else "no checkpoint before it is good"
    return SpecError.of(
        LOSS_NOT_FINITE,
        f"{of} is {error.value} at step {error.step} of epoch {error.epoch}; {kept}",
        span,
        help="to go on from there would come to the same; train anew with a lower learning rate or with `clipnorm`, "
        "and look at the data with `graphspec validate --data`",
    )


def last_finite(folder: Path) -> Path | None:
    """The newest checkpoint in `folder` that is whole and holds no number that is not finite; None where none is."""
    for steps in reversed(steps_in(folder)):
        path = folder / name_of(steps)
        try:
            arrays = read_checkpoint(path).arrays
        except DamagedError:
            continue
        trained = [each for name, each in arrays.items() if name.startswith("model/")]
        if all(np.isfinite(each).all() for each in trained if each.dtype.kind == "f"):
            return path
    return None
