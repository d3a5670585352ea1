"""The call of Keras' `fit`, on one process or on one of several, and its errors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from graphspec.datasets.faults import raise_faults
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN, REFUSED_TRAINING
from graphspec.distribution.steps import distribute_steps
from graphspec.distribution.strategy import lost_worker
from graphspec.files import cannot_write
from graphspec.to_keras.keras_messages import reason
from graphspec.training.callback_list import CallbackList
from graphspec.training.checkpoint_file import DamagedError
from graphspec.training.decisions import Decisions, EpochAgreement
from graphspec.training.metrics import LossMean
from graphspec.training.setup import TrainingSetup, validation_batches
from graphspec.training.signals import Interruption
from graphspec.training.state import Position, TrainingState

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnknownError,
)
"""Errors of a reduction that another worker does not take part in."""


@dataclass(frozen=True)
class Together:
    """The additions to a training of several replicas; none for one."""

    decisions: Decisions | None = None
    callbacks: tuple[Any, ...] = ()


def train_together(
    setup: TrainingSetup, losses: dict[str, LossMean], state: TrainingState, interruption: Interruption
) -> Together:
    """Divide the steps of a compiled model among its replicas."""
    if setup.distribution is None:
        return Together()
    decisions = Decisions(interruption)

    def count_finite() -> None:
        for loss in losses.values():
            loss.count_finite()

    distribute_steps(setup.model, setup.distribution, decisions.own, count_finite)
    return Together(decisions, (EpochAgreement(decisions, setup.distribution, state),))


def fit(
    setup: TrainingSetup, callbacks: list[Any], position: Position, end_epoch: int, *, decisions: Decisions | None
) -> None:
    """Train from `position`, with batches in their order.

    Args:
        setup: The training, compiled.
        callbacks: All callbacks, in their order.
        position: The position to train from.
        end_epoch: The epoch to end before; that of `position` to begin and end without a step.
        decisions: Those of several workers.

    Raises:
        SpecError: Data cannot be read.
        Exception: Whatever a callback or Keras raises.
    """
    settings, batches = setup.settings, setup.batches
    starter = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: batches.start(epoch, position.step if epoch == position.epoch else 0)
    )
    faults = [setup.samples.faults, *([setup.validation.faults] if setup.validation is not None else [])]
    with raise_faults(*faults), warnings.catch_warnings():
        # These are intended: outputs without a loss, and an epoch that begins in its middle.
        warnings.filterwarnings("ignore", message="Gradients do not exist for variables")
        warnings.filterwarnings("ignore", message="Your input ran out of data")
        setup.model.fit(
            batches.dataset,
            epochs=end_epoch,
            initial_epoch=position.epoch,
            validation_data=validation_batches(setup),
            validation_freq=settings.validation_freq,
            callbacks=CallbackList(
                [starter, *callbacks],
                setup.model,
                epochs=end_epoch,
                steps=batches.steps,
                start=position,
                decisions=decisions,
            ),
            shuffle=False,
            verbose=0,
        )


def training_error(error: Exception, run: Path, setup: TrainingSetup) -> SpecError:
    """Return the error for a training that failed for another reason than its data."""
    cluster = setup.distribution.cluster if setup.distribution is not None else None
    if cluster is not None and isinstance(error, _LOST):
        return lost_worker(cluster)
    if isinstance(error, DamagedError):
        return SpecError.of(
            BAD_RUN,
            f"the newest checkpoint of {run} cannot be used: {error}",
            help="remove it to resume from the one before",
        )
    if isinstance(error, OSError):
        return cannot_write(Path(error.filename or run), error)
    return SpecError.of(
        REFUSED_TRAINING,
        f"the training failed: {reason(error)}",
        setup.spec.model.key_span("training"),
        help=f"the files written so far are in {run}",
    )
