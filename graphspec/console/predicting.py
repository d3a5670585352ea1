"""Progress of predicting and evaluating: a bar on a terminal, otherwise a line every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from graphspec.console.cells import print_line
from graphspec.console.progress_bar import progress_bar

INTERVAL = 10.0
"""Seconds between two lines."""


@contextmanager
def counting(console: Console, doing: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show the progress of `doing`, such as `predicting`; yield a function that takes a number of finished samples."""
    bar = progress_bar(console, doing, "samples")
    task = bar.add_task(doing, total=total)
    done, shown_at = 0, time.monotonic()

    def advance(more: int) -> None:
        nonlocal done, shown_at
        done = min(done + more, total)
        bar.update(task, completed=done)
        if not console.is_terminal and done < total and time.monotonic() - shown_at > INTERVAL:
            shown_at = time.monotonic()
            print_line(console, f"{doing}: {done:,} of {total:,} samples")

    with bar:
        yield advance
