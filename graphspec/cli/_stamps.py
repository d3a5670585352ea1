"""The stamps of files, polled to find out which have changed: this needs no library and works on every file system."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

INTERVAL = 0.25
"""Seconds between two polls."""

Stamps = dict[str, tuple[int, int] | None]
"""Modification time in ns and size in bytes of each file by path; None if there is no file."""


def stamps_of(paths: Iterable[str]) -> Stamps:
    """Return the stamps of files."""
    return {path: _stamp(path) for path in paths}


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
