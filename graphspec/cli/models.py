"""The model that RUN names, and the options for its data: shared by `evaluate`, `predict` and `export`."""

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
    """Add RUN, `--checkpoint` and `--spec`."""
    for decorator in (
        click.option(
            "--spec", metavar="SPEC", help="Use the data, losses and metrics of this spec instead of the run's."
        ),
        click.option(
            "--checkpoint",
            type=click.Choice(["last", "best"]),
            help="The model after the last epoch, or after the best.  [default: last]",
        ),
        click.argument("run", metavar="RUN"),
    ):
        command = decorator(command)
    return command


def data_options(command: F) -> F:
    """Add `--split`, `--input`, `--rows` and `--batch-size`."""
    for decorator in (
        click.option(
            "--batch-size",
            type=click.IntRange(min=1),
            help="Samples per batch.  [default: that of the training]",
        ),
        click.option(
            "--rows",
            metavar="TABLE",
            help="A table with the columns of the training data, for all inputs and outputs without an option.",
        ),
        click.option(
            "--input",
            "-i",
            "inputs",
            metavar="NAME=FILE[#PART]",
            multiple=True,
            help="The file of one input; PART is an array of an .npz file, or columns of a table separated by commas.",
        ),
        click.option("--split", type=click.Choice(["train", "validation", "test"]), help="A split of the data."),
    ):
        command = decorator(command)
    return command


def run_of(path: str) -> Run | None:
    """Return the run at `path`, or the newest one in that folder; None if it is a model file."""
    from graphspec.runs.run import Run

    is_model = Path(path).suffix == ".keras" or is_file(Path(path))
    return None if is_model and not is_folder(Path(path)) else Run.at(path)


def predictor_of(path: str, run: Run | None, checkpoint: str | None, spec: str | None) -> Predictor:
    """Return the model of `run`, or the one in the file `path`, with its data. Raises SpecError."""
    from graphspec.extras import require_tensorflow
    from graphspec.spec import load

    data = load(spec) if spec is not None else None
    if run is not None:
        warn_of_changes(run)
        return run.predictor(checkpoint or "last", data=data)
    if checkpoint is not None:
        raise click.UsageError(f"--checkpoint selects a model of a run, but {path} is a file")
    require_tensorflow()
    from graphspec.predicting import model_file, with_spec

    return with_spec.predictor_of_file(Path(path), data) if data is not None else model_file.predictor_of(Path(path))


def warn_of_changes(run: Run) -> None:
    """Warn of changes in the spec or the plugins of `run` since it was started."""
    from graphspec.diagnostics import SpecError
    from graphspec.run_directory.lock import unrecorded_warning

    try:
        changes = run.spec_changes() or []
        for change in changes[:_MAX_CHANGES]:
            echo(f"warning: {run.path / 'spec.yaml'} has changed since the run was started: {change}", err=True)
        if len(changes) > _MAX_CHANGES:
            echo(f"warning: and {len(changes) - _MAX_CHANGES} more of its values", err=True)
        for name in run.changed_plugins():
            echo(f"warning: the plugin {name} has changed since the run was started", err=True)
        for name in run.unknown_plugins():
            echo(f"warning: {unrecorded_warning(f'the plugin {name}')}", err=True)
    except SpecError as error:
        warn_of_lost_record(error)


def warn_of_lost_record(error: SpecError) -> None:
    """Warn that changes cannot be detected, since the record of a run cannot be read."""
    for diagnostic in error.report:
        echo(f"warning: {diagnostic.message}; changes in the spec or the data cannot be detected", err=True)


_MAX_CHANGES = 5


def named(values: tuple[str, ...]) -> dict[str, str]:
    """Return `NAME=FILE[#PART]` values as files by name. Raises UsageError for one of another form."""
    files: dict[str, str] = {}
    for each in values:
        name, _, file = each.partition("=")
        if not name or not file.partition("#")[0]:
            raise click.UsageError(f"`{each}` does not have the form NAME=FILE or NAME=FILE#PART")
        if name in files:
            raise click.UsageError(f"`{name}` is given twice")
        files[name] = file
    return files
