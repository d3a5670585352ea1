"""`Tuner`: runs trials of a study one after the other, beside other workers of the same study.

A study can be resumed after any interruption: the run of an unfinished trial resumes from its checkpoint with the same
result, and reports the same values for epochs that are repeated.
"""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import optuna
import tensorflow as tf
from optuna.trial import TrialState, create_trial

from graphspec.api import resume, train
from graphspec.console.reporter import Reporter
from graphspec.console.shell import command_line, path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import (
    BAD_RUN,
    BAD_SEARCH,
    BAD_STORAGE,
    CANNOT_WRITE,
    CHANGED_SPEC,
    MISSING_EXTRA,
    REFUSED_TRAINING,
)
from graphspec.diagnostics.suggest import first_line
from graphspec.files import cannot_write
from graphspec.language.document.write_yaml import write_value
from graphspec.run_directory import CHECKPOINTS, RECORD, Row, WatchedFolder, make_folder, write_json
from graphspec.run_directory.links import check_kept
from graphspec.runs.run import Run
from graphspec.signals import raised_once
from graphspec.spec import Spec, load
from graphspec.to_keras.keras_internals import released_models
from graphspec.training.checkpoints import checkpoint_steps
from graphspec.tuning import folder as study_folder
from graphspec.tuning.console import TrialProgress
from graphspec.tuning.lease_watch import LeaseWatch, replace_by_copy
from graphspec.tuning.leases import Held, Leases
from graphspec.tuning.optuna_study import make_sampler, suggest
from graphspec.tuning.storage import patiently, storage_errors
from graphspec.tuning.study import Study
from graphspec.tuning.trial import COMPLETE, FAILED, Trial, best_of
from graphspec.tuning.trial_queue import TrialQueue
from graphspec.tuning.trials import (
    EPOCHS,
    PLACE,
    PRUNED_AT,
    REASON,
    RUN,
    SECONDS,
    SLOT,
    read_trials,
    run_name,
    trial_values,
    write_table,
)

try:
    from optuna.exceptions import UpdateFinishedTrialError
except ImportError:  # optuna 3, which raises its base
    UpdateFinishedTrialError = RuntimeError  # type: ignore[assignment, misc]

_Result = TypeVar("_Result")

_FATAL = (CANNOT_WRITE, MISSING_EXTRA, BAD_RUN, CHANGED_SPEC, BAD_STORAGE)
"""The rules that end the study rather than a trial: they do not depend on the values of the trial."""

_EXHAUSTED = "exhausted"
"""The user attribute of a study in optuna whose sampler has no more values to try."""


