"""The model that RUN names, and the options for its data: shared by `evaluate`, `predict` and `export`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from graphspec.cli.candidates import run_folders, spec_files
from graphspec.console.echo import echo

if TYPE_CHECKING:
    from graphspec.diagnostics import SpecError
    from graphspec.distribution.strategy import Distribution
    from graphspec.predicting.predictor import Predictor
    from graphspec.runs.run import Run

F = TypeVar("F", bound=Callable[..., Any])


def model_options(command: F) -> F:
    """Add RUN, `--checkpoint` and `--spec`."""
    for decorator in (
        click.option(
            "--spec",
            metavar="SPEC",
            shell_complete=spec_files,
            help="Use the data, losses and metrics of this spec instead of the run's.",
        ),
        click.option(
            "--checkpoint",
            type=click.Choice(["last", "best"]),
            help="The model after the last epoch, or after the best.  [default: last]",
        ),
        click.argument("run", metavar="RUN", shell_complete=run_folders),
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


def find_model(path: str, checkpoint: str | None) -> Run | Path:
    """Return the run that RUN names, after warnings of its changes, or the path of a model file.

    Raises SpecError if there is neither, and UsageError for a checkpoint of a file.
    """
    from graphspec.runs.run import run_or_file

    model = run_or_file(path)
    if not isinstance(model, Path):
        warn_of_changes(model)
    elif checkpoint is not None:
        raise click.UsageError(f"--checkpoint selects a model of a run, but {path} is a file")
    return model


def predictor_of(model: Run | Path, checkpoint: str | None, spec: str | None) -> Predictor:
    """Return a predictor of a model, with its data.

    Args:
        model: A run, or a model file.
        checkpoint: `last` or `best` of a run; None for the default.
        spec: A spec that replaces the data, losses and metrics.

    Raises:
        SpecError: There is no model, or it does not fit the spec.
    """
    from graphspec.extras import require_tensorflow
    from graphspec.spec import load

    data = load(spec) if spec is not None else None
    if not isinstance(model, Path):
        return model.predictor(checkpoint or "last", data=data)
    require_tensorflow()
    from graphspec.predicting import model_file, spec_predictor

    return spec_predictor.predictor_of_file(model, data) if data is not None else model_file.predictor_of(model)


def join_workers() -> Distribution | None:
    """Join the workers that TF_CONFIG names, which share the samples; None for one process by itself.

    Raises SpecError if TF_CONFIG is wrong, or another worker does not come.
    """
    from graphspec.distribution.cluster import Cluster
    from graphspec.extras import require_tensorflow

    cluster = Cluster.to_share()
    if cluster is None:
        return None
    require_tensorflow()
    from graphspec.distribution.strategy import join

    return join(cluster, lambda line: echo(line, err=True))


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
