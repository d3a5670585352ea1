"""The checkpoints of a run, below `checkpoints/`, as `checkpoint: {every, keep, monitor}` sets them.

step_000000000.npz    before the first step
step_000000500.npz    after 500 steps, counted over all epochs; the newest `keep` of them
best.npz              after the best epoch by `monitor`
"""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import keras

from graphspec.files import cannot_write
from graphspec.language.objects import Object
from graphspec.language.schema import CheckpointModel
from graphspec.run_directory import CHECKPOINTS, WatchedFolder, make_folder, write
from graphspec.run_directory.lock import section_hashes
from graphspec.run_directory.records import MAX_NUMBER
from graphspec.run_directory.rows import row_hashes
from graphspec.spec import Spec
from graphspec.training.checkpoint_file import (
    ENDING,
    Array,
    CheckpointContents,
    DamagedError,
    read_checkpoint,
    write_checkpoint,
)
from graphspec.training.decisions import Decisions
from graphspec.training.monitors import with_mode
from graphspec.training.signals import Interruption
from graphspec.training.state import ENDED, STAGE, Position, StagePosition, Start, TrainingState, check_state

BEST = f"best{ENDING}"
_NAME = re.compile(rf"step_(\d+){re.escape(ENDING)}")


@dataclass(frozen=True, kw_only=True)
class CheckpointPlan:
    """The steps and epochs after which checkpoints are written.

    Attributes:
        mode: The better direction of `monitor`, `min` or `max`; both are None if no best epoch is kept.
    """

    stages: int
    epochs: int
    epoch_steps: int
    every_steps: int | None
    keep: int
    monitor: str | None
    mode: str | None


def plan_checkpoints(spec: Spec, epochs: int, epoch_steps: int, *, validates: bool) -> CheckpointPlan:
    """Return the plan that `checkpoint` of the spec sets; the default monitor is `val_loss`.

    Args:
        spec: A spec with `training`.
        epochs: Number of epochs.
        epoch_steps: Steps of an epoch.
        validates: Whether the training has validation data.

    Raises:
        SpecError: The training does not report the monitored metric.
    """
    assert spec.model.training is not None
    settings = spec.model.training.checkpoint or CheckpointModel.model_construct()
    monitor = settings.monitor or ("val_loss" if validates else None)
    mode = None
    if monitor is not None:
        span = settings.located("monitor").span if settings.monitor else spec.model.key_span("training")
        saver = Object("callbacks", "ModelCheckpoint", {"monitor": monitor, "save_best_only": True}, span)
        mode = str(with_mode(saver, spec, validates=validates).arguments["mode"])
    return CheckpointPlan(
        stages=len(spec.training.stages) if spec.training is not None else 1,
        epochs=epochs,
        epoch_steps=epoch_steps,
        every_steps=settings.every_steps,
        keep=settings.keep,
        monitor=monitor,
        mode=mode,
    )