class Tuner:
    """The loop over the trials that this worker trains.

    Args:
        study: The study, in whose folder this process is registered as a worker.
        spec: Its spec, with a search and a training.
        reporter: Where progress is written.
        optuna_study: The same study in optuna.
        leases: The leases of its trials.
        check_data: Called before the first trial; raises SpecError if the data is not that of the study.
    """

    def __init__(
        self,
        study: Study,
        spec: Spec,
        reporter: Reporter,
        optuna_study: optuna.Study,
        *,
        leases: Leases,
        check_data: Callable[[], None],
    ) -> None:
        assert spec.search is not None
        assert spec.model.training is not None
        self.folder = study.path
        self.storage = leases.storage
        self.watched = WatchedFolder(study.path, study_folder.KEPT)
        self.record = study.record
        self.spec = spec
        self.space = spec.search
        self.seed = spec.model.training.seed
        self.monitor = study.monitor
        self.reporter = reporter
        self.study = optuna_study
        self.study.stop = self._mark_exhausted  # type: ignore[method-assign]  # optuna refuses it outside of `optimize`
        self.leases = leases
        self.check_data = cache(check_data)
        self.queue = TrialQueue(
            folder=self.folder,
            space=self.space,
            leases=leases,
            read=self.trials,
            is_exhausted=self._is_exhausted,
            reporter=reporter,
        )
        paths = [each.path for each in self.space.parameters]
        self.console = TrialProgress(reporter, self.monitor, paths, self.space.trials)

    def run(self) -> None:
        """Run trials until all have ended. Raises SpecError if every trial failed, or none can begin."""
        recorded = self.storage.recorded
        storage = ("--storage", recorded) if recorded not in ("", "journal") else ()
        resume = command_line("tune", "--resume", path_word(self.folder), *storage)
        with raised_once():  # trainings handle signals themselves
            try:
                with _no_retracing_warnings(), self.console:
                    self._write("running")
                    self._discard_unclaimed()
                    while (held := self.queue.next()) is not None:
                        with self.leases.released(held):
                            self.check_data()
                            self._run(held, self._patiently(lambda: self._unfinished(held) or self._begin(held)))
                    self._write("finished")
            except (KeyboardInterrupt, SystemExit):
                self._conclude("stopped")
                self.reporter.conclude(f"the study was stopped; resume it with: {resume}")
                raise
            except SpecError:
                with suppress(SpecError):
                    self._conclude("failed")
                if not self.watched.is_lost:
                    self.reporter.conclude(f"the study failed; resume it with: {resume}")
                raise
        trials = self.trials()
        if trials and all(trial.state == FAILED for trial in trials):
            raise SpecError.of(
                REFUSED_TRAINING,
                f"all {len(trials)} trials failed; the first: {trials[0].reason}",
                self.space.span,
                help=f"see their runs in {self.folder / study_folder.TRIALS}",
            )
        write_table(self.folder, trials, self.monitor)  # with the trials of other workers, which may have ended later
        if (best := best_of(trials, self.record["direction"])) is not None:
            self._write_best(best)
        self.console.finish(trials, self.record["direction"], self._importances())

    def trials(self) -> list[Trial]:
        """Return every trial so far."""
        return read_trials(self.storage, self.study, self.space, self.record["folder"])

    def _is_exhausted(self) -> bool:
        if self.record.get("exhausted"):  # in studies of older versions
            return True
        with storage_errors(self.storage):
            return bool(self.study.user_attrs.get(_EXHAUSTED))

    def _mark_exhausted(self) -> None:
        """Record that the sampler has no more values to try."""
        with storage_errors(self.storage):
            self.study.set_user_attr(_EXHAUSTED, True)

    def _discard_unclaimed(self) -> None:
        """End trials of older versions that were killed while values were chosen; they have no run and do not count."""
        with storage_errors(self.storage):
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if RUN not in trial.user_attrs and SLOT not in trial.user_attrs:
                    self.study.tell(trial.number, state=TrialState.FAIL)

    def _unfinished(self, held: Held) -> optuna.Trial | None:
        """Return the trial that another process has begun, None if there is none.

        One that was killed while its values were chosen is ended; it has no run and does not count.
        """
        self.study.sampler = optuna.samplers.RandomSampler(seed=0)  # chooses nothing: the values are there
        with storage_errors(self.storage):
            begun = None
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if RUN in trial.user_attrs:
                    if run_name(int(trial.user_attrs[RUN])) == held.trial:
                        begun = trial
                elif trial.user_attrs.get(SLOT) == held.trial:
                    self.study.tell(trial.number, state=TrialState.FAIL)
            return optuna.Trial(self.study, begun._trial_id) if begun is not None else None

    def _begin(self, held: Held) -> optuna.Trial:
        """Begin a trial with values from the sampler."""
        self.watched.check()
        self.study.sampler = make_sampler(self.space, self.seed, int(held.trial))
        with storage_errors(self.storage):
            try:
                self.study.add_trial(create_trial(state=TrialState.RUNNING, user_attrs={SLOT: held.trial}))
                running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
                mine = [each for each in running if each.user_attrs.get(SLOT) == held.trial]
                trial = optuna.Trial(self.study, mine[-1]._trial_id)
                suggest(trial, self.space)
            except (ImportError, ValueError, TypeError) as error:
                span = self.space.sampler.span if self.space.sampler is not None else self.space.span
                reason = first_line(error)
                raise SpecError.of(BAD_SEARCH, f"the sampler failed to choose values: {reason}", span) from error
            trial.set_user_attr(RUN, held.trial)
        return trial

    def _run(self, held: Held, trial: optuna.Trial) -> None:
        """Train the run of `trial`, and report the result to optuna, unless another worker has taken the trial over."""
        self.watched.check()
        number = int(held.trial)
        self.study.sampler = make_sampler(self.space, self.seed, number)
        run = self.folder / study_folder.TRIALS / held.trial
        make_folder(run.parent)
        check_kept(run.parent, (run.name,))
        if held.was_silent:
            replace_by_copy(run)
        worker = self.leases.worker
        place = {"host": worker.host, "path": worker.folder, "folder": worker.study}
        self._patiently(lambda: trial.set_user_attr(PLACE, place))
        watch = LeaseWatch(self.leases, held)
        try:
            with released_models():
                reason = self._failure(trial, run, number, watch)
        except SpecError:
            if not watch.is_lost():
                raise
        self.watched.check()
        if self._patiently(watch.is_lost):
            self.reporter.warn(f"trial {number} was taken over by another worker, to which its result is left")
            watch.discard(run)
            return
        self._report_result(trial, run, reason)
        trials = self.trials()
        write_table(self.folder, trials, self.monitor)
        result = next(each for each in trials if each.number == number)
        self.console.end(result)
        if result.state == COMPLETE and best_of(trials, self.record["direction"]) == result:
            self._write_best(result)

    def _patiently(self, action: Callable[[], _Result]) -> _Result:
        return patiently(self.storage, action, self.reporter.warn)

    def _write_best(self, trial: Trial) -> None:
        study_folder.write_with_overrides(self.folder, _overrides(trial.values), study_folder.BEST)

    def _failure(self, trial: optuna.Trial, run: Path, number: int, watch: LeaseWatch) -> str:
        """Train the run, and return the reason of a failure, empty if there is none."""
        try:
            self._train(trial, run, number, watch)
        except SpecError as error:
            first = next(iter(error.report))
            if first.rule in _FATAL:
                raise
            return first.message
        return ""

    def _train(self, trial: optuna.Trial, run: Path, number: int, watch: LeaseWatch) -> None:
        """Train or resume the run. Raises SpecError if that fails."""
        spec = load(self.folder / study_folder.SPEC, _overrides(trial_values(trial.params, self.space)))
        assert spec.model.training is not None
        self.console.begin(number, spec.model.training.all_epochs)

        def on_epoch(row: Row) -> bool:
            self.watched.check()
            value = row.get(self.monitor)
            self.console.epoch(row["epoch"], value)
            if self._patiently(lambda: watch.is_lost(at_once=False)):
                return False
            if not isinstance(value, int | float):
                return True
            return self._patiently(lambda: _is_kept(trial, value, row["epoch"]))

        if (run / RECORD).exists() and checkpoint_steps(run / CHECKPOINTS):
            resume(run, on_epoch=on_epoch)
            return
        try:
            shutil.rmtree(run, ignore_errors=False)  # it was killed before its first step
        except FileNotFoundError:
            pass
        except OSError as error:
            raise cannot_write(run, error) from None
        train(spec, run_dir=run, on_epoch=on_epoch)

    def _report_result(self, trial: optuna.Trial, run: Path, reason: str) -> None:
        """Report the result of the run to optuna.

        Args:
            trial: The trial.
            run: Its run directory.
            reason: The reason of a failure, else empty.
        """
        rows = Run(run).metrics
        values = [row[self.monitor] for row in rows if isinstance(row.get(self.monitor), int | float)]
        if not reason and not values:
            reason = f"`{self.monitor}` was not finite in any epoch"
        record = Run(run).record if (run / RECORD).exists() else {}

        def report() -> None:
            trial.set_user_attr(EPOCHS, len(rows))
            trial.set_user_attr(SECONDS, record.get("seconds", 0.0))
            if reason:
                trial.set_user_attr(REASON, reason)
                self.study.tell(trial, state=TrialState.FAIL)
            elif trial.user_attrs.get(PRUNED_AT) is not None:
                self.study.tell(trial, state=TrialState.PRUNED)
            else:
                better = max if self.record["direction"] == "maximize" else min
                self.study.tell(trial, better(values))

        with suppress(ValueError, UpdateFinishedTrialError):  # it was reported, by this worker or its successor
            self._patiently(report)

    def _importances(self) -> dict[str, float]:
        """Return the importance of each parameter for the monitored metric; empty if optuna finds no difference."""
        evaluator = optuna.importance.PedAnovaImportanceEvaluator
        try:
            with storage_errors(self.storage), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of too few trials, whose parameters are equally important
                found = dict(optuna.importance.get_param_importances(self.study, evaluator=evaluator()))
        except (SpecError, ValueError, ImportError, ZeroDivisionError):
            return {}
        return found if len(set(found.values())) > 1 else {}

    def _conclude(self, status: str) -> None:
        """Write the status of the study, unless other workers continue it in this folder."""
        if not self.leases.worker.has_company():
            self._write(status)

    def _write(self, status: str) -> None:
        self.watched.check()
        self.record["status"] = status
        write_json(self.folder / study_folder.RECORD, self.record)


def _is_kept(trial: optuna.Trial, value: float, epoch: int) -> bool:
    """Report the value of an epoch, and return whether the trial continues after it."""
    trial.report(value, epoch)
    is_pruned = epoch == trial.user_attrs.get(PRUNED_AT) or trial.should_prune()
    if is_pruned:  # later, with the trials of others, the pruner may judge otherwise
        trial.set_user_attr(PRUNED_AT, epoch)
    return not is_pruned


def _overrides(values: Any) -> list[str]:
    return [f"{path}={write_value(value)}" for path, value in values.items()]


@contextmanager
def _no_retracing_warnings() -> Iterator[None]:
    """Silence TensorFlow's warnings of retracing, since every trial has its own model."""
    logger = tf.get_logger()

    def is_other(record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()

    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)
