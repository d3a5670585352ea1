"""Results on the terminal: metrics by output, and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graphspec.console.echo import echo

if TYPE_CHECKING:
    from rich.console import Console


def show(metrics: Mapping[str, Any], outputs: list[str], title: str) -> None:
    """Print `metrics` under `title`, one line for the whole model and one an output."""
    from graphspec.console.metrics import describe

    head, *rows = describe(dict(metrics), outputs)
    echo(f"{title}: {head}")
    for row in rows:
        echo(f"    {row}")


def wide_console() -> Console:
    """A console for tables: as wide as the terminal, and where there is none as wide as they are."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=_ANY_WIDTH)


_ANY_WIDTH = 10_000