class Checkpoints(keras.callbacks.Callback):
    """The last of all callbacks, which writes checkpoints with the state of the others.

    A checkpoint holds hashes of the spec, of the lock's sections and of the rows of metrics, which resuming compares.

    Args:
        run: The run directory; None for a worker that is not the chief, which restores the state and writes nothing.
        state: The state to capture.
        plan: When to write.
        interruption: Requests a stop, with a last checkpoint.
        start: Where the training begins; without a checkpoint, the first is written before the first step.
        has_ended: Returns whether no further stage follows.
    """

    def __init__(
        self,
        run: WatchedFolder | None,
        state: TrainingState,
        plan: CheckpointPlan,
        interruption: Interruption | Decisions,
        *,
        start: Start,
        has_ended: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__()
        self.run = run
        self.start = start
        self._row_hashes: list[str] = []
        self.folder = start.run / CHECKPOINTS
        self.state = state
        self.plan = plan
        self.interruption = interruption
        self.resumed = start.resumed
        self.position = start.position
        best = start.resumed.state["best"] if start.resumed is not None else None
        self.best: dict[str, Any] | None = best if best is not None and _is_number(best["value"]) else None
        self.before_evaluation: dict[str, Array] = {}
        self.stage = start.stage
        self.end_epoch = plan.epochs
        self.has_ended = has_ended
        self._had_ended = start.resumed is not None and bool(start.resumed.state.get(ENDED))
        self._has_begun = False

    def begin_stage(self, stage: StagePosition, end_epoch: int, interruption: Interruption | Decisions) -> None:
        """Take the checkpoints of `stage`, which ends before `end_epoch` at the latest."""
        self.stage, self.end_epoch, self.interruption = stage, end_epoch, interruption

    @property
    def is_ended(self) -> bool:
        """Return whether the training has ended in the middle of its stages."""
        return self._had_ended or self.has_ended()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self._has_begun:  # the checkpoint of a stage's end is that of the next one's beginning
            return
        self._has_begun = True
        if self.resumed is None:
            if self.run is not None:
                make_folder(self.folder)
            self._write(self.position)
            return
        self.state.restore(self.resumed)
        if self.run is None:
            return
        steps = self._steps(self.position)
        for later in checkpoint_steps(self.folder):
            if later > steps:
                (self.folder / checkpoint_name(later)).unlink(missing_ok=True)
        if self.best is not None and self.position == Position(self.best["epoch"] + 1, 0):
            self._keep_as_best(self.folder / checkpoint_name(steps))  # the process may have been killed before this

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.resumed is not None and self.position.step:
            self.state.restore(self.resumed)  # Keras and callbacks reset themselves here
        self.resumed = None
        self.position = Position(epoch, self.position.step if epoch == self.position.epoch else 0)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        before = self._steps(self.position)
        self.position = Position(self.position.epoch, min(batch + 1, self.plan.epoch_steps))
        every = self.plan.every_steps
        if every is not None and self._steps(self.position) // every > before // every:
            self._write(self.position)
        self._stop_if_requested(self.position)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.before_evaluation = self.state.changing_in_evaluation()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._stop_if_requested(Position(self.position.epoch, self.plan.epoch_steps), self.before_evaluation)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.before_evaluation = {}
        self.position = Position(epoch + 1, 0)
        value = float((logs or {}).get(self.plan.monitor, "nan")) if self.plan.monitor is not None else math.nan
        is_best = self._is_best(value)
        if is_best:
            self.best = {"epoch": epoch, "monitor": self.plan.monitor, "value": value}
        is_last = self.model.stop_training or epoch + 1 == self.end_epoch
        if self.plan.every_steps is None or is_best or is_last:
            path = self._write(self.position)
            if is_best:
                self._keep_as_best(path)
        self._stop_if_requested(self.position)

    def _keep_as_best(self, path: Path) -> None:
        if self.run is None:
            return
        write(self.folder / BEST, lambda part: _link(path, part))

    def _is_best(self, value: float) -> bool:
        if self.best is None or not _is_number(value):
            return _is_number(value)
        before: float = self.best["value"]
        return value < before if self.plan.mode == "min" else value > before

    def _stop_if_requested(self, position: Position, overrides: dict[str, Array] | None = None) -> None:
        """Write a checkpoint and raise StoppedError if a signal has requested a stop."""
        if self.interruption.is_requested:
            if self.run is None or not (self.folder / checkpoint_name(self._steps(position))).exists():
                self._write(position, overrides)
            raise self.interruption.as_error()

    def _write(self, position: Position, overrides: dict[str, Array] | None = None) -> Path:
        """Write a checkpoint, and only then remove the oldest ones beyond `keep`."""
        path = self.folder / checkpoint_name(self._steps(position))
        if self.run is None:
            return path
        self.run.check()
        contents = self.state.take(position, overrides)
        extra: dict[str, Any] = {
            "best": self.best,
            "spec": self.start.spec_hash,
            "lock": section_hashes(self.start.lock),
        }
        row_hashes(self.start.rows, self._row_hashes)
        if self.plan.stages > 1:
            extra[STAGE] = [self.stage.number, self.stage.first_epoch]
            extra[ENDED] = self.is_ended
        if position.epoch:
            extra["rows"] = self._row_hashes[position.epoch - 1]
        write_checkpoint(path, CheckpointContents({**contents.state, **extra}, contents.arrays))
        for old in checkpoint_steps(self.folder)[: -self.plan.keep]:
            (self.folder / checkpoint_name(old)).unlink(missing_ok=True)
        return path

    def _steps(self, position: Position) -> int:
        return position.epoch * self.plan.epoch_steps + position.step


def _is_number(value: float) -> bool:
    """Return whether `value` can be recorded as that of the best epoch."""
    return abs(value) <= MAX_NUMBER


def checkpoint_name(steps: int) -> str:
    """Return the file name of the checkpoint after `steps` steps."""
    return f"step_{steps:09}{ENDING}"


def checkpoint_steps(folder: Path) -> list[int]:
    """Return the steps of the checkpoints in `folder`, in ascending order."""
    return sorted(int(match[1]) for each in folder.glob(f"*{ENDING}") if (match := _NAME.fullmatch(each.name)))


def newest_intact(folder: Path, warn: Callable[[str], None]) -> tuple[Path, CheckpointContents] | None:
    """Return the newest intact checkpoint in `folder`, or None; `warn` of damaged ones.

    A folder or link with the name of a checkpoint is renamed, to make room for the checkpoint to come.
    """
    rename_non_files(folder, warn)
    for steps in reversed(checkpoint_steps(folder)):
        path = folder / checkpoint_name(steps)
        try:
            contents = read_checkpoint(path)
            check_state(contents)
            return path, contents
        except DamagedError as error:
            warn(f"{path} is damaged and skipped: {error}")
    return None


def rename_non_files(folder: Path, warn: Callable[[str], None]) -> None:
    """Rename entries of `folder` that have the name of a checkpoint and are not files."""
    for path in sorted(folder.glob(f"*{ENDING}")):
        if (path.name == BEST or _NAME.fullmatch(path.name)) and not path.is_file():
            numbers = (path.with_name(f"{path.name}.damaged{number or ''}") for number in count())
            new_path = next(each for each in numbers if not os.path.lexists(each))
            try:
                path.rename(new_path)
            except OSError as error:
                raise cannot_write(path, error) from None
            warn(f"{path} is not a file and skipped; it was renamed to {new_path.name}")


def _link(path: Path, part: Path) -> None:
    """Make `part` a hard link to `path`, or a copy if links are unsupported."""
    with suppress(OSError):
        part.unlink()
        os.link(path, part)
        return
    shutil.copyfile(path, part)
