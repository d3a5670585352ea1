"""What `evaluate` and `predict` share: the model that RUN names, and the options that name data for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from graphspec.console.echo import echo
from graphspec.files import is_file, is_folder

if TYPE_CHECKING:
    from graphspec.diagnostics import SpecError
    from graphspec.predicting.predictor import Predictor
    from graphspec.runs.run import Run

F = TypeVar("F", bound=Callable[..., Any])


def model_options(command: F) -> F:
    """RUN, `--checkpoint` and `--spec`."""
    for decorator in (
        click.option("--spec", metavar="SPEC", help="Take data, losses and metrics from this spec, not from the run."),
        click.option(
            "--checkpoint",
            type=click.Choice(["last", "best"]),
            help="Which model of the run: the last, or that of its best epoch.  [default: last]",
        ),
        click.argument("run", metavar="RUN"),
    ):
        command = decorator(command)
    return command


def data_options(command: F) -> F:
    """`--split`, `--input`, `--rows` and `--batch-size`."""
    for decorator in (
        click.option(
            "--batch-size",
            type=click.IntRange(min=1),
            help="How many samples are computed at a time.  [default: that of the training]",
        ),
        click.option(
            "--rows",
            metavar="TABLE",
            help="A table with the columns that the training took, for all that no other option names.",
        ),
        click.option(
            "--input",
            "-i",
            "inputs",
            metavar="NAME=FILE[#PART]",
            multiple=True,
            help="The file of one input; PART is the array of an .npz, or the columns of a table, separated by commas.",
        ),
        click.option("--split", type=click.Choice(["train", "validation", "test"]), help="A split of the data."),
    ):
        command = decorator(command)
    return command


def run_of(path: str) -> Run | None:
    """The run at `path`, or the newest one in that folder; None where it is the file of a model."""
    from graphspec.runs.run import Run

    is_model = Path(path).suffix == ".keras" or is_file(Path(path))
    return None if is_model and not is_folder(Path(path)) else Run.at(path)


def predictor_of(path: str, run: Run | None, checkpoint: str | None, spec: str | None) -> Predictor:
    """The model of `run`, or that in the file `path`, with the data that belongs to it. Raises SpecError."""
    from graphspec.extras import require_tensorflow
    from graphspec.spec import load

    data = load(spec) if spec is not None else None
    if run is not None:
        warn_of_changes(run)
        return run.predictor(checkpoint or "last", data=data)
    if checkpoint is not None:
        raise click.UsageError(f"--checkpoint chooses among the models of a run, and {path} is a file")
    require_tensorflow()
    from graphspec.predicting import model_file, with_spec

    return with_spec.predictor_of_file(Path(path), data) if data is not None else model_file.predictor_of(Path(path))


def warn_of_changes(run: Run) -> None:
    """Say where the spec of `run`, or a plugin, is no longer what it was when the run was begun."""
    from graphspec.diagnostics import SpecError
    from graphspec.run_directory.lock import unrecorded_warning

    try:
        changes = run.spec_changes() or []
        for change in changes[:_MOST_SHOWN]:
            echo(f"warning: {run.path / 'spec.yaml'} has changed since the run was begun: {change}", err=True)
        if len(changes) > _MOST_SHOWN:
            echo(f"warning: and {len(changes) - _MOST_SHOWN} more of its values", err=True)
        for name in run.changed_plugins():
            echo(f"warning: the plugin {name} has changed since the run was begun", err=True)
        for name in run.unknown_plugins():
            echo(f"warning: {unrecorded_warning(f'the plugin {name}')}", err=True)
    except SpecError as error:
        unknown(error)


def unknown(error: SpecError) -> None:
    """Say that nobody can tell whether anything has changed, for what was kept of it cannot be read."""
    for found in error.report:
        echo(f"warning: {found.message}; whether spec and data have changed cannot be told", err=True)


_MOST_SHOWN = 5


def named(written: tuple[str, ...]) -> dict[str, str]:
    """`NAME=FILE[#PART]`, any number of times, by name. Raises UsageError where one is not of that form."""
    found: dict[str, str] = {}
    for each in written:
        name, _, file = each.partition("=")
        if not name or not file.partition("#")[0]:
            raise click.UsageError(f"`{each}` is not of the form NAME=FILE or NAME=FILE#PART")
        if name in found:
            raise click.UsageError(f"`{name}` is given twice")
        found[name] = file
    return found
