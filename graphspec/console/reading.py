"""Progress of reading data: a bar for each file that takes long to read or convert."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import TaskID

from graphspec.console.cells import print_line
from graphspec.console.progress_bar import progress_bar
from graphspec.diagnostics.escapes import escaped
from graphspec.sources import Progress

DELAY = 1.0
"""Seconds of reading before anything is shown."""


@contextmanager
def showing(console: Console) -> Iterator[Progress]:
    """Yield a progress function that shows bars on a terminal, otherwise one line per file."""
    bars = progress_bar(console, "reading {task.description}", "samples")
    tasks: dict[str, TaskID] = {}
    began = time.monotonic()

    def advance(text: str, done: int, total: int | None) -> None:
        if time.monotonic() - began < DELAY:
            return
        if text not in tasks:
            tasks[text] = bars.add_task(escaped(text), total=total)
            if not console.is_terminal:
                print_line(console, f"reading {text}")
        bars.update(tasks[text], completed=done, total=total)

    with bars:
        yield advance
