"""Whether a path that a spec writes leads to a file or a folder; one that no file system could hold leads nowhere."""

from __future__ import annotations

from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is a file at `path`."""
    try:
        return path.is_file()
    except OSError:  # its name is too long
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder at `path`."""
    try:
        return path.is_dir()
    except OSError:
        return False
