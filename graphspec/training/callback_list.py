"""Keras' list of callbacks, which counts the steps of an epoch that is resumed in its middle from where it was left.

It also ends such an epoch. Keras would find out by a step without data, in which everything that needs none (random
generators, the count of iterations) is done all the same.
"""

from __future__ import annotations

from typing import Any

import keras

from graphspec.training.state import Position


class CallbackList(keras.callbacks.CallbackList):
    """Given to `fit` in the place of a list. start is where the training goes on from."""

    def __init__(self, callbacks: list[Any], model: keras.Model, *, epochs: int, steps: int, start: Position) -> None:
        super().__init__(callbacks, add_history=True, model=model, epochs=epochs, steps=steps, verbose=0)
        self.steps = steps
        self.start = start
        self.done = 0
        self.reached: dict[str, Any] = {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.done = self.start.step if epoch == self.start.epoch else 0
        self.reached = {}
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch + self.done >= self.steps:
            if not batch:  # only the validation is left, and Keras knows no metrics of steps that it has not taken
                self.reached = keras.tree.map_structure(keras.ops.convert_to_numpy, self.model.get_metrics_result())
            raise StopIteration  # as of a data set that has come to its end
        super().on_train_batch_begin(batch + self.done, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_train_batch_end(batch + self.done, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, {**self.reached, **(logs or {})})
