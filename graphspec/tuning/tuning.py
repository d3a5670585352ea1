"""`tune`: begin the study of a spec with a `search`, or resume one that was stopped or killed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec import run_directory
from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import BAD_SEARCH, UNKNOWN_MONITOR
from graphspec.extras import check_tensorflow, require_tensorflow
from graphspec.language.search_space import SearchSpace
from graphspec.run_directory.lock import command
from graphspec.run_directory.spec_hash import KEY, incomparable_warning, is_comparable, spec_record
from graphspec.run_directory.spec_values import study_values_of
from graphspec.spec import Spec, load
from graphspec.training.training_lock import STUDY, exclusive
from graphspec.tuning import folder as study_folder
from graphspec.tuning.study import Study, require_optuna

if TYPE_CHECKING:
    from graphspec.tuning.storage import Storage


def tune(
    spec: Spec | Path | str | Study,
    *,
    overrides: Iterable[str] = (),
    trials: int | None = None,
    timeout: float | None = None,
    study_dir: Path | str | None = None,
    storage: str = "",
    study_name: str = "",
    progress: bool = False,
) -> Study:
    """Search for the best values of the parameters in `search` of a spec.

    Several processes may work on one study: those that resume its folder, and those that name its storage. SIGINT and
    SIGTERM end a study with KeyboardInterrupt and SystemExit; it can be resumed, as after any kill.

    Args:
        spec: A spec, or a study to resume in its folder.
        overrides: Values that replace those of the spec, each `path=value`.
        trials: Number of trials in all, instead of the spec's.
        timeout: Seconds of training in all, instead of the spec's.
        study_dir: New or empty folder of the study, by default `studies/<name>/<time>-<id>`.
        storage: Where the trials are kept: by default SQLite in the folder; `journal` for a journal there,
            `journal:PATH` for one elsewhere, or the URL of a database server. A study that it holds already is joined.
        study_name: Name of the study in the storage, by default that of the spec.
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
        if study_dir is not None or list(overrides) or study_name:
            raise ValueError("a study is resumed in its own folder, under its own name, without overrides")
        spec = replace(spec, address=storage) if storage else spec
        return _resume(spec, budget, progress=progress)
    loaded = spec if isinstance(spec, Spec) else load(spec, overrides)
    if isinstance(spec, Spec) and list(overrides):
        raise ValueError("overrides are applied when a spec is loaded: graphspec.load(path, overrides)")
    folder = Path(study_dir) if study_dir is not None else None
    study_folder.check_study_dir(loaded, folder)
    with exclusive(STUDY):
        shared = _reachable(storage)
        record = _record(loaded)
        record["name"] = study_name or record["name"]
        if shared is not None:
            _agree(shared, record)
        study = Study(study_folder.create(loaded.name, folder), storage)
        from graphspec.tuning.storage import Storage

        record["storage"] = Storage.of(study.path, storage).recorded
        with run_directory.hold(study.path, study_folder.KEPT, shared=True):
            study_folder.write_spec(study.path, loaded)
            record[KEY] = spec_record(study_values_of(study.spec))
            run_directory.write_json(study.path / study_folder.RECORD, record)
            return _tune(study, budget, progress=progress, is_resumed=False)


def _resume(study: Study, budget: list[str], *, progress: bool) -> Study:
    study.check()
    require_tensorflow()
    with exclusive(STUDY), run_directory.hold(study.path, study_folder.KEPT, shared=True):
        record = study.record
        known = (record.get("folder"), record.get("storage", ""))
        record["folder"], record["storage"] = known[0] or secrets.token_hex(8), study.storage.recorded
        if known != (record["folder"], record["storage"]):
            run_directory.write_json(study.path / study_folder.RECORD, record)
        return _tune(study, budget, progress=progress, is_resumed=True)


def _reachable(storage: str) -> Storage | None:
    """Return the storage outside of the folder of a study, None if there is none. Raises SpecError if it is no use."""
    from graphspec.tuning.storage import Storage, opened

    shared = Storage.of(Path(), storage)
    if shared.path is not None and shared.path.parent == Path():
        return None
    with opened(shared, to_write=True):
        return shared


def _agree(storage: Storage, record: dict[str, Any]) -> None:
    """Raise SpecError if the storage holds another study of that name."""
    from graphspec.tuning.agreement import agree
    from graphspec.tuning.leases import study_name
    from graphspec.tuning.storage import opened, study_in

    with opened(storage, to_write=True) as backend:
        trials = study_in(backend, storage, record["name"], record["direction"])
        agree(study_in(backend, storage, study_name(record["name"]), "minimize"), trials, storage, record["terms"])


def _tune(study: Study, budget: list[str], *, progress: bool, is_resumed: bool) -> Study:
    """Run trials of the study, beside other workers, until all have ended."""
    from graphspec.console.reporter import Reporter
    from graphspec.datasets.samples import read_training_data
    from graphspec.tuning.agreement import agree, check_files
    from graphspec.tuning.leases import Leases
    from graphspec.tuning.optuna_study import make_pruner
    from graphspec.tuning.storage import opened, study_in
    from graphspec.tuning.trials import read_trials
    from graphspec.tuning.tuner import Tuner
    from graphspec.tuning.worker import Worker

    reporter = Reporter.on_stderr(quiet=not progress)
    reporter.keep_in(run_directory.LogFile(study.path / run_directory.LOG))
    if not is_comparable(study.record):
        reporter.warn(incomparable_warning(study.path))
    spec, record, storage = study.spec, study.record, study.storage
    assert spec.search is not None
    worker = Worker.here(study.path, record["folder"])
    with opened(storage, to_write=True) as backend, worker.registered():
        optuna_study = study_in(backend, storage, record["name"], record["direction"], pruner=make_pruner(spec.search))
        folder = study.path / study_folder.TRIALS
        runs = study_folder.runs_in(folder)  # before the trials, which other workers begin meanwhile
        known = {each.run.name for each in read_trials(storage, optuna_study, spec.search, record["folder"])}
        if lost := [name for name in runs if name not in known]:
            reason = f"it holds {len(known)} trials, but not `{min(lost)}`, which has a run"
            raise (
                run_directory.damaged(storage.path, reason)
                if storage.is_sqlite and storage.path is not None
                else storage.failed(reason)
            )
        leases = Leases(backend, storage, record["name"], worker)
        if record.get("terms"):  # not in studies of older versions
            agree(leases.study, optuna_study, storage, record["terms"])
        others = [each.worker for each in leases.current().values() if each.is_open and leases.is_alive(each)]
        if known or others:
            names = f"; {len(others)} of them are trained by other workers now" if others else ""
            reporter.info(f"{worker} joins a study of {len(known)} trials in {storage}{names}")
        if budget:
            spec = study_folder.write_with_overrides(study.path, budget, study_folder.SPEC)

        def check() -> None:
            if is_resumed and record.get("terms"):
                check_files(record["terms"], study.spec, read_training_data(study.spec))

        Tuner(study, spec, reporter, optuna_study, leases=leases, check_data=check).run()
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
    data = read_training_data(spec)
    assert spec.model.training is not None
    require_tensorflow()
    from graphspec.tuning.optuna_study import make_pruner, make_sampler

    make_sampler(spec.search, spec.model.training.seed, 0)
    make_pruner(spec.search)
    monitor, direction = _monitor(spec, spec.search)
    from graphspec.tuning.agreement import terms_of

    return {
        "status": "running",
        "name": spec.name,
        "spec": str(spec.path),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "monitor": monitor,
        "direction": direction,
        "command": command(),
        "folder": secrets.token_hex(8),
        "terms": terms_of(spec, monitor, direction, data),
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
