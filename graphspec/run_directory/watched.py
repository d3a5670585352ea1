"""A folder that a process writes into for a long time: is it still there, and still the same one?

Somebody may delete it meanwhile, move it away, or put another in its place. What is written then would be lost, or lie
in a folder of somebody else, so nothing is written any more.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import CANNOT_WRITE
from graphspec.run_paths import PARTS

_Identity = tuple[int, int]


class WatchedFolder:
    """A folder, as it is when this is made. parts are the names in it that stay once they are there."""

    def __init__(self, path: Path, parts: tuple[str, ...] = PARTS) -> None:
        self.path = path
        self.parts = parts
        self._folder = _identity(path.stat())
        self._seen: dict[str, _Identity | None] = {}

    def check(self) -> None:
        """Raise SpecError where the folder, or a part of it that was there before, is gone or is another."""
        if (lost := self._lost()) is not None:
            raise SpecError.of(
                CANNOT_WRITE,
                f"cannot write {self.path}: {lost} meanwhile, so nothing more is written there",
                help="leave the folder alone while it is written; where it was moved, resume it there",
            )

    def check_folder(self) -> None:
        """As `check`, of the folder alone: fast enough to be called between two steps."""
        if not self._is_there():
            self.check()

    @property
    def is_lost(self) -> bool:
        """Return whether `check` would raise."""
        return self._lost() is not None

    def _is_there(self) -> bool:
        try:
            return _identity(self.path.stat()) == self._folder
        except OSError:
            return False

    def _lost(self) -> str | None:
        """Return what has happened to the folder; None where nothing has."""
        if not self._is_there():
            return "another folder was put in its place" if self.path.exists() else "it was removed or moved"
        for name in self.parts:
            try:
                found = os.lstat(self.path / name)
            except OSError:
                if name in self._seen:
                    return f"{name} in it was removed or moved"
                continue
            is_file = stat.S_ISREG(found.st_mode)
            identity = None if is_file else _identity(found)  # a file is replaced when it is written
            if not (is_file or stat.S_ISDIR(found.st_mode)) or self._seen.setdefault(name, identity) != identity:
                return f"{name} in it was replaced"
        return None


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino
