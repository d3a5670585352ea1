"""`graphspec new`."""

from __future__ import annotations

from pathlib import Path

import click

from graphspec.cli.candidates import templates
from graphspec.console.echo import echo

_MAX_NOTES = 20


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path), required=False)
@click.option(
    "--template",
    metavar="NAME",
    shell_complete=templates,
    help="The template to begin with.  [default: mlp]",
)
@click.option("--list", "lists", is_flag=True, help="List the templates.")
@click.option(
    "--from-data",
    "table",
    metavar="TABLE",
    type=click.Path(path_type=Path),
    help="Write a spec for this table instead: CSV, Parquet, Arrow or Feather.",
)
@click.option(
    "--target",
    "targets",
    metavar="COLUMN",
    multiple=True,
    help="With --from-data, the column to predict. Can be repeated.",
)
def new(folder: Path | None, template: str | None, lists: bool, table: Path | None, targets: tuple[str, ...]) -> None:
    """Start a folder with a spec that trains.

    A template is a spec with a comment on every line that asks for one, and small data to train it on. --from-data
    reads a table, and writes a first spec for it: a layer for each kind of column, a loss and metrics for each target.
    What is left out and what had to be changed stands in its comments. Nothing that is there is replaced.

    \b
    graphspec new first                                          a small model, with its data
    graphspec new --list
    graphspec new shop --template two_inputs_two_outputs
    graphspec new houses --from-data houses.csv --target price
    """
    from graphspec.starters.templates import ABOUT

    if lists:
        width = max(map(len, ABOUT))
        for name, about in ABOUT.items():
            echo(f"{name:<{width}}  {about}")
        return
    if folder is None:
        raise click.UsageError("name the folder to write to: `graphspec new DIR`")
    if table is None:
        if targets:
            raise click.UsageError("--target names a column of a table: name the table by --from-data")
        _from_template(folder, template)
        return
    if template is not None:
        raise click.UsageError("a spec is either that of a template or made for a table: leave one out")
    if not targets:
        raise click.UsageError("name the column to predict: --target COLUMN")
    _from_data(folder, table, list(dict.fromkeys(targets)))


def _from_template(folder: Path, name: str | None) -> None:
    from graphspec.diagnostics.suggest import did_you_mean
    from graphspec.starters.templates import ABOUT, DEFAULT, find_template, start_from_template

    name = DEFAULT if name is None else name.replace("-", "_").replace(" ", "_")
    if name not in ABOUT:
        help = did_you_mean(name, ABOUT, "`graphspec new --list` lists the templates")
        raise click.BadParameter(f"there is no template `{name}`: {help}", param_hint="--template")
    template = find_template(name)
    start_from_template(folder, template)
    _tell(folder, list(template.files))


def _from_data(folder: Path, table: Path, targets: list[str]) -> None:
    from graphspec.starters.from_data import start_from_data

    started = start_from_data(folder, table, targets)
    _tell(folder, started.names, started.notes)


def _tell(folder: Path, names: list[str], notes: list[str] | None = None) -> None:
    """Print what was written, and what to do next."""
    for name in names:
        echo(f"Wrote {folder / name}")
    notes = notes or []
    for note in notes[:_MAX_NOTES]:
        echo(f"  {note}")
    if len(notes) > _MAX_NOTES:
        echo(f"  and {len(notes) - _MAX_NOTES:,} more")
    spec = folder / "spec.yaml"
    echo("Next:")
    for command, what in (
        ("validate --data", "check spec and data"),
        ("plot", "draw the model"),
        ("train", "train it"),
    ):
        echo(f"  {f'graphspec {command} {spec}':<60}  {what}")
