"""Reading and atomic writing of the files of a run."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.formats.outcome import legible
from graphspec.diagnostics.rules import BAD_RUN
from graphspec.files import cannot_write, read_bytes, reason_of, replacing

_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


def relative(path: Path, folder: Path) -> str:
    """Return `path` relative to `folder`, or absolute if they share no drive."""
    with suppress(ValueError):
        return Path(os.path.relpath(path, folder)).as_posix()
    return path.as_posix()


def write(path: Path, make: Callable[[Path], object], *, parents: bool = False) -> None:
    """Replace the file at `path` atomically, also with respect to a loss of power.

    Args:
        path: The file to write.
        make: Writes the new content to a temporary path in the same folder.
        parents: Whether missing folders are made; by default, a folder removed meanwhile is not made again.

    Raises:
        SpecError: The file cannot be written; the old content is kept.
    """
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            make(part)
            part.chmod(0o644)
    except OSError as error:
        raise cannot_write(path, error) from None


def make_folder(folder: Path) -> None:
    """Make `folder` in an existing one, unless it exists. Raises SpecError on failure."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None


def open_own(path: Path, flags: int) -> int:
    """Open the regular file at `path`, without following links or blocking on pipes.

    Raises OSError.
    """
    with suppress(FileNotFoundError):
        _check_regular(os.lstat(path))  # first, since opening some devices has an effect
    handle = os.open(path, flags | _FLAGS, 0o644)
    try:
        _check_regular(os.fstat(handle))
    except OSError:
        os.close(handle)
        raise
    return handle


def _check_regular(status: os.stat_result) -> None:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        raise OSError(errno.EINVAL, "it is not a regular file")


class LogFile:
    """A file that lines are appended to; it is not remade when removed meanwhile."""

    def __init__(self, path: Path) -> None:
        """Make the file, or open the existing one. Raises SpecError on failure."""
        self.path = path
        try:
            handle = open_own(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        except OSError as error:
            raise cannot_write(path, error) from None
        self._identity = os.fstat(handle)
        os.close(handle)

    def add(self, line: str) -> None:
        """Append a line. Raises SpecError if it cannot be written, or the file was replaced."""
        try:
            handle = open_own(self.path, os.O_WRONLY | os.O_APPEND)
            with open(handle, "ab", buffering=0) as file:
                if not os.path.samestat(os.fstat(handle), self._identity):
                    raise FileNotFoundError(errno.ENOENT, "it was replaced by another file")
                file.write(f"{line}\n".encode(errors="backslashreplace"))
        except OSError as error:
            raise cannot_write(self.path, error) from None


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` in UTF-8 atomically."""
    write(path, lambda part: part.write_bytes(text.encode()))


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace `path` by `value` as JSON atomically; undecodable bytes become `\\xff`."""
    write_text(path, json.dumps(legible(value), indent=1) + "\n")


MAX_BYTES = 2**26
"""The size limit of a file of a run, unless it holds words of the data."""


def parse_json(data: bytes) -> Any:
    """Parse `data` as JSON. Raises ValueError if it is not valid JSON of valid text."""
    try:
        value = json.loads(data.decode("utf-8"))
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # refuses half a surrogate pair
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def read_json(
    path: Path, *, help: str = "the run is incomplete; train again", limit: int = MAX_BYTES
) -> dict[str, Any]:
    """Return the JSON object in `path`. Raises SpecError with `help` on failure."""
    try:
        value = parse_json(read_bytes(path, limit))
        if isinstance(value, dict):
            return value
        reason = "it does not hold a JSON object"
    except OSError as error:
        reason = reason_of(error)
    except ValueError as error:
        reason = str(error)
    raise SpecError.of(BAD_RUN, f"{path} cannot be read: {reason}", help=help)
