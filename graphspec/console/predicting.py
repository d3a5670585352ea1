"""What is told while samples are predicted from or measured: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from graphspec.console.cells import print_line
from graphspec.console.progress_bar import progress_bar

SECONDS = 10.0
"""Between two lines."""


@contextmanager
def counting(console: Console, doing: str, total: int) -> Iterator[Callable[[int], None]]:
    """A function that is told how many samples more are done, of `total`; `doing` says what is done with them."""
    bar = progress_bar(console, doing, "samples")
    task = bar.add_task(doing, total=total)
    done, shown_at = 0, time.monotonic()

    def advance(more: int) -> None:
        nonlocal done, shown_at
        done = min(done + more, total)
        bar.update(task, completed=done)
        if not console.is_terminal and done < total and time.monotonic() - shown_at > SECONDS:
            shown_at = time.monotonic()
            print_line(console, f"{doing}: {done:,} of {total:,} samples")

    with bar:
        yield advance
