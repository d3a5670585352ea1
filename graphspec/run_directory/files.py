"""The files of a run: their names, and how each is written so that a reader never sees half of one."""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.formats.outcome import legible
from graphspec.diagnostics.rules import BAD_RUN, CANNOT_WRITE
from graphspec.files import read_bytes, reason_of
from graphspec.run_paths import UNFINISHED

_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


def relative(path: Path, folder: Path) -> str:
    """`path` seen from `folder`, so that a project moves as a whole; absolute where they share no drive."""
    with suppress(ValueError):
        return Path(os.path.relpath(path, folder)).as_posix()
    return path.as_posix()


def write(path: Path, make: Callable[[Path], object], *, parents: bool = False) -> None:
    """Let `make` write a temporary file beside `path`, flush it to disk and put it in the place of `path`.

    Whoever reads `path` sees the old content or the new, never a part, after a loss of power too. parents: make the
    folders that it lies in; without it, what was removed meanwhile is not made again. Raises SpecError where it cannot
    be written; the old content is then still there.
    """
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED, suffix=path.suffix)
        os.close(handle)
        part = Path(name)
        try:
            make(part)
            with open(part, "rb+") as file:
                os.fsync(file.fileno())
            part.chmod(0o644)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from None


def make_folder(folder: Path) -> None:
    """Make `folder`, where it is not there yet, in one that is there. Raises SpecError where that fails."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None


def open_own(path: Path, flags: int) -> int:
    """Open the regular file at `path` with `flags` and give its descriptor; through a link it is not opened.

    Nothing is waited for: somebody may have put a pipe there. Raises OSError.
    """
    with suppress(FileNotFoundError):
        _check_regular(os.lstat(path))  # before it is opened, which sets off some devices
    handle = os.open(path, flags | _FLAGS, 0o644)
    try:
        _check_regular(os.fstat(handle))
    except OSError:
        os.close(handle)
        raise
    return handle


def _check_regular(found: os.stat_result) -> None:
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        raise OSError(errno.EINVAL, "it is no regular file")


class LogFile:
    """A file that lines are added to. It is made once: where it is removed meanwhile, it is not made again."""

    def __init__(self, path: Path) -> None:
        """Make the file, or go on with the one that is there. Raises SpecError where that fails."""
        self.path = path
        try:
            handle = open_own(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        except OSError as error:
            raise cannot_write(path, error) from None
        self._identity = os.fstat(handle)
        os.close(handle)

    def add(self, line: str) -> None:
        """Add a line. Raises SpecError where it cannot be written, or the file is no longer the same."""
        try:
            handle = open_own(self.path, os.O_WRONLY | os.O_APPEND)
            with open(handle, "ab", buffering=0) as file:
                if not os.path.samestat(os.fstat(handle), self._identity):
                    raise FileNotFoundError(errno.ENOENT, "another file was put in its place")
                file.write(f"{line}\n".encode(errors="backslashreplace"))
        except OSError as error:
            raise cannot_write(self.path, error) from None


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    write(path, lambda part: part.write_bytes(text.encode()))


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write `value` to `path`, whole or not at all; a byte that is no character, as in names of files, as `\\xff`."""
    write_text(path, json.dumps(legible(value), indent=1) + "\n")


MOST_BYTES = 2**26
"""Of a file that a run keeps, unless it holds words of the data."""


def parse_json(data: bytes) -> Any:
    """Return the value that `data` holds as JSON. Raises ValueError where it is none that can be used."""
    try:
        found = json.loads(data.decode("utf-8"))
        if b"\\u" in data:
            json.dumps(found, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair is no text
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found


def read_json(
    path: Path, *, help: str = "the run is incomplete; train again", most: int = MOST_BYTES
) -> dict[str, Any]:
    """Return the JSON object in `path`. Raises SpecError where it cannot be read, with `help`."""
    try:
        found = parse_json(read_bytes(path, most))
        if isinstance(found, dict):
            return found
        reason = "it holds no object"
    except OSError as error:
        reason = reason_of(error)
    except ValueError as error:
        reason = str(error)
    raise SpecError.of(BAD_RUN, f"{path} cannot be read: {reason}", help=help)


def cannot_write(path: Path, error: OSError) -> SpecError:
    """That `path` could not be written, and why."""
    reason = reason_of(error)
    return SpecError.of(
        CANNOT_WRITE, f"cannot write {path}: {reason}", help="check the path, its permissions and the disk"
    )
