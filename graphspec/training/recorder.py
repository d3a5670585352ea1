"""A callback that writes the metrics and the record of a run after every epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import keras

from graphspec import run_directory
from graphspec.console.reporter import Reporter
from graphspec.datasets.data_files import DataFiles
from graphspec.diagnostics import SpecError
from graphspec.run_directory import Row, WatchedFolder
from graphspec.training.epoch_stats import EpochStats
from graphspec.training.metrics import metric_value
from graphspec.training.state import Start

OnEpoch = Callable[[Row], bool]
"""Receives each row of metrics, and returns whether the training continues."""


class Recorder(keras.callbacks.Callback):
    """A callback that writes the metrics, record and lock of a run.

    It follows the callbacks of the spec.

    Attributes:
        rows: The metrics of all epochs so far.
        is_over: The end of the training is recorded.
        stage: The name of the stage; empty for a training without stages.
        has_ended: `on_epoch` has ended the training, all stages of it.
    """

    def __init__(
        self,
        run: WatchedFolder,
        start: Start,
        *,
        files: DataFiles,
        epoch_stats: EpochStats,
        epoch_steps: int,
        reporter: Reporter,
        on_epoch: OnEpoch | None,
    ) -> None:
        super().__init__()
        self.folder = run
        self.run = run.path
        self.record, self.lock, self.rows = start.record, start.lock, start.rows
        self.files = files
        self.epoch_stats = epoch_stats
        self.epoch_steps = epoch_steps
        self.reporter = reporter
        self.on_epoch = on_epoch
        self.is_over = self.has_ended = False
        self.stage = ""
        self._knows_data = bool(self.lock["data"])
        self._seconds = self.record.get("seconds", 0.0)
        self._began = time.monotonic()

    def begin(self) -> None:
        """Write the first lock and record. Raises SpecError if they cannot be written."""
        run_directory.write_json(self.run / run_directory.LOCK, self.lock)
        self.write("running")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._write_data()  # early, for a run that may be killed

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        metrics = {name: metric_value(value) for name, value in (logs or {}).items() if name != "learning_rate"}
        stage = {"stage": self.stage} if self.stage else {}
        row = {"epoch": epoch, "step": (epoch + 1) * self.epoch_steps, **stage, **metrics, **self.epoch_stats.row}
        self.rows.append(row)
        self.record["metrics"] = metrics
        self.folder.check()
        self._warn_of_changes()
        self._write_data()
        run_directory.write_rows(self.run, self.rows)
        self.write("running")
        if self.on_epoch is not None and not self.on_epoch(row):
            self.has_ended = self.model.stop_training = True

    def begin_stage(self, stage: dict[str, Any]) -> None:
        """Record a stage: its `name`, its `first_epoch`, and the number of weights that it trains."""
        self.stage = stage["name"]
        earlier = [each for each in self.record.get("stages", []) if each["first_epoch"] < stage["first_epoch"]]
        self.record["stages"] = [*earlier, stage]

    def write(self, status: str) -> None:
        """Write `run.json` with `status`. Raises SpecError if it cannot be written."""
        self.folder.check()
        record = self.record | {
            "status": status,
            "epochs": len(self.rows),
            "seconds": round(self._seconds + time.monotonic() - self._began, 3),
        }
        run_directory.write_json(self.run / run_directory.RECORD, record)
        self.record |= record

    def stop(self) -> None:
        """Record, if possible, that the training was stopped, without waiting for hashes of data files."""
        self.is_over = True
        with suppress(SpecError):
            self.write("stopped")

    def finish(self, status: str) -> None:
        """Write the final record and lock. Raises SpecError if they cannot be written."""
        self.folder.check()
        if not self._knows_data:
            self.files.recorded()  # waits for the hashes
            self._write_data()
        self.write(status)
        self.is_over = True

    def fail(self, reason: str) -> None:
        """Record, if possible, that the training has failed, and why."""
        self.is_over = True
        self.record["reason"] = reason
        with suppress(SpecError):
            self.finish("failed")

    def _write_data(self) -> None:
        """Write the hashes of the data files into the lock, once they are computed."""
        if not self._knows_data and self.files.are_recorded:
            self._knows_data = True
            self.lock["data"] = self.files.recorded()
            run_directory.write_json(self.run / run_directory.LOCK, self.lock)

    def _warn_of_changes(self) -> None:
        """Warn once of each data file that has changed since the training began."""
        known = self.record.setdefault("data_changed", [])
        for name in self.files.changed():
            if name not in known:
                known.append(name)
                self.reporter.warn(
                    f"{name} has changed since the training began; its epochs were trained on different data"
                )
