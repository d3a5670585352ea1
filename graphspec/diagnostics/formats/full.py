"""The report for people: every finding with its line, and a summary, in colours on a terminal."""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.formats.outcome import Outcome
from graphspec.diagnostics.formats.summary import summary
from graphspec.diagnostics.render import Paint, plain, render_one

_STYLES: dict[str, dict[str, Any]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "label": {"fg": "blue", "bold": True},
    "place": {"bold": True},
    "gutter": {"fg": "blue"},
    "help": {"fg": "cyan"},
}


def write(outcome: Outcome, paint: Paint = plain) -> str:
    """Return all findings and a summary, coloured by `paint`."""
    return "\n\n".join([*(render_one(each, paint) for each in outcome.report), summary(outcome)])


def colour(text: str, role: str) -> str:
    """Return `text` in the terminal colour of its role."""
    import click

    return click.style(text, **_STYLES[role])
