"""`checkpoint: {every, keep, monitor}`: what it takes to go on with a training, below `checkpoints/` of its run.

step_000000000.npz    before the first step
step_000000500.npz    after so many steps of all epochs; the newest `keep` of them
best.npz              that of the best epoch by `monitor`
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

from graphspec.language.graph import Object
from graphspec.language.schema import CheckpointModel
from graphspec.run_directory import CHECKPOINTS, WatchedFolder, cannot_write, make_folder, write
from graphspec.run_directory.lock import section_hashes
from graphspec.run_directory.records import GREATEST
from graphspec.run_directory.rows import Row, row_hashes
from graphspec.spec import Spec
from graphspec.training.checkpoint_file import ENDING, Array, Contents, DamagedError, read_checkpoint, write_checkpoint
from graphspec.training.interruption import Interruption
from graphspec.training.monitors import with_mode
from graphspec.training.state import Position, TrainingState, check_state, position_of

BEST = f"best{ENDING}"
_NAME = re.compile(rf"step_(\d+){re.escape(ENDING)}")


@dataclass(frozen=True)
class Plan:
    """When checkpoints are written. mode is that of monitor, `min` or `max`; both are None where no epoch is best."""

    epochs: int
    epoch_steps: int
    every_steps: int | None
    keep: int
    monitor: str | None
    mode: str | None


def plan(spec: Spec, epochs: int, epoch_steps: int, *, validates: bool) -> Plan:
    """What `checkpoint` of the spec says; where it names no monitor, the best epoch is that of the least `val_loss`.

    Raises SpecError where the training does not report what is monitored.
    """
    assert spec.model.training is not None
    written = spec.model.training.checkpoint or CheckpointModel.model_construct()
    monitor = written.monitor or ("val_loss" if validates else None)
    mode = None
    if monitor is not None:
        span = written.located("monitor").span if written.monitor else spec.model.key_span("training")
        saver = Object("callbacks", "ModelCheckpoint", {"monitor": monitor, "save_best_only": True}, span)
        mode = str(with_mode(saver, spec, validates=validates).arguments["mode"])
    return Plan(epochs, epoch_steps, written.every_steps, written.keep, monitor, mode)


class Checkpoints(keras.callbacks.Callback):
    """Last of all callbacks: what the others have done by then is part of a checkpoint.

    Each bears hashes of the spec, of the files that the lock names, and of the rows of metrics: all that a training
    goes on with beside it. lock and rows are those that are written into the run, as they grow.
    resumed: the checkpoint to go on from; without it the first one is written before the first step.
    """

    def __init__(
        self,
        run: WatchedFolder,
        state: TrainingState,
        plan: Plan,
        interruption: Interruption,
        resumed: Contents | None = None,
        *,
        spec_hash: str,
        lock: dict[str, Any],
        rows: list[Row],
    ) -> None:
        super().__init__()
        self.run = run
        self.spec_hash = spec_hash
        self.lock = lock
        self.rows = rows
        self._row_hashes: list[str] = []
        self.folder = run.path / CHECKPOINTS
        self.state = state
        self.plan = plan
        self.interruption = interruption
        self.resumed = resumed
        self.position = position_of(resumed) if resumed is not None else Position(0, 0)
        best = resumed.state["best"] if resumed is not None else None
        self.best: dict[str, Any] | None = best if best is not None and _is_number(best["value"]) else None
        self.before_evaluation: dict[str, Array] = {}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.resumed is None:
            make_folder(self.folder)
            self._write(self.position)
            return
        self.state.put_back(self.resumed)
        steps = self._steps(self.position)
        for later in steps_in(self.folder):
            if later > steps:
                (self.folder / name_of(later)).unlink(missing_ok=True)
        if self.best is not None and self.position == Position(self.best["epoch"] + 1, 0):
            self._keep_as_best(self.folder / name_of(steps))  # it may have been killed before it did

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.resumed is not None and self.position.step:
            self.state.put_back(self.resumed)  # Keras resets metrics here, and callbacks begin anew
        self.resumed = None
        self.position = Position(epoch, self.position.step if epoch == self.position.epoch else 0)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        before = self._steps(self.position)
        self.position = Position(self.position.epoch, min(batch + 1, self.plan.epoch_steps))
        every = self.plan.every_steps
        if every is not None and self._steps(self.position) // every > before // every:
            self._write(self.position)
        self._stop_if_asked(self.position)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.before_evaluation = self.state.changing_in_evaluation()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._stop_if_asked(Position(self.position.epoch, self.plan.epoch_steps), self.before_evaluation)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.before_evaluation = {}
        self.position = Position(epoch + 1, 0)
        value = float((logs or {}).get(self.plan.monitor, "nan")) if self.plan.monitor is not None else math.nan
        is_best = self._is_best(value)
        if is_best:
            self.best = {"epoch": epoch, "monitor": self.plan.monitor, "value": value}
        is_last = self.model.stop_training or epoch + 1 == self.plan.epochs
        if self.plan.every_steps is None or is_best or is_last:
            path = self._write(self.position)
            if is_best:
                self._keep_as_best(path)
        self._stop_if_asked(self.position)

    def _keep_as_best(self, path: Path) -> None:
        write(self.folder / BEST, lambda part: _link(path, part))

    def _is_best(self, value: float) -> bool:
        if self.best is None or not _is_number(value):
            return _is_number(value)
        before: float = self.best["value"]
        return value < before if self.plan.mode == "min" else value > before

    def _stop_if_asked(self, position: Position, kept: dict[str, Array] | None = None) -> None:
        """Where the training is to stop: write where it stands, and raise what says so."""
        if self.interruption.asked:
            if not (self.folder / name_of(self._steps(position))).exists():
                self._write(position, kept)
            raise self.interruption.as_error()

    def _write(self, position: Position, kept: dict[str, Array] | None = None) -> Path:
        """Write one, and only then remove the oldest beyond `keep`."""
        self.run.check()
        taken = self.state.take(position, kept)
        path = self.folder / name_of(self._steps(position))
        beside = {"best": self.best, "spec": self.spec_hash, "lock": section_hashes(self.lock)}
        row_hashes(self.rows, self._row_hashes)
        if position.epoch:
            beside["rows"] = self._row_hashes[position.epoch - 1]
        write_checkpoint(path, Contents({**taken.state, **beside}, taken.arrays))
        for old in steps_in(self.folder)[: -self.plan.keep]:
            (self.folder / name_of(old)).unlink(missing_ok=True)
        return path

    def _steps(self, position: Position) -> int:
        return position.epoch * self.plan.epoch_steps + position.step


def _is_number(value: float) -> bool:
    """Return whether an epoch with this value can be the best: no other is recorded."""
    return abs(value) <= GREATEST


def name_of(steps: int) -> str:
    """The name of the checkpoint after so many steps."""
    return f"step_{steps:09}{ENDING}"


def steps_in(folder: Path) -> list[int]:
    """After how many steps the checkpoints in `folder` were written, in that order."""
    return sorted(int(match[1]) for each in folder.glob(f"*{ENDING}") if (match := _NAME.fullmatch(each.name)))


def newest_whole(folder: Path, tell: Callable[[str], None]) -> tuple[Path, Contents] | None:
    """The newest checkpoint in `folder` that is whole; `tell` is told of those that are not. None where none is.

    What bears the name of a checkpoint and is no file is given another name: one will be written there.
    """
    put_aside(folder, tell)
    for steps in reversed(steps_in(folder)):
        path = folder / name_of(steps)
        try:
            contents = read_checkpoint(path)
            check_state(contents)
            return path, contents
        except DamagedError as error:
            tell(f"{path} is damaged and passed over: {error}")
    return None


def put_aside(folder: Path, tell: Callable[[str], None]) -> None:
    """Rename what bears the name of a checkpoint in `folder` and is no file. Raises SpecError where that fails."""
    for path in sorted(folder.glob(f"*{ENDING}")):
        if (path.name == BEST or _NAME.fullmatch(path.name)) and not path.is_file():
            numbers = (path.with_name(f"{path.name}.damaged{number or ''}") for number in count())
            other = next(each for each in numbers if not os.path.lexists(each))
            try:
                path.rename(other)
            except OSError as error:
                raise cannot_write(path, error) from None
            tell(f"{path} is no file and passed over; it is called {other.name} now")


def _link(path: Path, part: Path) -> None:
    """Let `part` be the same file as `path`; a copy, where the system has no links."""
    with suppress(OSError):
        part.unlink()
        os.link(path, part)
        return
    shutil.copyfile(path, part)
