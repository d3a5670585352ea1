"""The journal of a study: optuna's file of lines, which several machines append to on a shared folder."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import optuna

from graphspec.files import check_file, is_there, open_file

try:
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalFileSymlinkLock
except ImportError:  # optuna 3
    from optuna.storages import JournalFileOpenLock, JournalFileSymlinkLock
    from optuna.storages import JournalFileStorage as JournalFileBackend


class DamagedJournalError(Exception):
    """A line of a journal that optuna did not write."""


class _Journal(JournalFileBackend):
    """A file of lines, of which each is checked before it is applied."""

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        number = log_number_from
        try:
            for record in super().read_logs(log_number_from):
                if not isinstance(record, dict) or not isinstance(record.get("op_code"), int):
                    raise ValueError("it is no record")
                yield record
                number += 1
        except ValueError as error:
            reason = "it is not JSON" if isinstance(error, json.JSONDecodeError) else str(error)
            raise DamagedJournalError(f"line {number + 1} is damaged: {reason}") from None


def prepare(path: Path) -> None:
    """Make the journal at `path` if it does not exist, and remove a line that was not written to its end.

    Raises:
        DamagedJournalError: The file is something else; it stays as it is.
        OSError: Workers cannot append to it, or lock it by a file beside it.
    """
    if is_there(path):
        check_file(path)
    with open(path, "ab") as file:
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, "its folder is read-only, and the journal is locked by a file in it")
        if _is_whole(path):
            return
        lock = _lock(path) or JournalFileSymlinkLock(str(path))
        lock.acquire()  # so that nobody is about to write the end of the line
        try:
            with open_file(path) as written:
                data = written.read()
            end = data.rfind(b"\n") + 1
            if not _is_record(data[:end].partition(b"\n")[0]):
                raise DamagedJournalError("it is no journal of optuna")
            if end < len(data):
                file.truncate(end)
        finally:
            lock.release()


def _is_record(line: bytes) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return isinstance(record, dict) and isinstance(record.get("op_code"), int)


def _is_whole(path: Path) -> bool:
    with open_file(path) as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _lock(path: Path) -> JournalFileOpenLock | None:
    """Return the lock of a journal, None for optuna's own: a symbolic link, which Windows lets only some users make."""
    return JournalFileOpenLock(str(path)) if sys.platform == "win32" else None


def open_journal(path: Path) -> optuna.storages.JournalStorage:
    """Open the journal at `path`, and read it.

    Raises:
        DamagedJournalError: A line of it is no record.
        OSError: It cannot be read or written.
    """
    return optuna.storages.JournalStorage(_Journal(str(path), lock_obj=_lock(path)))
