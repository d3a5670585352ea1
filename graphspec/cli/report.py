"""`graphspec report`."""

from __future__ import annotations

from pathlib import Path

import click

from graphspec.cli.candidates import run_folders
from graphspec.console.echo import echo


@click.command()
@click.argument("run", metavar="RUN", shell_complete=run_folders)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Write the page here.  [default: report.html in the run]",
)
@click.option("--force", is_flag=True, help="Replace the file even if graphspec did not write it.")
def report(run: str, output: Path | None, force: bool) -> None:
    """Write an HTML page about a run: curves, predictions, the graph, the data, the spec and its provenance.

    RUN is a run directory, or a folder of runs (its newest run is used). The page needs no network. Runs that were
    stopped, failed or are still training have a page too.

    \b
    graphspec report runs/same_digit
    graphspec report runs/wine/first -o wine.html
    """
    from graphspec.runs.report import write_report
    from graphspec.runs.run import Run

    newest = Run.at(run)
    path = write_report(newest, output, force=force, on_stage=lambda stage: echo(f"{newest.path}: {stage}", err=True))
    echo(f"Wrote {path}")
