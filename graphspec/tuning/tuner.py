"""`Tuner`: runs the trials of a study one after the other.

A study can be resumed after any interruption: the run of an unfinished trial resumes from its checkpoint with the same
result, and reports the same values for epochs that are repeated.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
import tensorflow as tf
from optuna.trial import TrialState

from graphspec.api import resume, train
from graphspec.console.reporter import Reporter
from graphspec.console.shell import command_line, path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN, BAD_SEARCH, CANNOT_WRITE, CHANGED_SPEC, MISSING_EXTRA, REFUSED_TRAINING
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
from graphspec.tuning.optuna_study import distributions, make_sampler, optuna_errors
from graphspec.tuning.study import Study
from graphspec.tuning.trial import COMPLETE, FAILED, Trial, best_of
from graphspec.tuning.trials import EPOCHS, REASON, RUN, SECONDS, read_trials, trial_values, write_table

_FATAL = (CANNOT_WRITE, MISSING_EXTRA, BAD_RUN, CHANGED_SPEC)
"""The rules that end the study rather than a trial: they do not depend on the values of the trial."""


class Tuner:
    """The loop over the trials of a study.

    Args:
        study: The study, locked by this process.
        spec: Its spec, with a search and a training.
        reporter: Where progress is written.
        optuna_study: The same study in optuna.
    """

    def __init__(self, study: Study, spec: Spec, reporter: Reporter, optuna_study: optuna.Study) -> None:
        assert spec.search is not None
        assert spec.model.training is not None
        self.folder = study.path
        self.watched = WatchedFolder(study.path, study_folder.KEPT)
        self.record = study.record
        self.spec = spec
        self.space = spec.search
        self.seed = spec.model.training.seed
        self.monitor = study.monitor
        self.reporter = reporter
        self.study = optuna_study
        self.study.stop = self._mark_exhausted  # type: ignore[method-assign]  # optuna refuses it outside of `optimize`
        paths = [each.path for each in self.space.parameters]
        self.console = TrialProgress(reporter, self.monitor, paths, self.space.trials)

    def run(self) -> None:
        """Run trials until the budget is spent. Raises SpecError if every trial failed, or none can begin."""
        resume = command_line("tune", "--resume", path_word(self.folder))
        with raised_once():  # trainings handle signals themselves
            try:
                with _no_retracing_warnings(), self.console:
                    self._write("running")
                    self._discard_unstarted()
                    for trial in self._unfinished():
                        self._run(trial)
                    while self._has_budget():
                        self._run(self._begin())
                    self._write("finished")
            except (KeyboardInterrupt, SystemExit):
                self._write("stopped")
                self.reporter.conclude(f"the study was stopped; resume it with: {resume}")
                raise
            except SpecError:
                with suppress(SpecError):
                    self._write("failed")
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
        self.console.finish(trials, self.record["direction"], self._importances())

    def trials(self) -> list[Trial]:
        """Return every trial so far."""
        return read_trials(self.folder, self.study, self.space)

    def _has_budget(self) -> bool:
        """Return whether another trial may begin."""
        trials, space = self.trials(), self.space
        if self.record.get("exhausted"):
            return False
        if space.timeout is not None and sum(trial.seconds for trial in trials) >= space.timeout:
            return False
        return space.trials is None or len(trials) < space.trials

    def _discard_unstarted(self) -> None:
        """End a trial that was killed while its values were chosen; it has no run and does not count."""
        with optuna_errors(self.folder):
            for trial in self.study.get_trials(states=(TrialState.RUNNING,)):
                if RUN not in trial.user_attrs:
                    self.study.tell(trial.number, state=TrialState.FAIL)

    def _unfinished(self) -> list[optuna.Trial]:
        """Return the trials that began and have not ended: one, or none."""
        with optuna_errors(self.folder):
            running = self.study.get_trials(states=(TrialState.RUNNING,))
            return [optuna.Trial(self.study, trial._trial_id) for trial in running]

    def _begin(self) -> optuna.Trial:
        """Begin a trial with values from the sampler."""
        self.watched.check()
        number = len(self.trials())
        self.study.sampler = make_sampler(self.space, self.seed, number)
        with optuna_errors(self.folder):
            try:
                trial = self.study.ask(distributions(self.space))
            except (ImportError, ValueError, TypeError) as error:
                span = self.space.sampler.span if self.space.sampler is not None else self.space.span
                reason = first_line(error)
                raise SpecError.of(BAD_SEARCH, f"the sampler failed to choose values: {reason}", span) from error
            trial.set_user_attr(RUN, f"{number:04}")
        return trial

    def _run(self, trial: optuna.Trial) -> None:
        """Train the run of `trial`, and report the result to optuna."""
        self.watched.check()
        number = int(trial.user_attrs[RUN])
        self.study.sampler = make_sampler(self.space, self.seed, number)
        run = self.folder / study_folder.TRIALS / str(trial.user_attrs[RUN])
        make_folder(run.parent)
        check_kept(run.parent, (run.name,))
        with released_models():
            reason = self._failure(trial, run, number)
        self.watched.check()
        self._report_result(trial, run, reason)
        trials = self.trials()
        write_table(self.folder, trials, self.monitor)
        result = trials[number]
        self.console.end(result)
        if result.state == COMPLETE and best_of(trials, self.record["direction"]) == result:
            study_folder.write_with_overrides(self.folder, _overrides(result.values), study_folder.BEST)

    def _failure(self, trial: optuna.Trial, run: Path, number: int) -> str:
        """Train the run, and return the reason of a failure, empty if there is none."""
        try:
            self._train(trial, run, number)
        except SpecError as error:
            first = next(iter(error.report))
            if first.rule in _FATAL:
                raise
            return first.message
        return ""

    def _train(self, trial: optuna.Trial, run: Path, number: int) -> None:
        """Train or resume the run. Raises SpecError if that fails."""
        spec = load(self.folder / study_folder.SPEC, _overrides(trial_values(trial.params, self.space)))
        assert spec.model.training is not None
        self.console.begin(number, spec.model.training.epochs)

        def on_epoch(row: Row) -> bool:
            self.watched.check()
            value = row.get(self.monitor)
            self.console.epoch(row["epoch"], value)
            if not isinstance(value, int | float):
                return True
            with optuna_errors(self.folder):
                trial.report(value, row["epoch"])
                return not trial.should_prune()

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
        """Report the result of the run to optuna; `reason` is that of a failure, else empty."""
        rows = Run(run).metrics
        values = [row[self.monitor] for row in rows if isinstance(row.get(self.monitor), int | float)]
        if not reason and not values:
            reason = f"`{self.monitor}` was not finite in any epoch"
        record = Run(run).record if (run / RECORD).exists() else {}
        with optuna_errors(self.folder):
            trial.set_user_attr(EPOCHS, len(rows))
            trial.set_user_attr(SECONDS, record.get("seconds", 0.0))
            if reason:
                trial.set_user_attr(REASON, reason)
                self.study.tell(trial, state=TrialState.FAIL)
            elif len(rows) < self._epochs(run) and trial.should_prune():
                self.study.tell(trial, state=TrialState.PRUNED)
            else:
                better = max if self.record["direction"] == "maximize" else min
                self.study.tell(trial, better(values))

    def _epochs(self, run: Path) -> int:
        training = Run(run).spec.model.training
        assert training is not None
        return training.epochs

    def _importances(self) -> dict[str, float]:
        """Return the importance of each parameter for the monitored metric; empty if optuna has none."""
        evaluator = optuna.importance.PedAnovaImportanceEvaluator
        try:
            with optuna_errors(self.folder):
                return dict(optuna.importance.get_param_importances(self.study, evaluator=evaluator()))
        except (SpecError, ValueError, ImportError, ZeroDivisionError):
            return {}

    def _mark_exhausted(self) -> None:
        """Record that the sampler has no more values to try."""
        self.record["exhausted"] = True
        self._write("running")

    def _write(self, status: str) -> None:
        self.watched.check()
        self.record["status"] = status
        write_json(self.folder / study_folder.RECORD, self.record)


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
