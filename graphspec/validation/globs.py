"""Patterns of paths, as .gitignore writes them: `drafts/`, `*.old.yaml`, `templates/**/base.yaml`.

A pattern is matched name by name. Where a name does not fit, only the last `**` takes one more: whatever stands in a
pattern, it takes no longer than the names of its path times its own.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

_ANY = "**"


def matches(pattern: str, path: str) -> bool:
    """Return whether `pattern` stands for `path`, or for a folder that it lies in.

    A pattern without a slash, but at its end, stands for files and folders of that name wherever they are; others
    count from the folder that `path` is relative to.
    """
    parts, names = _parts(pattern), path.split("/")
    part = name = 0
    last, taken = -1, 0  # the last `**`, and the names before what follows it
    while part < len(parts):
        if parts[part] == _ANY:
            last, taken, part = part, name, part + 1
        elif name < len(names) and fnmatchcase(names[name], parts[part]):
            part, name = part + 1, name + 1
        elif last >= 0 and taken < len(names):
            taken += 1
            part, name = last + 1, taken
        else:
            return False
    return True


@lru_cache(maxsize=256)
def _parts(pattern: str) -> tuple[str, ...]:
    """The names of a pattern; `**` at its end stands for what lies in a folder, and not for the folder."""
    pattern = pattern.removeprefix("./").rstrip("/")
    *before, end = pattern.lstrip("/").split("/")
    return (*(() if "/" in pattern else (_ANY,)), *before, "*" if end == _ANY else end)
