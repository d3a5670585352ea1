"""The progress bar that long work shows on a terminal."""

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
    """Return a bar that disappears when it is done, and shows nothing without a terminal.

    Args:
        console: Where to show it; None shows nothing.
        text: A template for the beginning of the bar.
        unit: The name of what is counted.
        more: Columns after the remaining time.
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
