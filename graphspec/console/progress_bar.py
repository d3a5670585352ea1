"""The bar that long work shows on a terminal: what is done, how much of it, and how long it will take."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)


def progress_bar(console: Console | None, text: str, unit: str, *more: ProgressColumn) -> Progress:
    """A bar that begins with `text` and counts in `unit`; more stands after the time that is left.

    It shows nothing without a console, or on one that is no terminal, and is gone when it is left.
    """
    return Progress(
        TextColumn(text, markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        *more,
        console=console,
        transient=True,
        disable=console is None or not console.is_terminal,
    )
