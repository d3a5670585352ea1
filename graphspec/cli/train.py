"""`graphspec train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.cli.candidates import run_folders, spec_files
from graphspec.cli.options import checkpoint_option, quiet_option, resume_option, run_dir_option, set_option
from graphspec.console.echo import echo
from graphspec.console.streams import outlive_output

if TYPE_CHECKING:
    from graphspec.runs.run import Run


@click.command()
@click.argument("spec", metavar="[SPEC]", required=False, shell_complete=spec_files)
@set_option
@run_dir_option
@resume_option
@click.option(
    "--from",
    "from_run",
    metavar="RUN",
    shell_complete=run_folders,
    help="Start from the weights of a run, as far as they carry over to this spec (see `graphspec diff`).",
)
@checkpoint_option
@click.option(
    "--find-learning-rate",
    is_flag=True,
    help="Test learning rates before the training, print the one to try, and keep the curve for the report.",
)
@quiet_option
def train(
    spec: str | None,
    overrides: tuple[str, ...],
    run_dir: Path | None,
    resume: str | None,
    from_run: str | None,
    checkpoint: str | None,
    find_learning_rate: bool,
    quiet: bool,
) -> None:
    """Train the model of a spec on its data, into a run directory.

    Spec and data are checked before TensorFlow is loaded. Ctrl-C and SIGTERM stop a training between two steps and
    write a checkpoint; a killed training keeps its last one. --resume continues from there, to the same result as
    without the interruption. With --resume, --set training.epochs=N trains for more epochs than the spec says.
    --from starts a new run from the weights of another one: of layers with the same name, or that were renamed, and of
    the same shape. What carries over and what does not is printed, and kept with the run. --find-learning-rate takes
    some steps at growing learning rates first, and then trains as without it.

    \b
    graphspec train specs/same_digit.yaml
    graphspec train specs/wine.yaml --set training.epochs=5 --run-dir runs/short
    graphspec train --resume runs/same_digit
    graphspec train wider.yaml --from runs/wine --checkpoint best
    """
    if (spec is None) == (resume is None):
        raise click.UsageError("pass either a SPEC to train, or --resume RUN")
    if from_run is None and checkpoint is not None:
        raise click.UsageError("--checkpoint selects the model of the run that --from names")
    outlive_output()
    if resume is not None:
        if run_dir is not None:
            raise click.UsageError("--resume writes to the run itself, so it excludes --run-dir")
        if from_run is not None:
            raise click.UsageError("--resume continues with the weights of the run itself, so it excludes --from")
        if find_learning_rate:
            raise click.UsageError("--find-learning-rate tests before the first step, so it excludes --resume")
        run = _resume(resume, epochs_of(overrides), quiet)
    else:
        start = from_run, checkpoint or "last"
        run = _train(str(spec), overrides, run_dir, quiet, start=start, tests_learning_rates=find_learning_rate)
    if run is None:
        return
    if quiet:
        echo(run.path)
        return
    from graphspec.console.metrics import echo_metrics
    from graphspec.console.shell import command_line, path_word

    loaded = run.spec
    echo_metrics(run.record.get("metrics", {}), list(loaded.graph.outputs), f"trained {loaded.name}")
    echo(f"The run is in {run.path}")
    if loaded.data is not None and loaded.data.test is not None:
        echo(f"Next: {command_line('evaluate', path_word(run.path))}")


def _train(
    spec: str,
    overrides: tuple[str, ...],
    run_dir: Path | None,
    quiet: bool,
    *,
    start: tuple[str | None, str],
    tests_learning_rates: bool,
) -> Run | None:
    """Train, and return the run; None for a worker that does not write it."""
    from graphspec.api import train as train_spec
    from graphspec.diagnostics import SpecError
    from graphspec.diagnostics.render import render
    from graphspec.distribution.cluster import is_follower
    from graphspec.spec import inspect

    loaded, report = inspect(spec, overrides, data=True)
    if loaded is None:
        raise SpecError(report)
    if report.warnings and not is_follower(loaded):  # they are the same on all workers
        click.echo(render(report), err=True)
    from_run, checkpoint = start
    run = train_spec(
        loaded,
        run_dir=run_dir,
        from_run=from_run,
        checkpoint=checkpoint,
        progress=not quiet,
        find_learning_rate=tests_learning_rates,
    )
    return run if not is_follower(loaded) else None


def _resume(run: str, epochs: int | None, quiet: bool) -> Run | None:
    """Resume, and return the run; None for a worker that does not write it."""
    from graphspec.api import resume
    from graphspec.distribution.cluster import is_follower
    from graphspec.runs.run import Run

    stopped = Run.at(run)
    follows = is_follower(stopped.spec)
    has_ended = epochs is None and stopped.to_resume(check_free=not follows) is None
    resumed = resume(stopped, epochs=epochs, progress=not quiet)
    if follows:
        return None
    if has_ended:
        echo(f"{stopped.path} is complete; train it for more epochs with --set training.epochs=N", err=True)
    return resumed


def epochs_of(overrides: tuple[str, ...]) -> int | None:
    """Return the total number of epochs to train; any other override would make it another training."""
    epochs = None
    for each in overrides:
        key, _, value = each.partition("=")
        if key != "training.epochs" or not value.isdecimal() or int(value) < 1:
            raise click.UsageError(
                f"with --resume, --set takes only training.epochs=N, not {each}; for another training start a new run, "
                "if need be from the weights of this one, with `training: initial_weights:`"
            )
        epochs = int(value)
    return epochs
