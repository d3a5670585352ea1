"""Ends a training whose run directory is gone, before a callback makes the folder again or writes into another one."""

from __future__ import annotations

from typing import Any

import keras

from graphspec.run_directory import WatchedFolder


class RunGuard(keras.callbacks.Callback):
    """Before all callbacks that write. Raises SpecError where the run is no longer what it was."""

    def __init__(self, run: WatchedFolder) -> None:
        super().__init__()
        self.run = run

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.run.check()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.run.check_folder()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.run.check()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.run.check()
