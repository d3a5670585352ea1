"""The journal of a study: optuna's file of lines, which several machines append to on a shared folder."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import optuna

try:
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
except ImportError:  # optuna 3
    from optuna.storages import JournalFileOpenLock
    from optuna.storages import JournalFileStorage as JournalFileBackend


class DamagedJournalError(Exception):
    """A line of a journal that optuna did not write."""


class _Journal(JournalFileBackend):
    """A file of lines, of which each is checked before it is applied."""

    def __init__(self, path: str) -> None:
        # a symbolic link locks on any NFS; Windows lets only some users make one
        super().__init__(path, lock_obj=JournalFileOpenLock(path) if sys.platform == "win32" else None)

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        number = log_number_from
        try:
            for record in super().read_logs(log_number_from):
                number += 1
                if not isinstance(record, dict) or not isinstance(record.get("op_code"), int):
                    raise ValueError("it is no record")
                yield record
        except ValueError as error:
            raise DamagedJournalError(f"line {number + 1} cannot be read: {error}") from None


def check_writable(path: Path) -> None:
    """Raise OSError if workers cannot append to the journal at `path`, or lock it by a file beside it."""
    with open(path, "ab"):
        pass
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "its folder is read-only, and the journal is locked by a file in it")


def open_journal(path: str) -> optuna.storages.JournalStorage:
    """Open the journal at `path`, and read it.

    Raises:
        DamagedJournalError: A line of it is no record.
        OSError: It cannot be read or written.
    """
    return optuna.storages.JournalStorage(_Journal(path))
