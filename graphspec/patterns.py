"""Patterns of names, with `*`, `?` and `[...]`, of a bounded length."""

from __future__ import annotations

from fnmatch import fnmatchcase

MAX_LENGTH = 255
"""The maximum length of a pattern, that of a file name: to read one takes time by the square of its length."""


def matches_name(pattern: str, name: str) -> bool:
    """Return whether `pattern` stands for `name`; one that is too long stands for nothing."""
    return len(pattern) <= MAX_LENGTH and fnmatchcase(name, pattern)
