"""Ends a training whose run directory is gone, or holds what no callback must write to, before one does."""

from __future__ import annotations

from typing import Any

import keras

from graphspec.run_directory import WatchedFolder
from graphspec.training.prepared import Written


class RunGuard(keras.callbacks.Callback):
    """Before all callbacks that write. Raises SpecError where the run is no longer what it was.

    written: where the callbacks of the spec write; a pipe that somebody puts there meanwhile would be waited for.
    """

    def __init__(self, run: WatchedFolder, written: list[Written]) -> None:
        super().__init__()
        self.run = run
        self.written = written
        self.within_epochs = [each for each in written if each.within_epochs]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._check()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.run.check_folder()
        for each in self.within_epochs:
            each.check(self.run.path, may_link=True)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._check()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._check()

    def _check(self) -> None:
        self.run.check()
        for each in self.written:
            each.check(self.run.path, may_link=True)
