"""What a training shows while it runs: a bar and a table row an epoch on a terminal, plain lines elsewhere.

Metrics are shown by output, training beside validation: `accuracy 0.981 (val 0.975)`.
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

WORTH_TELLING = 0.1
"""The share of waiting for data from which on it is told."""


class ShowProgress(keras.callbacks.Callback):
    """Tells of each epoch, and shows the steps of the running one on a terminal. The bar is gone when it is left.

    pace gives what was measured of the epoch beside its metrics.
    """

    def __init__(
        self, outputs: Iterable[str], reporter: Reporter, pace: Callable[[], Row], *, epochs: int, steps: int
    ) -> None:
        super().__init__()
        self.outputs = list(outputs)
        self.reporter = reporter
        self.pace = pace
        self.epochs = epochs
        self.steps = steps
        console = None if reporter.quiet else reporter.console
        self.bar = progress_bar(console, "{task.description}", "steps", TextColumn("{task.fields[loss]}", markup=False))
        self.task = TaskID(0)

    def __enter__(self) -> ShowProgress:
        self.task = self.bar.add_task("training", total=self.steps, loss="")
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

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
        self.reporter.info(f"epoch {count}/{self.epochs}  {_told_of(self.pace())}  {head}")
        for row in rows:
            self.reporter.info(f"    {row}")


def _told_of(pace: Row) -> str:
    """How long the epoch took, its samples a second, and how much of it was waiting for data, where that is much."""
    words = [f"{pace['time/seconds']:.1f} s"]
    if "time/samples_per_second" in pace:
        words.append(f"{pace['time/samples_per_second']:,.0f} samples/s")
    if pace.get("time/data_wait", 0) > WORTH_TELLING:
        words.append(f"{pace['time/data_wait']:.0%} of it waiting for data")
    return "  ".join(words)
