"""`graphspec tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.cli.candidates import spec_files, studies
from graphspec.cli.options import set_option
from graphspec.console.echo import echo
from graphspec.console.streams import outlive_output
from graphspec.diagnostics.escapes import json_text

if TYPE_CHECKING:
    from graphspec.spec import Spec
    from graphspec.tuning import Study, Trial


@click.command()
@click.argument("spec", metavar="[SPEC]", required=False, shell_complete=spec_files)
@set_option
@click.option("--trials", type=click.IntRange(min=1), help="The total number of trials.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), help="Start no further trial after this many seconds."
)
@click.option(
    "--study-dir",
    type=click.Path(path_type=Path),
    help="Write the study to this new or empty folder.  [default: studies/<name>/<time>-<id>]",
)
@click.option(
    "--storage",
    metavar="STORAGE",
    default="",
    help="Keep the trials where other machines reach them: `journal` (a file in the study), `journal:PATH`, or the URL "
    "of a database server, `postgresql://user@host/database`. Joins the study if it is there.  [default: study.db, "
    "for the processes of one machine]",
)
@click.option("--study-name", default="", help="The name of the study in the storage.  [default: that of the spec]")
@click.option(
    "--resume",
    metavar="STUDY",
    shell_complete=studies,
    help="Resume a study that was stopped or killed, or join one that runs, instead of tuning a SPEC.",
)
@click.option("--quiet", is_flag=True, help="Show no progress; print only the path of the study.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the study and all its trials.")
def tune(
    spec: str | None,
    overrides: tuple[str, ...],
    trials: int | None,
    timeout: float | None,
    study_dir: Path | None,
    storage: str,
    study_name: str,
    resume: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Search for the best values of the hyperparameters in a spec's `search`, and write the spec with them.

    Each trial is a run, trained with the seed of the spec; trials with poor results are stopped early. Ctrl-C and
    SIGTERM stop a study and write a checkpoint of its trial. --resume continues from there, or after a kill, to the
    same results as without the interruption. Several processes share a study: each trial is trained by one of them.

    \b
    graphspec tune specs/wine.yaml
    graphspec tune specs/wine.yaml --trials 50 --set training.epochs=20
    graphspec tune --resume studies/wine --trials 100
    graphspec tune specs/wine.yaml --storage postgresql://me@db/studies
    """
    if (spec is None) == (resume is None):
        raise click.UsageError("pass either a SPEC to tune, or --resume STUDY")
    if resume is not None and (overrides or study_dir is not None or study_name):
        raise click.UsageError(
            "--resume continues a study unchanged in its folder, so it excludes --set, --study-dir and --study-name"
        )
    if study_name and not storage:
        raise click.UsageError("--study-name names a study in a --storage")
    outlive_output()
    from graphspec.tuning import Study
    from graphspec.tuning import tune as tune_spec

    study = tune_spec(
        Study.at(resume) if resume is not None else _checked(str(spec), overrides),
        trials=trials,
        timeout=timeout,
        study_dir=study_dir,
        storage=storage,
        study_name=study_name,
        progress=not quiet and not as_json,
    )
    if as_json:
        click.echo(json_text(_as_json(study)))
    elif quiet:
        echo(study.path)
    else:
        from graphspec.console.shell import command_line, path_word

        best = study.best
        echo(
            f"The best of {len(study.trials)} trials has {study.monitor} {best.value:.4g}; its run is in {_place(best)}"
        )
        echo(f"Next: {command_line('train', path_word(study.best_spec))}")


def _checked(spec: str, overrides: tuple[str, ...]) -> Spec:
    """Load the spec and check its data files and the bounds of its search. Raises SpecError."""
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
    fields = {key: record[key] for key in ("name", "status", "monitor", "direction")}
    trials = study.trials
    return {
        "study": str(study.path),
        **fields,
        "best": study.best.number,
        "best_spec": str(study.best_spec),
        "trials": [_trial_as_json(trial) for trial in trials],
    }


def _place(trial: Trial) -> str:
    return str(trial.run) if trial.is_here else f"{trial.run} on {trial.host}"


def _trial_as_json(trial: Trial) -> dict[str, object]:
    return {**vars(trial), "run": str(trial.run)}
