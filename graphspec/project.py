"""The files whose lines a finding may show: those below the folder of the spec, or below its project.

A spec of a stranger can include any file, and a finding that quotes a line of it could reveal a secret. Links are
resolved first. Of a file elsewhere, lines are shown only if it reads as a spec.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_MARKS = (".git", "pyproject.toml")
_FOLDER: ContextVar[str | None] = ContextVar("folder", default=None)


@contextmanager
def spec_in(folder: Path | str) -> Iterator[None]:
    """Set the folder of the spec that is read inside the `with` block."""
    token = _FOLDER.set(os.path.realpath(folder))
    try:
        yield
    finally:
        _FOLDER.reset(token)


def is_ours(path: Path | str) -> bool:
    """Return whether `path` is below the folder of the current spec or its project.

    Without a current spec, the folder of `path` is used.
    """
    folder = _FOLDER.get()
    return belongs(path, folder if folder is not None else Path(path).parent)


def belongs(path: Path | str, folder: Path | str) -> bool:
    """Return whether `path` is below `folder`, or below the project of `folder`."""
    try:
        file, home = os.path.realpath(path), os.path.realpath(folder)
    except (OSError, ValueError):
        return False
    return _is_below(file, home) or _is_below(file, _project_of(home))


def _is_below(file: str, folder: str | None) -> bool:
    """Return whether `file` is below `folder`; for the root folder, whether it is directly in it."""
    if folder is None or Path(folder).parent == Path(folder):
        return folder is not None and Path(file).parent == Path(folder)
    return Path(file).is_relative_to(folder)


def _project_of(folder: str) -> str | None:
    """Return the nearest of `folder` (resolved) and its parents that holds a mark of a project."""
    for each in (Path(folder), *Path(folder).parents):
        if any(os.path.lexists(each / mark) for mark in _MARKS):
            return str(each)
    return None
