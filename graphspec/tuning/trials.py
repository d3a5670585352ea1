"""The trials of a study: read from optuna's database, and written to `trials.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from graphspec.diagnostics.escapes import heading, spreadsheet_cell
from graphspec.language.document.write_yaml import write_value
from graphspec.language.search_space import Choices, SearchSpace
from graphspec.run_directory import damaged, write_text
from graphspec.spec import Spec
from graphspec.tuning.folder import DATABASE, TABLE, TRIALS
from graphspec.tuning.optuna_study import open_study, optuna_errors
from graphspec.tuning.trial import COMPLETE, FAILED, PRUNED, RUNNING, Trial

RUN, EPOCHS, SECONDS, REASON = "run", "epochs", "seconds", "reason"
"""User attributes of a trial in optuna. One without `RUN` was killed while its values were chosen."""

_STATES = {TrialState.COMPLETE: COMPLETE, TrialState.PRUNED: PRUNED, TrialState.FAIL: FAILED}


def load_trials(folder: Path, name: str, spec: Spec) -> list[Trial]:
    """Return every trial of the study in `folder`, in order. Raises SpecError if it cannot be read."""
    assert spec.search is not None
    with open_study(folder, name) as study:
        return read_trials(folder, study, spec.search)


def read_trials(folder: Path, study: optuna.Study, space: SearchSpace) -> list[Trial]:
    """Return every trial of an open `study` in `folder`, in order. Raises SpecError if it cannot be read."""
    with optuna_errors(folder):
        is_minimized = study.direction == optuna.study.StudyDirection.MINIMIZE
        begun = [each for each in study.get_trials(deepcopy=False) if RUN in each.user_attrs]
    try:
        return [_trial(folder, each, space, min if is_minimized else max) for each in begun]
    except (TypeError, ValueError) as error:
        raise damaged(folder / DATABASE, f"it holds a trial that graphspec did not write: {error}") from None


def trial_values(params: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    """Return the values of optuna's `params`, by path; optuna stores choices as text."""
    values = {}
    for parameter in space.parameters:
        if parameter.path in params:
            value = params[parameter.path]
            if isinstance(parameter.values, Choices):
                value = next((each for each in parameter.values.values if write_value(each) == value), value)
            values[parameter.path] = value
    return values


def write_table(folder: Path, trials: list[Trial], monitor: str) -> None:
    """Write `trials.csv`, one row a trial. Raises SpecError if it cannot be written."""
    paths = list(dict.fromkeys(path for trial in trials for path in trial.values))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(map(heading, ["number", "state", monitor, "epoch", "epochs", *paths, "seconds", "run", "reason"]))
    for trial in trials:
        values = [spreadsheet_cell(write_value(trial.values[path])) if path in trial.values else "" for path in paths]
        run = trial.run.relative_to(folder).as_posix()
        head = [trial.number, trial.state, trial.value, trial.epoch, trial.epochs]
        writer.writerow([*head, *values, trial.seconds, run, spreadsheet_cell(trial.reason)])
    write_text(folder / TABLE, table.getvalue())


def _trial(folder: Path, trial: FrozenTrial, space: SearchSpace, better: Any) -> Trial:
    reported = trial.intermediate_values
    epoch = better(reported, key=lambda step: (reported[step], step if better is min else -step)) if reported else None
    state = _STATES.get(trial.state, RUNNING)
    return Trial(
        number=int(trial.user_attrs[RUN]),
        state=state,
        values=trial_values(trial.params, space),
        value=reported[epoch] if epoch is not None and state != FAILED else None,
        epoch=epoch,
        epochs=int(trial.user_attrs.get(EPOCHS, len(reported))),
        seconds=float(trial.user_attrs.get(SECONDS, 0.0)),
        run=folder / TRIALS / str(trial.user_attrs[RUN]),
        reason=str(trial.user_attrs.get(REASON, "")),
    )
