"""`graphspec tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.cli.options import set_option
from graphspec.console.echo import echo
from graphspec.console.streams import outlive_output
from graphspec.diagnostics.escapes import json_text

if TYPE_CHECKING:
    from graphspec.spec import Spec
    from graphspec.tuning import Study, Trial


@click.command()
@click.argument("spec", metavar="SPEC", required=False)
@set_option
@click.option("--trials", type=click.IntRange(min=1), help="How many trials the study has in all.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), help="After so many seconds no further trial is begun."
)
@click.option(
    "--study-dir",
    type=click.Path(path_type=Path),
    help="Write the study here; the folder must be new or empty.  [default: studies/<name>/<time>-<id>]",
)
@click.option("--resume", metavar="STUDY", help="Go on with a study that was stopped or killed, instead of a SPEC.")
@click.option("--quiet", is_flag=True, help="Show no progress; print only where the study lies.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the study and all its trials.")
def tune(
    spec: str | None,
    overrides: tuple[str, ...],
    trials: int | None,
    timeout: float | None,
    study_dir: Path | None,
    resume: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Search the values that a spec's `search` names, and write the spec with the best of them.

    Each trial is a run, trained under the spec's own seed; trials that do badly are ended early. Ctrl-C and SIGTERM end
    a study with a checkpoint of its trial, and --resume goes on from there, or from any kill, to the same results.

    \b
    graphspec tune specs/wine.yaml
    graphspec tune specs/wine.yaml --trials 50 --set training.epochs=20
    graphspec tune --resume studies/wine --trials 100
    """
    if (spec is None) == (resume is None):
        raise click.UsageError("give a SPEC to search, or --resume STUDY to go on with a study")
    if resume is not None and (overrides or study_dir is not None):
        raise click.UsageError("a study is gone on with where it lies and as it was begun: no --set, no --study-dir")
    outlive_output()
    from graphspec.tuning import Study
    from graphspec.tuning import tune as tune_spec

    given = Study.at(resume) if resume is not None else _checked(str(spec), overrides)
    study = tune_spec(given, trials=trials, timeout=timeout, study_dir=study_dir, progress=not quiet and not as_json)
    if as_json:
        click.echo(json_text(_as_json(study)))
    elif quiet:
        echo(study.path)
    else:
        from graphspec.console.shell import command_line, path_word

        best = study.best
        echo(f"The best of {len(study.trials)} trials has {study.monitor} {best.value:.4g}; its run lies in {best.run}")
        echo(f"Next: {command_line('train', path_word(study.best_spec))}")


def _checked(spec: str, overrides: tuple[str, ...]) -> Spec:
    """The spec, with its data files and the edges of its search looked at."""
    from graphspec.diagnostics import SpecError
    from graphspec.diagnostics.render import render
    from graphspec.spec import inspect

    loaded, report = inspect(spec, overrides, data=True)
    if loaded is None:
        raise SpecError(report)
    if report.warnings:
        click.echo(render(report), err=True)
    return loaded


def _as_json(study: Study) -> dict[str, object]:
    record = study.record
    found = {key: record[key] for key in ("name", "status", "monitor", "direction")}
    trials = study.trials
    return {
        "study": str(study.path),
        **found,
        "best": study.best.number,
        "best_spec": str(study.best_spec),
        "trials": [_trial_as_json(trial) for trial in trials],
    }


def _trial_as_json(trial: Trial) -> dict[str, object]:
    return {**vars(trial), "run": str(trial.run)}
