"""The stages of a training, one after the other: each is a call of `fit` on the model that the one before has left.

A stage compiles the model anew, as Keras asks for where layers are frozen or unfrozen. So each begins with a new
optimizer, without momentum and at the first step of its schedule; a training without stages is one stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from graphspec.training.checkpoints import Checkpoints
from graphspec.training.fitting import fit, train_together
from graphspec.training.metrics import LossMean, TrueLosses
from graphspec.training.nan_guard import NanGuard
from graphspec.training.setup import TrainingSetup, compile_setup
from graphspec.training.signals import Interruption
from graphspec.training.state import StagePosition, Start, TrainingState

OnStage = Callable[[StagePosition], None]
"""Called before each stage."""


@dataclass(frozen=True, kw_only=True)
class StageCallbacks:
    """The callbacks of all stages: those before the guard of losses, and those after it."""

    first: Sequence[Any]
    own: Sequence[Any]
    checkpoints: Checkpoints


def enter_stage(setup: TrainingSetup, number: int, recorded_steps: int | None) -> dict[str, LossMean]:
    """Freeze, unfreeze and compile for stage `number`, from 0.

    Args:
        setup: The training.
        number: The number of the stage.
        recorded_steps: The steps per execution of a run that has begun; None for those of the spec.

    Returns:
        The loss metric of each trained output.

    Raises:
        SpecError: A loss or a metric does not fit the outputs or the targets.
    """
    setup.freezing.enter(number)
    return compile_setup(setup, recorded_steps, number)


def fit_stages(
    setup: TrainingSetup,
    start: Start,
    losses: dict[str, LossMean],
    *,
    state: TrainingState,
    callbacks: StageCallbacks,
    interruption: Interruption,
    on_stage: OnStage,
) -> None:
    """Train from `start` to the end of the last stage.

    Args:
        setup: The training, compiled for the stage of `start`.
        start: The position to train from.
        losses: The loss metric of each trained output.
        state: The state of the training.
        callbacks: The callbacks of all stages.
        interruption: Requests a stop.
        on_stage: Called before each stage.

    Raises:
        SpecError: Data cannot be read, or a stage does not compile.
        Exception: Whatever a callback or Keras raises.
    """
    checkpoints, position, stage = callbacks.checkpoints, start.position, start.stage
    is_stopped = start.resumed is not None and start.resumed.state["stopped"]
    while True:
        end_epoch = stage.first_epoch + setup.stages[stage.number].epochs
        together = train_together(setup, losses, state, interruption)
        checkpoints.begin_stage(stage, end_epoch, together.decisions or interruption)
        on_stage(stage)
        order = [
            *(*callbacks.first, TrueLosses(), NanGuard(losses)),
            *(*callbacks.own, *together.callbacks, checkpoints),
        ]
        fit(setup, order, position, position.epoch if is_stopped else end_epoch, decisions=together.decisions)
        if stage.number + 1 == len(setup.stages) or checkpoints.is_ended:
            return
        position, is_stopped = checkpoints.position, False
        stage = StagePosition(stage.number + 1, position.epoch)
        losses = enter_stage(setup, stage.number, int(setup.model.steps_per_execution))
        _append_to_logs(state.callbacks)


def _append_to_logs(callbacks: Sequence[Any]) -> None:
    """Let callbacks write on in their files, which Keras would begin anew with each `fit`."""
    for each in callbacks:
        if isinstance(each, keras.callbacks.CSVLogger):
            each.append = True
