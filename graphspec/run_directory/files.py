"""The files of a run: their names, and how each is written so that a reader never sees half of one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphspec.diagnostics import SpecError
from graphspec.files import read_text
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


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`. Raises SpecError where it cannot be read."""
    try:
        found = json.loads(read_text(path))
        if isinstance(found, dict):
            return found
        reason = "it holds no object"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise SpecError.of(BAD_RUN, f"{path} cannot be read: {reason}", help="the run is incomplete; train again")


def cannot_write(path: Path, error: OSError) -> SpecError:
    """That `path` could not be written, and why."""
    reason = (error.strerror or str(error)).lower()
    return SpecError.of(
        CANNOT_WRITE, f"cannot write {path}: {reason}", help="check the path, its permissions and the disk"
    )
