"""`graphspec train`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from graphspec.cli.options import set_option


@click.command()
@click.argument("spec", metavar="SPEC")
@set_option
@click.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    help="Write the run here; the folder must be new or empty.  [default: runs/<name>/<time>-<id>]",
)
@click.option("--quiet", is_flag=True, help="Show no progress; print only where the run lies.")
def train(spec: str, overrides: tuple[str, ...], run_dir: Path | None, quiet: bool) -> None:
    """Train a spec's model on the data it names, into a run directory.

    Spec and data are checked before TensorFlow is loaded. Ctrl-C ends a run with the model and history as they stand.

    \b
    graphspec train specs/same_digit.yaml
    graphspec train specs/wine.yaml --set training.epochs=5 --run-dir runs/short
    """
    from graphspec.api import train as train_spec
    from graphspec.cli.results import show
    from graphspec.diagnostics import SpecError
    from graphspec.report.full import render
    from graphspec.spec import inspect

    loaded, report = inspect(spec, overrides, data=True)
    if loaded is None:
        raise SpecError(report)
    if report.warnings:
        click.echo(render(report), err=True)
    try:
        run = train_spec(loaded, run_dir=run_dir, progress=not quiet)
    except KeyboardInterrupt:
        click.echo("stopped; the run keeps the model and the history as they stand", err=True)
        sys.exit(130)
    if quiet:
        click.echo(run.path)
        return
    show(run.record.get("metrics", {}), list(loaded.graph.outputs), f"trained {loaded.name}")
    click.echo(f"The run lies in {run.path}")
    if loaded.data is not None and loaded.data.test is not None:
        click.echo(f"Next: graphspec evaluate {run.path}")
