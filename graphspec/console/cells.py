"""Text from outside for rich: in tables and lines, without reading it as markup or emoji."""

from __future__ import annotations

from rich.console import Console
from rich.table import Column
from rich.text import Text

from graphspec.diagnostics.escapes import escaped


def cell(text: object, style: str = "") -> Text:
    """Return `text` as a cell of a table; where it is too long for its column it is folded."""
    return Text(escaped(text), style, overflow="fold")


def column(title: object) -> Column:
    """Return a column of a table under `title`."""
    return Column(cell(title))


def print_line(console: Console, text: object) -> None:
    """Print `text` on `console` as one line, however long it is."""
    console.print(Text(escaped(text)), soft_wrap=True)
