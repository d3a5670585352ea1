"""Untrusted text for rich, in tables and lines, where it is not read as markup or emoji."""

from __future__ import annotations

from rich.console import Console
from rich.table import Column
from rich.text import Text

from graphspec.diagnostics.escapes import escaped


def cell(text: object, style: str = "") -> Text:
    """Return `text` as a cell of a table, folded if it is too long for its column."""
    return Text(escaped(text), style, overflow="fold")


def column(title: object) -> Column:
    """Return a column of a table under `title`."""
    return Column(cell(title))


def table_console() -> Console:
    """Return a console for tables, of unlimited width without a terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=_UNLIMITED_WIDTH)


_UNLIMITED_WIDTH = 10_000


def print_line(console: Console, text: object) -> None:
    """Print `text` on `console` as one line of any length."""
    console.print(Text(escaped(text)), soft_wrap=True)
