"""Decisions of single workers, such as to stop after a signal, made common to all of them.

Each worker adds what it has decided to the sums of a step, so that all take the same number of steps. After an epoch
they compare their variables, too: workers that drift apart would train the sum of different models.
"""

from __future__ import annotations

import signal
import zlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import WORKERS_DIFFER
from graphspec.distribution.steps import DECISIONS
from graphspec.distribution.strategy import Distribution
from graphspec.signals import SIGNALS
from graphspec.training.signals import Interruption, StoppedError
from graphspec.training.state import TrainingState


class Decisions:
    """The decisions of this worker and of all.

    Attributes:
        own: A vector of what this worker wants: to end the training, or to stop after each kind of signal.
    """

    def __init__(self, interruption: Interruption) -> None:
        self.interruption = interruption
        self.own = tf.Variable(tf.zeros((1 + len(SIGNALS),)), trainable=False)
        self._wants_end = False
        self._ends = False
        self._number: int | None = None
        self._written = self.vector()

    @property
    def is_requested(self) -> bool:
        """Return whether a signal to any worker has requested a stop."""
        return self._number is not None

    def as_error(self) -> StoppedError:
        """Return the error to raise where the training stops."""
        return StoppedError(self._number if self._number is not None else signal.SIGINT)

    def before_step(self) -> None:
        """Add what this worker has decided to the next step."""
        if (vector := self.vector()) != self._written:
            self.own.assign(vector)
            self._written = vector

    def after_step(self, logs: dict[str, Any] | None) -> None:
        """Take the decisions of all workers out of the logs of a step."""
        if logs is not None and (vector := logs.pop(DECISIONS, None)) is not None:
            self.accept(np.asarray(vector))

    def end_together(self, model: keras.Model) -> None:
        """Put off the end that a callback has asked for in a step until all workers know of it."""
        self._wants_end = self._wants_end or bool(model.stop_training)
        model.stop_training = self._ends

    def vector(self) -> list[float]:
        """Return what this worker has decided."""
        return [float(self._wants_end), *(float(self.interruption.number == each) for each in SIGNALS)]

    def accept(self, vector: Any) -> None:
        """Accept the sum of what all workers have decided."""
        self._ends = self._ends or bool(vector[0])
        requested = [number for number, count in zip(SIGNALS, vector[1:], strict=True) if count]
        if requested and self._number is None:
            self._number = int(requested[0])

    def decide_epoch(self, model: keras.Model, distribution: Distribution, state: TrainingState) -> None:
        """Agree on the end of the training after an epoch, and compare the variables of the workers."""
        self._wants_end = self._wants_end or bool(model.stop_training)
        vectors = distribution.gather_json([self.vector(), checksum(state)])
        check_same(distribution, [each for _, each in vectors], "the weights")
        self.accept(np.sum([each for each, _ in vectors], axis=0))
        model.stop_training = model.stop_training or self._ends


class EpochAgreement(keras.callbacks.Callback):
    """A callback by which all workers agree after each epoch; it follows all that decide."""

    def __init__(self, decisions: Decisions, distribution: Distribution, state: TrainingState) -> None:
        super().__init__()
        self.decisions = decisions
        self.distribution = distribution
        self.state = state

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.decisions.decide_epoch(self.model, self.distribution, self.state)


def checksum(state: TrainingState) -> int:
    """Return a checksum of the variables of model and optimizer."""
    value = 0
    for array in state.arrays().values():
        value = zlib.crc32(array.tobytes(), value)
    return value


def check_same(distribution: Distribution, values: list[Any], what: str) -> None:
    """Raise SpecError unless all workers have the value of the chief."""
    others = [index for index, value in enumerate(values) if value != values[0]]
    if others and distribution.cluster is not None:
        raise SpecError.of(
            WORKERS_DIFFER,
            f"{what} of {distribution.cluster.name_of(others[0])} are not those of the chief",
            help="use machines of the same kind with the same versions, and files of weights that are the same",
        )
