"""Names and globs of layers, matched with the paths of layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from graphspec.language.objects import Pattern

MAX_PATHS = 100_000
"""Paths of layers to list; beyond these no pattern is reported, as nested models can have any number of paths."""

_MAX_MATCHES = 1_000_000
"""Globs times paths to match."""


def is_glob(text: str) -> bool:
    """Return whether a pattern may match several names."""
    return any(char in text for char in "*?[")


def are_too_many(patterns: Sequence[Pattern], paths: Sequence[object]) -> bool:
    """Return whether matching all globs with all paths would take too long."""
    return sum(is_glob(each.text) for each in patterns) * len(paths) > _MAX_MATCHES


def matched(pattern: Pattern, paths: Iterable[str]) -> list[str]:
    """Return the paths that a pattern matches; `*` stands for `/` as well."""
    return [path for path in paths if path == pattern.text or fnmatchcase(path, pattern.text)]


def may_lie_inside(pattern: Pattern, holders: Iterable[str]) -> bool:
    """Return whether a pattern may match a layer inside of one of `holders`, known only once built."""
    listed = list(holders)
    return bool(listed) and (is_glob(pattern.text) or pattern.text.startswith(tuple(f"{each}/" for each in listed)))
