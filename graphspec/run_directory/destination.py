"""A check before long work that a file or folder can be made.

The check changes nothing on disk, so writing may still fail later.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from graphspec.files import cannot_write, reason_of
from graphspec.run_paths import UNFINISHED

_NAME_MAX, _PATH_MAX = 255, 4_096
_MAX_SHOWN = 400
"""Characters of a path in a message."""
INSIDE = 80
"""Bytes of the longest path of graphspec's own files below a folder."""


def check_destination(path: Path, *, inside: int = INSIDE) -> None:
    """Raise SpecError if a file or folder can probably not be made at `path`.

    Args:
        path: The file or folder; an existing one must be a regular file, a link to one, or a folder.
        inside: Bytes of the longest path below a folder.
    """
    if (reason := _reason(path, inside)) is not None:
        raise cannot_write(os.fspath(path)[:_MAX_SHOWN], reason)


def _reason(path: Path, inside: int) -> str | None:
    text = os.fspath(path)
    if "\0" in text:
        return "a path cannot contain a NUL character"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "its name is not valid UTF-8"
    try:
        here = path.absolute()
    except OSError as error:
        return f"the working directory: {reason_of(error)}"
    if os.path.lexists(here):
        return _reason_of_existing(here)
    missing = []
    while not os.path.lexists(here) and here != here.parent:
        missing.append(here.name)
        here = here.parent
    if not here.is_dir():
        return f"{here} is a broken link" if here.is_symlink() and not here.exists() else f"{here} is not a folder"
    if not os.access(here, os.W_OK | os.X_OK):
        return f"{here}: permission denied"
    longest = max(*(len(os.fsencode(name)) for name in missing), len(UNFINISHED) + 8 + len(os.fsencode(path.suffix)))
    if longest > _limit(here, "PC_NAME_MAX", _NAME_MAX):
        return "its name is too long"
    if size + inside > _limit(here, "PC_PATH_MAX", _PATH_MAX):
        return "the path is too long"
    return None


def _reason_of_existing(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return "it is a broken link"
    if stat.S_ISDIR(mode):
        return None if os.access(path, os.W_OK | os.X_OK) else "permission denied"
    if not stat.S_ISREG(mode):
        return "it is not a regular file"
    return None if os.access(path.parent, os.W_OK | os.X_OK) else "permission denied"


def _limit(folder: Path, name: str, default: int) -> int:
    with suppress(OSError, ValueError, AttributeError):
        limit = os.pathconf(folder, name)
        return limit if limit > 0 else default
    return default
