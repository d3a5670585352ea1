"""A folder with a check that it was not removed or replaced meanwhile.

Output written after that would be lost, or end up in a folder of somebody else.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from graphspec.files import cannot_write
from graphspec.run_paths import PARTS

_Identity = tuple[int, int]


class WatchedFolder:
    """A folder on disk, in which `parts` must stay once they exist."""

    def __init__(self, path: Path, parts: tuple[str, ...] = PARTS) -> None:
        self.path = path
        self.parts = parts
        self._folder = _identity(path.stat())
        self._seen: dict[str, _Identity | None] = {}

    def check(self) -> None:
        """Raise SpecError if the folder, or a part that existed before, was removed or replaced."""
        if (lost := self._lost()) is not None:
            help = "do not change the folder while it is written; if it was moved, resume it there"
            raise cannot_write(self.path, f"{lost} meanwhile, so writing has stopped", help)

    def check_folder(self) -> None:
        """Do as `check` for the folder alone, fast enough to be called between two steps."""
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
        """Return how the folder was lost, or None if it was not."""
        if not self._is_there():
            return "it was replaced by another folder" if self.path.exists() else "it was removed or moved"
        for name in self.parts:
            try:
                status = os.lstat(self.path / name)
            except OSError:
                if name in self._seen:
                    return f"{name} in it was removed or moved"
                continue
            is_file = stat.S_ISREG(status.st_mode)
            identity = None if is_file else _identity(status)  # writing replaces a file
            if not (is_file or stat.S_ISDIR(status.st_mode)) or self._seen.setdefault(name, identity) != identity:
                return f"{name} in it was replaced"
        return None


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino
