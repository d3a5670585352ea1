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
from graphspec.diagnostics.suggest import first_line
from graphspec.language.document.write_yaml import write_value
from graphspec.language.search_space import Choices, SearchSpace
from graphspec.run_directory import damaged, write_text
from graphspec.spec import Spec
from graphspec.tuning.folder import TABLE, TRIALS
from graphspec.tuning.storage import Storage, open_study, storage_errors
from graphspec.tuning.trial import COMPLETE, FAILED, PRUNED, RUNNING, Trial

RUN, EPOCHS, SECONDS, REASON = "run", "epochs", "seconds", "reason"
SLOT, PLACE, PRUNED_AT = "slot", "place", "pruned_at"
"""User attributes of a trial in optuna. One without `RUN` was killed while its values were chosen for its `SLOT`."""

_STATES = {TrialState.COMPLETE: COMPLETE, TrialState.PRUNED: PRUNED, TrialState.FAIL: FAILED}


def load_trials(storage: Storage, record: Mapping[str, Any], spec: Spec) -> list[Trial]:
    """Return every trial of a study, in order.

    Args:
        storage: Where it is kept.
        record: The content of `study.json`.
        spec: Its spec.

    Raises:
        SpecError: It cannot be read.
    """
    assert spec.search is not None
    with open_study(storage, record["name"]) as study:
        return read_trials(storage, study, spec.search, record.get("folder", ""))


def read_trials(storage: Storage, study: optuna.Study, space: SearchSpace, here: str) -> list[Trial]:
    """Return every trial of an open study, in order of their numbers.

    Args:
        storage: Its storage.
        study: The study.
        space: Its search.
        here: The ID of its folder, in which the runs of trials lie unless another worker has trained them elsewhere.

    Raises:
        SpecError: The study cannot be read.
    """
    with storage_errors(storage):
        is_minimized = study.direction == optuna.study.StudyDirection.MINIMIZE
        begun = [each for each in study.get_trials(deepcopy=False) if RUN in each.user_attrs]
    try:
        trials = [_trial(storage.folder, each, space, min if is_minimized else max, here=here) for each in begun]
    except (TypeError, ValueError, KeyError) as error:
        reason = f"it holds a trial that graphspec did not write: {first_line(error)}"
        raise damaged(storage.path, reason) if storage.is_sqlite and storage.path else storage.failed(reason) from None
    found: dict[int, Trial] = {}
    for trial in trials:
        if found.setdefault(trial.number, trial).state == RUNNING:  # another of that number, of a dead worker
            found[trial.number] = trial
    return [found[number] for number in sorted(found)]


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
        run = trial.run.relative_to(folder).as_posix() if trial.is_here else f"{trial.host}:{trial.run.as_posix()}"
        head = [trial.number, trial.state, trial.value, trial.epoch, trial.epochs]
        writer.writerow([*head, *values, trial.seconds, spreadsheet_cell(run), spreadsheet_cell(trial.reason)])
    write_text(folder / TABLE, table.getvalue())


def run_name(number: int) -> str:
    """Return the name of the run of a trial."""
    return f"{number:04}"


def _trial(folder: Path, trial: FrozenTrial, space: SearchSpace, better: Any, *, here: str) -> Trial:
    number = int(trial.user_attrs[RUN])
    place = trial.user_attrs.get(PLACE)
    elsewhere = place if isinstance(place, dict) and place["folder"] != here else None
    reported = trial.intermediate_values
    epoch = better(reported, key=lambda step: (reported[step], step if better is min else -step)) if reported else None
    state = _STATES.get(trial.state, RUNNING)
    return Trial(
        number=number,
        state=state,
        values=trial_values(trial.params, space),
        value=reported[epoch] if epoch is not None and state != FAILED else None,
        epoch=epoch,
        epochs=int(trial.user_attrs.get(EPOCHS, len(reported))),
        seconds=float(trial.user_attrs.get(SECONDS, 0.0)),
        run=(folder if elsewhere is None else Path(str(elsewhere["path"]))) / TRIALS / run_name(number),
        reason=str(trial.user_attrs.get(REASON, "")),
        host="" if elsewhere is None else str(elsewhere["host"]),
    )
