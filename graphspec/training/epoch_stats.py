"""Statistics of an epoch: learning rate, shares of the loss, speed, waiting for data."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras

from graphspec.run_directory import Row
from graphspec.training.metrics import metric_value, share


class EpochStats(keras.callbacks.Callback):
    """A callback that computes `row`, the statistics of the epoch that has ended.

    It precedes the callbacks of the spec, which may change the learning rate at the end of an epoch.

    Args:
        weights: The loss weight of each trained output.
        samples: Returns the number of samples of an epoch between two steps.
        waited: Returns the seconds that the process has waited for data so far.
    """

    def __init__(
        self,
        weights: dict[str, float],
        samples: Callable[[int, int, int], int],
        waited: Callable[[], float],
    ) -> None:
        super().__init__()
        self.weights = weights
        self.samples = samples
        self.waited = waited
        self.row: Row = {}
        self._began = self._last = self._waited = 0.0
        self._from = self._to = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = self._last = time.monotonic()
        self._waited = self.waited()
        self._from = self._to = -1

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._from < 0:
            self._from = batch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._to = batch + 1
        self._last = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        metrics = logs or {}
        seconds = self._last - self._began
        self.row = {"optimizer/learning_rate": metric_value(self.model.optimizer.learning_rate)}
        if len(self.weights) > 1:
            for name, weight in self.weights.items():
                self.row[f"share/{name}"] = share(weight, metrics.get(f"{name}_loss"), metrics.get("loss"))
        self.row["time/seconds"] = round(time.monotonic() - self._began, 6)
        if self._from >= 0 and seconds > 0:
            samples = self.samples(epoch, self._from, self._to)
            self.row["time/samples_per_second"] = round(samples / seconds, 3)
            self.row["time/data_wait"] = round(min(1.0, (self.waited() - self._waited) / seconds), 6)
