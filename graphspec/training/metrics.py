"""Losses by output that are true means over samples.

Keras gives each batch the same weight in `<output>_loss`, so a partial last batch counts as much as a full one and the
outputs do not add up to the total (keras/src/trainers/compile_utils.py, CompileLoss.call: the weight of a batch is
its static size, which is None). `OutputLoss` weights by size, as Keras' own total does, so that

    loss = sum over outputs of loss_weight * <output>_loss  (+ regularisation)
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from graphspec.distribution.share import current_share, rows_and_size
from graphspec.run_directory.records import MAX_NUMBER
from graphspec.to_keras.keras_internals import loss_of

_OF_SEVERAL, _ONLY = "true_loss", "only_loss"
"""Names of the metric; the loss of the only trained output is the total, and is not reported twice."""


class OutputLoss(keras.metrics.Metric):
    """The mean over samples of one output's loss, before its loss weight.

    Args:
        loss: A `keras.losses.Loss`, or an identifier such as `mse`.
        others: The number of other trained outputs.

    Attributes:
        finite: The number of batches before the first whose loss is not finite.
    """

    def __init__(self, loss: Any, others: int) -> None:
        super().__init__(name=_OF_SEVERAL if others else _ONLY)
        self.loss = loss_of(loss)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.samples = self.add_variable(shape=(), initializer="zeros", name="samples")
        self.finite = self.add_variable(shape=(), initializer="zeros", name="finite")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the loss of one batch, weighted by its number of samples."""
        rows, size = rows_and_size(y_pred)
        value = keras.ops.cast(self.loss(y_true, y_pred, sample_weight), self.dtype)
        self.total.assign_add(value * keras.ops.cast(size, self.dtype))
        self.samples.assign_add(keras.ops.cast(rows, self.dtype))
        if current_share() is None:
            self.count_finite()

    def count_finite(self) -> None:
        """Count the batch if no loss has been infinite or NaN; where batches are shared, once all shares are added."""
        self.finite.assign_add(keras.ops.cast(keras.ops.isfinite(self.total), self.dtype))

    def result(self) -> Any:
        return keras.ops.divide_no_nan(self.total, self.samples)


def replace_losses(logs: dict[str, Any]) -> None:
    """Replace Keras' `<output>_loss` in `logs` by the true means."""
    for key in [key for key in logs if key == _ONLY or key.endswith("_" + _ONLY)]:
        del logs[key]
    for key in [key for key in logs if key.endswith("_" + _OF_SEVERAL)]:
        logs[key[: -len(_OF_SEVERAL)] + "loss"] = logs.pop(key)


MetricValue = float | list[Any] | None
"""A metric as a run records it: a number, a list for a metric of several values, None if it is not finite."""


def metric_value(value: Any) -> MetricValue:
    """Return the value of a Keras metric as a run records it."""
    if np.ndim(value):
        return [metric_value(each) for each in np.asarray(value)]
    number = float(value)
    return number if abs(number) <= MAX_NUMBER else None


def share(weight: float, loss: float | None, total: float | None) -> float | None:
    """Return the share of a weighted loss in the total, or None if not finite."""
    if not total or loss is None:
        return None
    value = weight * loss / total
    return value if abs(value) <= MAX_NUMBER else None


class TrueLosses(keras.callbacks.Callback):
    """The first of all callbacks, which puts the true means into the logs."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        replace_losses(logs or {})

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        replace_losses(logs or {})

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        replace_losses(logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        replace_losses(logs or {})
