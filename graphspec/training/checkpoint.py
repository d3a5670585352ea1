"""`checkpoint: {every, keep, monitor}`: whole models below `checkpoints/` of the run, each written whole or not at all.

epoch_0003.keras, step_0000500.keras     the newest `keep` of them
best.keras                               the best so far by `monitor`, where that is stated
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from graphspec import run_directory
from graphspec.graph import Object
from graphspec.schema import CheckpointModel
from graphspec.spec import Spec
from graphspec.training.monitors import with_mode

FOLDER = "checkpoints"


def checkpoints(spec: Spec, written: CheckpointModel, run: Path, epoch_steps: int, *, validates: bool) -> Checkpoints:
    """The callback that writes them, in epochs of `epoch_steps`.

    Raises SpecError where the training does not report what it monitors.
    """
    mode = None
    if written.monitor is not None:
        arguments = {"monitor": written.monitor, "save_best_only": True}
        saver = Object("callbacks", "ModelCheckpoint", arguments, written.located("monitor").span)
        mode = str(with_mode(saver, spec, validates=validates).arguments["mode"])
    return Checkpoints(run / FOLDER, epoch_steps, written.every_steps, written.keep, written.monitor, mode)


class Checkpoints(keras.callbacks.Callback):
    """Writes checkpoints every epoch, or every so many steps. mode is that of monitor: `min` or `max`."""

    def __init__(
        self,
        folder: Path,
        epoch_steps: int,
        every_steps: int | None,
        keep: int,
        monitor: str | None,
        mode: str | None,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.epoch_steps = epoch_steps
        self.every_steps = every_steps
        self.keep = keep
        self.monitor = monitor
        self.mode = mode
        self.steps = 0
        self.epoch_start = 0
        self.best: float | None = None
        self.kept: list[Path] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch_start = self.steps

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        before, self.steps = self.steps, self.epoch_start + min(batch + 1, self.epoch_steps)
        if self.every_steps is not None and self.steps // self.every_steps > before // self.every_steps:
            self._write(f"step_{self.steps:07}.keras")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.every_steps is None:
            self._write(f"epoch_{epoch + 1:04}.keras")
        value = (logs or {}).get(self.monitor) if self.monitor is not None else None
        if value is not None and self._is_best(float(value)):
            self.best = float(value)
            run_directory.write(self.folder / "best.keras", self.model.save)

    def _is_best(self, value: float) -> bool:
        if self.best is None:
            return value == value  # NaN is never the best
        return value < self.best if self.mode == "min" else value > self.best

    def _write(self, name: str) -> None:
        """Write one, and only then remove the oldest beyond `keep`."""
        run_directory.write(self.folder / name, self.model.save)
        self.kept.append(self.folder / name)
        while len(self.kept) > self.keep:
            self.kept.pop(0).unlink(missing_ok=True)
