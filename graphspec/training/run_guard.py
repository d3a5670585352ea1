"""A callback that ends a training whose run directory is lost or unsafe."""

from __future__ import annotations

from typing import Any

import keras

from graphspec.run_directory import WatchedFolder
from graphspec.training.setup import CallbackPath


class RunGuard(keras.callbacks.Callback):
    """A callback that raises SpecError if the run is lost or unsafe.

    It precedes all callbacks that write, since a pipe at one of their `paths` would block.
    """

    def __init__(self, run: WatchedFolder, paths: list[CallbackPath]) -> None:
        super().__init__()
        self.run = run
        self.paths = paths
        self.within_epochs = [each for each in paths if each.within_epochs]

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
        for each in self.paths:
            each.check(self.run.path, may_link=True)
