"""What a training shows while it runs: a bar and a table row an epoch on a terminal, plain lines elsewhere.

Metrics are shown by output, training beside validation: `accuracy 0.981 (val 0.975)`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import keras
from rich.progress import TaskID, TextColumn

from graphspec.metric_lines import describe, number
from graphspec.progress_bar import progress_bar
from graphspec.training.told import Told


class ShowProgress(keras.callbacks.Callback):
    """Tells of each epoch, and shows the steps of the running one on a terminal. The bar is gone when it is left."""

    def __init__(self, outputs: Iterable[str], told: Told, *, epochs: int, steps: int) -> None:
        super().__init__()
        self.outputs = list(outputs)
        self.told = told
        self.epochs = epochs
        self.steps = steps
        console = None if told.quiet else told.console
        self.bar = progress_bar(console, "{task.description}", "steps", TextColumn("{task.fields[loss]}"))
        self.task = TaskID(0)
        self.started = 0.0

    def __enter__(self) -> ShowProgress:
        self.task = self.bar.add_task("training", total=self.steps, loss="")
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.started = time.monotonic()
        self.bar.reset(self.task, total=self.steps, description=f"epoch {epoch + 1}/{self.epochs}", loss="")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.bar.disable:
            self.bar.update(
                self.task, completed=min(batch + 1, self.steps), loss=f"loss {number((logs or {}).get('loss'))}"
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        seconds = time.monotonic() - self.started
        head, *rows = describe(logs or {}, self.outputs)
        self.told.say(f"epoch {epoch + 1:>{len(str(self.epochs))}}/{self.epochs}  {seconds:.1f} s  {head}")
        for row in rows:
            self.told.say(f"    {row}")
