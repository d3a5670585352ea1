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
from graphspec.rules import BAD_RUN, CANNOT_WRITE

RECORD, LOCK, SPEC, PROVENANCE = "run.json", "lock.json", "spec.yaml", "provenance.json"
METRICS, TABLE, LOG = "metrics.jsonl", "metrics.csv", "log.txt"
MODEL, BEST = "model.keras", "best.keras"
VOCABULARIES, ADAPTED = "vocabularies.json", "adapted.json"
CHECKPOINTS, INCLUDED = "checkpoints", "included"


def relative(path: Path, folder: Path) -> str:
    """`path` seen from `folder`, so that a project moves as a whole; absolute where they share no drive."""
    with suppress(ValueError):
        return Path(os.path.relpath(path, folder)).as_posix()
    return path.as_posix()


def write(path: Path, make: Callable[[Path], object]) -> None:
    """Let `make` write a temporary file beside `path`, flush it to disk and put it in the place of `path`.

    Whoever reads `path` sees the old content or the new, never a part, after a loss of power too. Raises SpecError
    where it cannot be written; the old content is then still there.
    """
    try:
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


UNFINISHED = ".writing-"
"""How the names of files begin that are being written; a killed process leaves them behind."""


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    write(path, lambda part: part.write_bytes(text.encode()))


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write `value` to `path`, whole or not at all."""
    write_text(path, json.dumps(value, indent=1) + "\n")


MOST_BYTES = 2**26
"""Of a file that a run keeps, unless it holds words of the data."""


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return what the regular file at `path` holds. Raises OSError for all else, and for more than `most` bytes."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most // 2**20} MiB")
        return file.read(most)


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
        reason = (error.strerror or str(error)).lower()
    except ValueError as error:
        reason = str(error)
    raise SpecError.of(BAD_RUN, f"{path} cannot be read: {reason}", help=help)


def without_waiting(path: str, flags: int) -> int:
    """Open `path` as `open` does, but never wait for another process, as a pipe would."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)


def cannot_write(path: Path, error: OSError) -> SpecError:
    """That `path` could not be written, and why."""
    reason = (error.strerror or str(error)).lower()
    return SpecError.of(
        CANNOT_WRITE, f"cannot write {path}: {reason}", help="check the path, its permissions and the disk"
    )
