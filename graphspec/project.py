"""Which files a spec may show lines of: those below its folder, or below the project that it belongs to.

A spec that a stranger wrote can include any file, and a finding that shows a line of it would show a secret to whoever
reads the report. Links are resolved first. A file that lies elsewhere is shown where it reads as a spec, and of all
others no more is said than the place.
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
    """Within it, the files that are read belong to the spec in `folder`."""
    token = _FOLDER.set(os.path.realpath(folder))
    try:
        yield
    finally:
        _FOLDER.reset(token)


def is_ours(path: Path | str) -> bool:
    """Return whether the file at `path` lies below the folder of the spec that is read, or below its project.

    Where no spec is read, the folder that `path` names is that folder.
    """
    folder = _FOLDER.get()
    return belongs(path, folder if folder is not None else Path(path).parent)


def belongs(path: Path | str, folder: Path | str) -> bool:
    """Return whether the file at `path` lies below `folder`, or below the project that `folder` belongs to."""
    try:
        file, home = os.path.realpath(path), os.path.realpath(folder)
    except (OSError, ValueError):
        return False
    return _is_below(file, home) or _is_below(file, _project_of(home))


def _is_below(file: str, folder: str | None) -> bool:
    """Whether `file` lies below `folder`. All files lie below the root, so of it only its own files count."""
    if folder is None or Path(folder).parent == Path(folder):
        return folder is not None and Path(file).parent == Path(folder)
    return Path(file).is_relative_to(folder)


def _project_of(folder: str) -> str | None:
    """The nearest folder with a mark of a project, from the resolved `folder` on upwards."""
    for each in (Path(folder), *Path(folder).parents):
        if any(os.path.lexists(each / mark) for mark in _MARKS):
            return str(each)
    return None
