"""The trials of a study, one after the other: values are chosen, a run is trained with them, its result is told.

Whatever ends the process, the study can go on: a trial that was begun has its run, which goes on from its checkpoint to
the very same end, and what it reports of the epochs that are trained again is what it reported before.
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
from graphspec.language.document.write_yaml import write_value
from graphspec.run_directory import CHECKPOINTS, RECORD, Row, WatchedFolder, cannot_write, make_folder, write_json
from graphspec.run_directory.links import check_kept
from graphspec.runs.run import Run
from graphspec.signals import raised_once
from graphspec.spec import Spec, load
from graphspec.to_keras.keras_internals import released_models
from graphspec.training.checkpoints import checkpoint_steps
from graphspec.tuning import folder as study_folder
from graphspec.tuning.console import ShowTrials
from graphspec.tuning.optuna_study import distributions, make_sampler, refusals_told
from graphspec.tuning.study import Study
from graphspec.tuning.trial import COMPLETE, FAILED, Trial, best_of
from graphspec.tuning.trials import EPOCHS, REASON, RUN, SECONDS, read_trials, values_of, write_table

_ENDING = (CANNOT_WRITE, MISSING_EXTRA, BAD_RUN, CHANGED_SPEC)
"""What ends a study and not a trial alone: it says nothing of the values of the trial."""


class Tuner:
    """A study in its folder, which this process holds, and the same as optuna has it.

    spec: that of the study, with a search and a training.
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
        self.study.stop = self._note_end  # type: ignore[method-assign]  # outside of `optimize`, it is refused
        self.shown = ShowTrials(
            reporter, self.monitor, [each.path for each in self.space.parameters], self.space.trials
        )

    def run(self) -> None:
        """Try values until the budget is spent. Raises SpecError where every trial has failed, or none can be begun."""
        resume = command_line("tune", "--resume", path_word(self.folder))
        with raised_once():  # trainings hear signals themselves
            try:
                with _tracing_again(), self.shown:
                    self._write("running")
                    self._void()
                    for trial in self._begun():
                        self._try(trial)
                    while self._is_left():
                        self._try(self._begin())
                    self._write("finished")
            except (KeyboardInterrupt, SystemExit):
                self._write("stopped")
                self.reporter.conclude(f"the study is stopped; go on with: {resume}")
                raise
            except SpecError:
                with suppress(SpecError):
                    self._write("failed")
                if not self.watched.is_lost:
                    self.reporter.conclude(f"the study has ended; go on with: {resume}")
                raise
        trials = self.trials()
        if trials and all(trial.state == FAILED for trial in trials):
            raise SpecError.of(
                REFUSED_TRAINING,
                f"all {len(trials)} trials have failed; the first: {trials[0].reason}",
                self.space.span,
                help=f"what they have written lies in {self.folder / study_folder.TRIALS}",
            )
        self.shown.finished(trials, self.record["direction"], self._importances())

    def trials(self) -> list[Trial]:
        """Every trial so far."""
        return read_trials(self.folder, self.study, self.space)

    def _is_left(self) -> bool:
        """Whether a further trial is to be begun."""
        trials, space = self.trials(), self.space
        if self.record.get("exhausted"):
            return False
        if space.timeout is not None and sum(trial.seconds for trial in trials) >= space.timeout:
            return False
        return space.trials is None or len(trials) < space.trials

    def _void(self) -> None:
        """End the trial that was killed while its values were chosen: nothing has come of it, and it is not counted."""
        with refusals_told(self.folder):
            for trial in self.study.get_trials(states=(TrialState.RUNNING,)):
                if RUN not in trial.user_attrs:
                    self.study.tell(trial.number, state=TrialState.FAIL)

    def _begun(self) -> list[optuna.Trial]:
        """The trials that were begun and have not come to their end: one, or none."""
        with refusals_told(self.folder):
            running = self.study.get_trials(states=(TrialState.RUNNING,))
            return [optuna.Trial(self.study, trial._trial_id) for trial in running]

    def _begin(self) -> optuna.Trial:
        """A new trial, its values chosen."""
        self.watched.check()
        number = len(self.trials())
        self.study.sampler = make_sampler(self.space, self.seed, number)
        with refusals_told(self.folder):
            try:
                trial = self.study.ask(distributions(self.space))
            except (ImportError, ValueError, TypeError) as error:
                span = self.space.sampler.span if self.space.sampler is not None else self.space.span
                said = str(error).splitlines()[0]
                raise SpecError.of(BAD_SEARCH, f"the sampler has chosen no values: {said}", span) from error
            trial.set_user_attr(RUN, f"{number:04}")
        return trial

    def _try(self, trial: optuna.Trial) -> None:
        """Train the run of `trial` to its end, and tell optuna what came of it."""
        self.watched.check()
        number = int(trial.user_attrs[RUN])
        self.study.sampler = make_sampler(self.space, self.seed, number)
        run = self.folder / study_folder.TRIALS / str(trial.user_attrs[RUN])
        make_folder(run.parent)
        check_kept(run.parent, (run.name,))
        with released_models():
            reason = self._failure_of(trial, run, number)
        self.watched.check()
        self._tell(trial, run, reason)
        trials = self.trials()
        write_table(self.folder, trials, self.monitor)
        ended = trials[number]
        self.shown.ended(ended)
        if ended.state == COMPLETE and best_of(trials, self.record["direction"]) == ended:
            study_folder.with_overrides(self.folder, _overrides(ended.values), study_folder.BEST)

    def _failure_of(self, trial: optuna.Trial, run: Path, number: int) -> str:
        """Train the run, and say why that has failed; nothing where it has not."""
        try:
            self._train(trial, run, number)
        except SpecError as error:
            first = next(iter(error.report))
            if first.rule in _ENDING:
                raise
            return first.message
        return ""

    def _train(self, trial: optuna.Trial, run: Path, number: int) -> None:
        """Train the run, or go on with it. Raises SpecError where that fails, with these values."""
        spec = load(self.folder / study_folder.SPEC, _overrides(values_of(trial.params, self.space)))
        assert spec.model.training is not None
        self.shown.began(number, spec.model.training.epochs)

        def on_epoch(row: Row) -> bool:
            self.watched.check()
            value = row.get(self.monitor)
            self.shown.epoch(row["epoch"], value)
            if not isinstance(value, int | float):
                return True
            with refusals_told(self.folder):
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

    def _tell(self, trial: optuna.Trial, run: Path, reason: str) -> None:
        """Tell optuna what the run has come to. reason: why it has failed, if it has."""
        rows = Run(run).metrics
        measured = [row[self.monitor] for row in rows if isinstance(row.get(self.monitor), int | float)]
        if not reason and not measured:
            reason = f"`{self.monitor}` was no finite number in any epoch"
        record = Run(run).record if (run / RECORD).exists() else {}
        with refusals_told(self.folder):
            trial.set_user_attr(EPOCHS, len(rows))
            trial.set_user_attr(SECONDS, record.get("seconds", 0.0))
            if reason:
                trial.set_user_attr(REASON, reason)
                self.study.tell(trial, state=TrialState.FAIL)
            elif len(rows) < self._epochs(run) and trial.should_prune():
                self.study.tell(trial, state=TrialState.PRUNED)
            else:
                better = max if self.record["direction"] == "maximize" else min
                self.study.tell(trial, better(measured))

    def _epochs(self, run: Path) -> int:
        training = Run(run).spec.model.training
        assert training is not None
        return training.epochs

    def _importances(self) -> dict[str, float]:
        """How much of what is monitored each parameter has decided, by optuna; nothing where that cannot be told."""
        evaluator = optuna.importance.PedAnovaImportanceEvaluator
        try:
            with refusals_told(self.folder):
                return dict(optuna.importance.get_param_importances(self.study, evaluator=evaluator()))
        except (SpecError, ValueError, ImportError, ZeroDivisionError):
            return {}

    def _note_end(self) -> None:
        """A sampler says that there is nothing left to try."""
        self.record["exhausted"] = True
        self._write("running")

    def _write(self, status: str) -> None:
        self.watched.check()
        self.record["status"] = status
        write_json(self.folder / study_folder.RECORD, self.record)


def _overrides(values: Any) -> list[str]:
    return [f"{path}={write_value(value)}" for path, value in values.items()]


@contextmanager
def _tracing_again() -> Iterator[None]:
    """Within it, TensorFlow does not warn of functions that are traced anew: every trial has a model of its own."""
    logger = tf.get_logger()

    def is_other(record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()

    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)
