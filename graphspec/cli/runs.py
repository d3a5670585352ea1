"""`graphspec runs`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphspec.cli.candidates import run_folders
from graphspec.console.echo import echo
from graphspec.diagnostics.escapes import json_text

if TYPE_CHECKING:
    from graphspec.runs.overview import Overview, RunDifference

COMPARE = "compare"


@click.command()
@click.argument("words", metavar="[DIR] | compare A B", nargs=-1, shell_complete=run_folders)
@click.option(
    "--sort", metavar="METRIC", help="Sort by this metric, such as val_loss, lowest first.  [default: newest first]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per run, or one with all differences.")
def runs(words: tuple[str, ...], sort: str | None, as_json: bool) -> None:
    """List the runs below DIR with their status, or compare two runs.

    Two runs are compared by the values of their specs, by versions, by data files and by metrics; for a folder of runs
    its newest run is used. `graphspec train --resume RUN` resumes a run that is `killed` or `stopped`.

    \b
    graphspec runs
    graphspec runs runs/wine --sort val_loss
    graphspec runs compare runs/wine/first runs/wine/second
    """
    if words[:1] == (COMPARE,):
        if len(words) != 3:
            raise click.UsageError("`compare` needs two runs: graphspec runs compare A B")
        _compare(words[1], words[2], as_json)
    elif len(words) > 1:
        raise click.UsageError("pass one folder of runs, or `compare` and two runs")
    else:
        _list(Path(words[0]) if words else None, sort, as_json)


def _list(folder: Path | None, sort: str | None, as_json: bool) -> None:
    from graphspec.run_directory import RUNS
    from graphspec.runs.overview import overviews

    folder = folder or RUNS
    found = overviews(folder)
    if sort is not None:
        known = sorted({name for run in found for name in run.metrics})
        if found and sort not in known:
            raise click.UsageError(f"no run has a metric `{sort}`; the metrics are {', '.join(known) or 'none'}")
        found = sorted(found, key=lambda run: _sortable(run.metrics.get(sort)))
    if as_json:
        for run in found:
            click.echo(json_text(run.as_json()))
    elif not found:
        echo(f"There are no runs in {folder}.")
    else:
        _show(found, [sort] if sort is not None else [])
    for run in found:
        if run.fault:
            echo(f"warning: {run.fault}", err=True)


def _show(found: list[Overview], wanted: list[str]) -> None:
    from rich.table import Table

    from graphspec.console.cells import cell, column, table_console

    names = list(dict.fromkeys(["loss", "val_loss", *wanted]))
    names = [name for name in names if any(name in run.metrics for run in found)]
    starts = any(run.record.get("started_from") for run in found)
    more = ["from"] if starts else []
    titles = map(column, ["run", "status", "started", "epochs", "seconds", *names, "best", *more])
    table = Table(*titles, box=None, pad_edge=False)
    for run in found:
        record = run.record
        best = record.get("best") or {}
        cells = [
            str(run.path),
            run.status,
            str(record.get("started", ""))[:16].replace("T", " "),
            str(record.get("epochs", "")),
            f"{record['seconds']:.1f}" if "seconds" in record else "",
            *(_number(run.metrics.get(name)) for name in names),
            f"{best['monitor']} {_number(best['value'])} at epoch {best['epoch'] + 1}" if best else "",
            *([_started_from(run)] if starts else []),
        ]
        table.add_row(*map(cell, cells))
    table_console().print(table)


def _started_from(run: Overview) -> str:
    """Return the run whose weights a training started from, as seen from here."""
    start = run.record.get("started_from")
    return os.path.normpath(run.path / start["run"]) if start else ""


def _compare(first: str, second: str, as_json: bool) -> None:
    from rich.table import Table

    from graphspec.console.cells import cell, column, table_console
    from graphspec.run_directory import newest
    from graphspec.runs.overview import compare

    paths = [newest(Path(each)) for each in (first, second)]
    comparison = compare(*paths)
    if as_json:
        click.echo(json_text(comparison.as_json()))
        return
    console = table_console()
    for title, found in vars(comparison).items():
        if not found:
            echo(f"{title}: the same")
            continue
        table = Table(title, *map(column, paths), box=None, pad_edge=False)
        for each in found:
            table.add_row(*map(cell, (each.name, *_pair(each, title))))
        console.print(table)


def _pair(each: RunDifference, part: str) -> tuple[str, str]:
    if part == "metrics":
        return _number(each.first), _number(each.second)
    return _written(each.first), _written(each.second)


def _written(value: Any) -> str:
    """Return a value as a spec writes it, and a long text or hash by its beginning."""
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, int | float) else _written(value)


def _sortable(value: Any) -> tuple[bool, float]:
    return (True, 0.0) if not isinstance(value, int | float) else (False, float(value))
