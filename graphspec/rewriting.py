"""A file's new content → the file, whole or not at all: for what mends or formats the specs of a user."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from graphspec.diagnostics import SpecError
from graphspec.rules import CANNOT_WRITE


def rewrite(path: Path | str, data: bytes) -> None:
    """Put `data` in the place of what the file at `path` holds; its permissions stay, and a link goes on leading to it.

    Raises SpecError where it cannot be written; the old content is then still there.
    """
    target = Path(os.path.realpath(path))
    try:
        if not os.access(target, os.W_OK):
            raise PermissionError(0, "permission denied")
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".writing-", suffix=target.suffix)
        part = Path(name)
        try:
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(target, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SpecError.of(
            CANNOT_WRITE,
            f"cannot write {path}: {reason}",
            help="check its permissions, those of its folder, and the disk",
        ) from None
