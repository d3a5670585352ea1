"""A list of callbacks that continues the count of steps in a resumed epoch.

It also ends such an epoch. Keras would take one more step without data, which still advances random generators and the
count of iterations.
"""

from __future__ import annotations

from typing import Any

import keras

from graphspec.training.decisions import Decisions
from graphspec.training.state import Position


class CallbackList(keras.callbacks.CallbackList):
    """The callbacks of one `fit`, of epochs of `steps` steps, from the position `start`.

    With `decisions`, they see those of all workers.
    """

    def __init__(
        self,
        callbacks: list[Any],
        model: keras.Model,
        *,
        epochs: int,
        steps: int,
        start: Position,
        decisions: Decisions | None = None,
    ) -> None:
        super().__init__(callbacks, add_history=True, model=model, epochs=epochs, steps=steps, verbose=0)
        self.steps = steps
        self.start = start
        self.decisions = decisions
        self.steps_before = 0
        self.metrics_before: dict[str, Any] = {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.steps_before = self.start.step if epoch == self.start.epoch else 0
        self.metrics_before = {}
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch + self.steps_before >= self.steps:
            if not batch:  # only the validation is left, and Keras has no metrics of steps that it did not take
                self.metrics_before = keras.tree.map_structure(
                    keras.ops.convert_to_numpy, self.model.get_metrics_result()
                )
            raise StopIteration  # as an exhausted data set does
        super().on_train_batch_begin(batch + self.steps_before, logs)
        if self.decisions is not None:
            self.decisions.before_step()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.decisions is not None:
            self.decisions.after_step(logs)
        super().on_train_batch_end(batch + self.steps_before, logs)
        if self.decisions is not None:
            self.decisions.end_together(self.model)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_test_batch_begin(batch, logs)
        if self.decisions is not None:
            self.decisions.before_step()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.decisions is not None:
            self.decisions.after_step(logs)
        super().on_test_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, {**self.metrics_before, **(logs or {})})
