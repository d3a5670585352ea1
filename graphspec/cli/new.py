"""`graphspec new`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.console.echo import echo

if TYPE_CHECKING:
    from graphspec.starters.from_data import Started


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), required=False)
@click.option("--from-data", "table", metavar="TABLE", type=click.Path(path_type=Path), help="Write a spec for this table: CSV, Parquet, Arrow or Feather.")  # fmt: skip
@click.option("--target", "targets", metavar="COLUMN", multiple=True, help="With --from-data, the column to predict. Can be repeated.")  # fmt: skip
def new(folder: Path | None, table: Path | None, targets: tuple[str, ...]) -> None:
    """Start a folder with a spec that trains.

    --from-data reads a table, and writes a first spec for it: a layer for each kind of column, and loss and metrics for
    each target. What is left out, and what had to be changed, stands in its comments. Nothing that is there is replaced.

    \b
    graphspec new houses --from-data houses.csv --target price
    """
    if folder is None:
        raise click.UsageError("name the folder to write to: `graphspec new DIR`")
    if table is None:
        raise click.UsageError("name a table by --from-data")
    if not targets:
        raise click.UsageError("name the column to predict: --target COLUMN")
    from graphspec.starters.from_data import start_from_data

    _tell(folder, start_from_data(folder, table, list(dict.fromkeys(targets))))


def _tell(folder: Path, started: Started) -> None:
    for name in started.names:
        echo(f"Wrote {folder / name}")
    for note in started.notes[:20]:
        echo(f"  {note}")
    echo("Next:")
    echo(f"  graphspec train {folder / 'spec.yaml'}")
