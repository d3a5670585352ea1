"""Progress of a training: a bar on a terminal, and a line an epoch.

Metrics are printed by output, training beside validation: `accuracy 0.981 (val 0.975)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
from rich.progress import TaskID, TextColumn

from graphspec.console.metrics import describe, number
from graphspec.console.progress_bar import progress_bar
from graphspec.console.reporter import Reporter
from graphspec.run_directory import Row

MIN_DATA_WAIT = 0.1
"""The share of time waiting for data above which it is printed."""


class ProgressReporter(keras.callbacks.Callback):
    """A callback that reports epochs with their `epoch_stats`, and a context that displays a bar of steps."""

    def __init__(
        self, outputs: Iterable[str], reporter: Reporter, epoch_stats: Callable[[], Row], *, epochs: int, steps: int
    ) -> None:
        super().__init__()
        self.outputs = list(outputs)
        self.reporter = reporter
        self.epoch_stats = epoch_stats
        self.epochs = epochs
        self.steps = steps
        loss = TextColumn("{task.fields[loss]}", markup=False)
        self.bar = progress_bar(reporter.progress_console, "{task.description}", "steps", loss)
        self.task = TaskID(0)

    def __enter__(self) -> ProgressReporter:
        self.task = self.bar.add_task("training", total=self.steps, loss="")
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def begin_stage(self, epochs: int) -> None:
        """Count on to `epochs`, which are fewer than before where an earlier stage has ended early."""
        self.epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.bar.reset(self.task, total=self.steps, description=f"epoch {epoch + 1}/{self.epochs}", loss="")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.bar.disable:
            self.bar.update(
                self.task, completed=min(batch + 1, self.steps), loss=f"loss {number((logs or {}).get('loss'))}"
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        head, *rows = describe(logs or {}, self.outputs)
        count = f"{epoch + 1:>{len(str(self.epochs))}}"
        self.reporter.info(f"epoch {count}/{self.epochs}  {_speed(self.epoch_stats())}  {head}")
        for row in rows:
            self.reporter.info(f"    {row}")


def _speed(stats: Row) -> str:
    """Return the seconds and samples per second of an epoch, and long data waits."""
    words = [f"{stats['time/seconds']:.1f} s"]
    if "time/samples_per_second" in stats:
        words.append(f"{stats['time/samples_per_second']:,.0f} samples/s")
    if stats.get("time/data_wait", 0) > MIN_DATA_WAIT:
        words.append(f"{stats['time/data_wait']:.0%} of it waiting for data")
    return "  ".join(words)
