"""`tune`: begin the study of a spec with a `search`, or resume one that was stopped or killed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graphspec import run_directory
from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import BAD_SEARCH, UNKNOWN_MONITOR
from graphspec.extras import check_tensorflow, require_tensorflow
from graphspec.language.search_space import SearchSpace
from graphspec.run_directory.lock import command
from graphspec.run_directory.spec_hash import KEY, incomparable_warning, is_comparable, spec_record
from graphspec.run_directory.spec_values import study_values_of
from graphspec.spec import Spec, load
from graphspec.training.exclusive import STUDY, exclusive
from graphspec.tuning import folder as study_folder
from graphspec.tuning.study import Study, require_optuna


def tune(
    spec: Spec | Path | str | Study,
    *,
    overrides: Iterable[str] = (),
    trials: int | None = None,
    timeout: float | None = None,
    study_dir: Path | str | None = None,
    progress: bool = False,
) -> Study:
    """Search for the best values of the parameters in `search` of a spec.

    SIGINT and SIGTERM end a study with KeyboardInterrupt and SystemExit; it can be resumed, as after any kill.

    Args:
        spec: A spec, or a study to resume in its folder.
        overrides: Values that replace those of the spec, each `path=value`.
        trials: Number of trials in all, instead of the spec's.
        timeout: Seconds of training in all, instead of the spec's.
        study_dir: New or empty folder of the study, by default `studies/<name>/<time>-<id>`.
        progress: Report progress on standard error.

    Returns:
        The study with all its trials.

    Raises:
        SpecError: Spec, data or search are invalid, or every trial failed.
    """
    check_tensorflow()
    require_optuna()
    budget = [f"search.{key}={value}" for key, value in (("trials", trials), ("timeout", timeout)) if value is not None]
    if isinstance(spec, Study):
        if study_dir is not None or list(overrides):
            raise ValueError("a study is resumed in its own folder, without overrides")
        return _resume(spec, budget, progress=progress)
    loaded = spec if isinstance(spec, Spec) else load(spec, overrides)
    if isinstance(spec, Spec) and list(overrides):
        raise ValueError("overrides are applied when a spec is loaded: graphspec.load(path, overrides)")
    folder = Path(study_dir) if study_dir is not None else None
    study_folder.check_study_dir(loaded, folder)
    with exclusive(STUDY):
        record = _record(loaded)
        study = Study(study_folder.create(loaded.name, folder))
        with run_directory.hold(study.path, study_folder.KEPT):
            study_folder.write_spec(study.path, loaded)
            record[KEY] = spec_record(study_values_of(study.spec))
            run_directory.write_json(study.path / study_folder.RECORD, record)
            return _tune(study, budget, progress=progress)


def _resume(study: Study, budget: list[str], *, progress: bool) -> Study:
    study.check()
    require_tensorflow()
    with exclusive(STUDY), run_directory.hold(study.path, study_folder.KEPT):
        return _tune(study, budget, progress=progress)


def _tune(study: Study, budget: list[str], *, progress: bool) -> Study:
    """Run trials of the study, locked by this process, until its budget is spent."""
    from graphspec.console.reporter import Reporter
    from graphspec.tuning.optuna_study import make_pruner, open_study
    from graphspec.tuning.trials import read_trials
    from graphspec.tuning.tuner import Tuner

    reporter = Reporter.on_stderr(quiet=not progress)
    reporter.keep_in(run_directory.LogFile(study.path / run_directory.LOG))
    if not is_comparable(study.record):
        reporter.warn(incomparable_warning(study.path))
    spec = study_folder.write_with_overrides(study.path, budget, study_folder.SPEC) if budget else study.spec
    assert spec.search is not None
    record = study.record
    with open_study(study.path, record["name"], record["direction"], make_pruner(spec.search)) as optuna_study:
        known = {each.run.name for each in read_trials(study.path, optuna_study, spec.search)}
        folder = study.path / study_folder.TRIALS
        if lost := [each.name for each in (folder.iterdir() if folder.is_dir() else []) if each.name not in known]:
            raise run_directory.damaged(
                study.path / study_folder.DATABASE,
                f"it holds {len(known)} trials, but not `{min(lost)}`, which has a run",
            )
        Tuner(study, spec, reporter, optuna_study).run()
    return study


def _record(spec: Spec) -> dict[str, Any]:
    """Return the initial content of `study.json`. Raises SpecError if `spec` cannot be tuned."""
    from graphspec.datasets.samples import read_training_data

    if spec.search is None:
        raise SpecError.of(
            BAD_SEARCH,
            f"{spec.path} has no `search`, so there is nothing to tune",
            help="add `search:` with `parameters`, each the path of a value and the values to try",
        )
    read_training_data(spec)
    assert spec.model.training is not None
    require_tensorflow()
    from graphspec.tuning.optuna_study import make_pruner, make_sampler

    make_sampler(spec.search, spec.model.training.seed, 0)
    make_pruner(spec.search)
    monitor, direction = _monitor(spec, spec.search)
    return {
        "status": "running",
        "name": spec.name,
        "spec": str(spec.path),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "monitor": monitor,
        "direction": direction,
        "command": command(),
    }


def _monitor(spec: Spec, space: SearchSpace) -> tuple[str, str]:
    """Return the metric that trials are compared by, and its direction."""
    from graphspec.checks.monitors import unknown_monitor
    from graphspec.diagnostics import Report
    from graphspec.to_keras import build_model
    from graphspec.training.monitors import reported

    validates = spec.data is not None and (spec.data.validation is not None or spec.data.held_out > 0)
    monitor = space.monitor or ("val_loss" if validates else "loss")
    if spec.graph.plugins:
        build_model(spec, weightless=True)  # imports the plugins
    modes = reported(spec, validates=validates)
    if monitor not in modes:
        finding = unknown_monitor("search", monitor, space.monitor_span, reported=modes, validates=validates)
        raise SpecError(Report([finding]))
    if modes[monitor] is None:
        raise _no_direction(monitor, space.monitor_span)
    return monitor, "maximize" if modes[monitor] == "max" else "minimize"


def _no_direction(monitor: str, span: Span) -> SpecError:
    return SpecError.of(
        UNKNOWN_MONITOR,
        f"it is unknown whether `{monitor}` should be minimized or maximized",
        span,
        expected="a loss, or a metric of Keras that has a direction",
        help="search by the loss of the output, `val_loss` or `val_<output>_loss`",
    )
