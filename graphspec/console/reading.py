"""A bar for each file that takes long to be read or converted before a training starts."""

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

PATIENCE = 1.0
"""Seconds of reading before anything is shown."""


@contextmanager
def showing(console: Console) -> Iterator[Progress]:
    """A function that shows what it is told of on `console`: bars on a terminal, a line a file elsewhere."""
    bars = progress_bar(console, "reading {task.description}", "samples")
    tasks: dict[str, TaskID] = {}
    began = time.monotonic()

    def tell(text: str, done: int, total: int | None) -> None:
        if time.monotonic() - began < PATIENCE:
            return
        if text not in tasks:
            tasks[text] = bars.add_task(escaped(text), total=total)
            if not console.is_terminal:
                print_line(console, f"reading {text}")
        bars.update(tasks[text], completed=done, total=total)

    with bars:
        yield tell
