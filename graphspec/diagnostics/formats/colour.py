"""The colours of the full report, by what is shown."""

from __future__ import annotations

from typing import Any

import click

_STYLES: dict[str, dict[str, Any]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "label": {"fg": "blue", "bold": True},
    "place": {"bold": True},
    "gutter": {"fg": "blue"},
    "help": {"fg": "cyan"},
}


def paint(text: str, role: str) -> str:
    """`text` in the colour of what it is."""
    return click.style(text, **_STYLES[role])
