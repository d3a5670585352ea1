"""Texts for a bug report, in which the user's home is `~`."""

from __future__ import annotations

from pathlib import Path


def without_home(text: object) -> str:
    """Return `text` with the path of the user's home as `~`."""
    try:
        home = str(Path.home())
    except RuntimeError:
        return str(text)
    return str(text).replace(home, "~") if len(home) > 1 else str(text)
