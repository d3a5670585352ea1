"""`graphspec validate`."""

from __future__ import annotations

import gc
import sys

import click

from graphspec.cli.options import set_option
from graphspec.diagnostics import Report
from graphspec.report.full import render
from graphspec.spec import inspect
from graphspec.validation import find_specs


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@set_option
def validate(paths: tuple[str, ...], overrides: tuple[str, ...]) -> None:
    """Check spec files, or every spec below a folder, without TensorFlow.

    Shows every finding with its place, the line, what was expected and how to mend it.
    `-` reads a spec from standard input.

    \b
    graphspec validate specs/
    graphspec validate spec.yaml --set training.epochs=3
    cat spec.yaml | graphspec validate -
    """
    gc.set_threshold(100_000)  # trees of many small values: looking through them after every 700 is a fifth of the time
    report, count = Report(), 0
    for path in find_specs(paths, report):
        report.extend(inspect(path, overrides, data=True)[1].found)
        count += 1
    if len(report):
        click.echo(render(report))
        sys.exit(1)
    click.echo(f"{count} {'spec is' if count == 1 else 'specs are'} valid.")
