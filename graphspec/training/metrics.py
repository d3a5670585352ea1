"""Losses by output that are true means.

Keras weighs each batch alike in `<output>_loss`, so a partial last batch counts as much as a full one and the
outputs do not add up to the total (keras/src/trainers/compile_utils.py, CompileLoss.call: the weight of a batch is
its static size, which is None). `OutputLoss` weighs by size, as Keras' own total does, so that

    loss = sum over outputs of loss_weight * <output>_loss  (+ regularisation)
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from graphspec.run_directory.records import GREATEST
from graphspec.to_keras.keras_internals import loss_of

_SHOWN, _HIDDEN = "true_loss", "only_loss"
"""The loss of an output that is trained alone is the total, and is not told twice."""


class OutputLoss(keras.metrics.Metric):
    """The mean over samples of one output's loss, before its loss weight.

    loss is what `compile` is given for the output: a keras.losses.Loss or an identifier such as `mse`. finite counts
    the batches before the first whose loss is not a finite number. beside: how many outputs are trained beside it.
    """

    def __init__(self, loss: Any, beside: int) -> None:
        super().__init__(name=_SHOWN if beside else _HIDDEN)
        self.loss = loss_of(loss)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.samples = self.add_variable(shape=(), initializer="zeros", name="samples")
        self.finite = self.add_variable(shape=(), initializer="zeros", name="finite")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch: the loss's own value for it, as often as it has samples."""
        size = keras.ops.cast(keras.ops.shape(y_pred)[0], self.dtype)
        value = keras.ops.cast(self.loss(y_true, y_pred, sample_weight), self.dtype)
        self.total.assign_add(value * size)
        self.samples.assign_add(size)
        self.finite.assign_add(keras.ops.cast(keras.ops.isfinite(self.total), self.dtype))

    def result(self) -> Any:
        return keras.ops.divide_no_nan(self.total, self.samples)


def with_true_losses(logs: dict[str, Any]) -> None:
    """Put the true means in the place of Keras' `<output>_loss`, in the logs themselves.

    An output that is trained alone has no such key.
    """
    for key in [key for key in logs if key == _HIDDEN or key.endswith("_" + _HIDDEN)]:
        del logs[key]
    for key in [key for key in logs if key.endswith("_" + _SHOWN)]:
        logs[key[: -len(_SHOWN)] + "loss"] = logs.pop(key)


Measured = float | list[Any] | None
"""A metric as a run holds it: a number, a list for a metric of several values, None where it is not finite."""


def measured(value: Any) -> Measured:
    """The value of a metric, as Keras gives it, as a run holds it."""
    if np.ndim(value):
        return [measured(each) for each in np.asarray(value)]
    number = float(value)
    return number if abs(number) <= GREATEST else None


def share(weight: float, loss: float | None, whole: float | None) -> float | None:
    """The part of a weighted loss in the total, which holds regularisation too; None where it is no number."""
    if not whole or loss is None:
        return None
    found = weight * loss / whole
    return found if abs(found) <= GREATEST else None


class TrueLosses(keras.callbacks.Callback):
    """First of all callbacks: those after it, and the history, read the true means."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        with_true_losses(logs or {})

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        with_true_losses(logs or {})

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        with_true_losses(logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        with_true_losses(logs or {})
