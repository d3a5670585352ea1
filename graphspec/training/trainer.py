"""Training of a model from the first step, or from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphspec import run_directory
from graphspec.console.reporter import Reporter
from graphspec.console.shell import resume_command
from graphspec.datasets.data_files import DataFiles
from graphspec.datasets.samples import TrainingData
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.render import counted
from graphspec.diagnostics.rules import BAD_CLUSTER, BAD_RUN
from graphspec.distribution.agreement import check_agreement
from graphspec.distribution.cluster import MULTI_WORKER
from graphspec.distribution.strategy import Distribution, make_distribution
from graphspec.run_directory.starting_model import StartingModel
from graphspec.run_paths import LEARNING_RATES
from graphspec.spec import Spec
from graphspec.to_keras.spec import BUILDING
from graphspec.to_keras.weights import load_weights
from graphspec.training import nan_guard
from graphspec.training.begin_or_resume import DataChanges, begin_run, restore_adapted, resume_run
from graphspec.training.callback_state import closed_files
from graphspec.training.checkpoint_file import DamagedError, read_checkpoint
from graphspec.training.checkpoints import BEST, Checkpoints, checkpoint_steps, newest_intact, plan_checkpoints
from graphspec.training.epoch_stats import EpochStats
from graphspec.training.fitting import training_error
from graphspec.training.follower import adapt_together, follow
from graphspec.training.learning_rate_range import find_learning_rate
from graphspec.training.metrics import LossMean
from graphspec.training.mlflow_log import logged_to_mlflow
from graphspec.training.nan_guard import NotFiniteError
from graphspec.training.progress import ProgressReporter
from graphspec.training.recorder import OnEpoch, Recorder
from graphspec.training.run_guard import RunGuard
from graphspec.training.setup import (
    TrainingSetup,
    callback_paths,
    make_callbacks,
    set_up,
)
from graphspec.training.signals import Interruption, StoppedError
from graphspec.training.stages import StageCallbacks, enter_stage, fit_stages
from graphspec.training.state import Position, StagePosition, Start, TrainingState, check_state, stage_of
from graphspec.training.training_lock import TRAINING, exclusive, is_of_study


def train(
    spec: Spec,
    data: TrainingData,
    folder: Path | None,
    starting_model: StartingModel | None = None,
    *,
    distribution: Distribution | None,
    reporter: Reporter,
    on_epoch: OnEpoch | None = None,
    tests_learning_rates: bool = False,
) -> Path:
    """Train the model of `spec` on `data` and return the run directory. See `graphspec.train`.

    Args:
        spec: A spec with `training`.
        data: The samples to train on and to validate on.
        folder: The run directory; None for a new one below `runs/`.
        starting_model: The model of another run whose weights the training starts from.
        distribution: The replicas that share the batches, see `distribution_of`.
        reporter: Receives the progress and the warnings, and keeps them in the log of the run.
        on_epoch: Receives each row of metrics; the training ends when it returns False.
        tests_learning_rates: Test learning rates before the training, which stays as it is.

    Raises:
        StoppedError: A signal has stopped the training; the run can be resumed.
        SpecError: The training failed.
    """
    if starting_model is not None:
        spec = starting_model.start_of(spec)
    assert spec.training is not None
    with exclusive(TRAINING):
        if distribution is not None:
            check_agreement(distribution, spec, data)
        with BUILDING:
            setup = set_up(spec, data, reporter, pretrained=True, distribution=distribution)
            adapt_together(setup, reporter.progress_console)
            weights = spec.training.initial_weights
            loaded = load_weights(setup.model, weights) if weights is not None else None
            if starting_model is not None and loaded is not None:
                for line in loaded.lines():
                    reporter.info(line)
            elif loaded is not None:
                reporter.info(f"{loaded.file}: {loaded}")
            losses = enter_stage(setup, 0, None)
        if distribution is not None and not distribution.is_chief:
            return follow(setup, losses, Path(distribution.from_chief(bytes).decode()), None, reporter=reporter)
        run = run_directory.create(spec, folder)
        if distribution is not None:
            distribution.from_chief(str(run).encode)
        with run_directory.hold(run), Interruption() as interruption:
            reporter.keep_in(run_directory.LogFile(run / run_directory.LOG))
            start = begin_run(run, setup, data, loaded, starting_model=starting_model)
            if tests_learning_rates:
                losses = _test_learning_rates(setup, run, reporter, interruption)
            return _train(setup, start, losses, reporter=reporter, on_epoch=on_epoch, interruption=interruption)


def resume(
    spec: Spec,
    data: TrainingData,
    run: Path,
    changes: DataChanges,
    *,
    distribution: Distribution | None,
    reporter: Reporter,
    on_epoch: OnEpoch | None = None,
) -> Path:
    """Resume the training of `run` from its newest intact checkpoint and return `run`.

    Args:
        spec: The spec of the run.
        data: The samples to train on and to validate on.
        run: The run directory.
        changes: The data files that differ from those of the run.
        distribution: As in `train`.
        reporter: As in `train`.
        on_epoch: As in `train`.

    Raises:
        StoppedError: A signal has stopped the training; the run can be resumed.
        SpecError: The run cannot be resumed, or the training failed.
    """
    with exclusive(TRAINING):
        if distribution is not None:
            check_agreement(distribution, spec, data)
        if distribution is not None and not distribution.is_chief:
            return _follow_resumed(spec, data, run, distribution, reporter=reporter)
        return _resume(spec, data, run, changes, distribution=distribution, reporter=reporter, on_epoch=on_epoch)


def _test_learning_rates(
    setup: TrainingSetup, run: Path, reporter: Reporter, interruption: Interruption
) -> dict[str, LossMean]:
    """Keep and report the result of a range test; return the loss metrics of the model, which is as before."""
    result, losses = find_learning_rate(setup, lambda: interruption.is_requested)
    run_directory.write_json(run / LEARNING_RATES, result.as_json())
    reporter.conclude(str(result))
    return losses


def distribution_of(spec: Spec, reporter: Reporter) -> Distribution | None:
    """Return the replicas that train `spec`, once all workers have started; None for one device.

    Raises SpecError as `make_distribution` does, and for several workers of a trial.
    """
    assert spec.model.training is not None
    if spec.model.training.distribute == MULTI_WORKER and is_of_study():
        raise SpecError.of(
            BAD_CLUSTER,
            "a trial of a study is trained by one process",
            spec.model.training.located("distribute").span,
            help="use `mirrored` or `--set training.distribute=null`, and let several processes share the trials",
        )
    return make_distribution(spec, reporter.info)


def _resume(
    spec: Spec,
    data: TrainingData,
    run: Path,
    changes: DataChanges,
    *,
    distribution: Distribution | None,
    reporter: Reporter,
    on_epoch: OnEpoch | None,
) -> Path:
    with run_directory.hold(run), Interruption() as interruption:
        reporter.keep_in(run_directory.LogFile(run / run_directory.LOG))
        newest = newest_intact(run / run_directory.CHECKPOINTS, reporter.warn)
        if newest is None:
            raise SpecError.of(
                BAD_RUN, f"{run} holds no intact checkpoint to resume from", help=run_directory.recovery_help(run)
            )
        checkpoint, contents = newest
        if distribution is not None:
            distribution.from_chief(checkpoint.name.encode)
        with BUILDING:
            setup = set_up(spec, data, reporter, pretrained=False, distribution=distribution)
            start = resume_run(run, setup, checkpoint=checkpoint, contents=contents, data=changes, reporter=reporter)
            losses = enter_stage(setup, start.stage.number, start.record.get("steps_per_execution"))
        return _train(setup, start, losses, reporter=reporter, on_epoch=on_epoch, interruption=interruption)


def _follow_resumed(
    spec: Spec, data: TrainingData, run: Path, distribution: Distribution, *, reporter: Reporter
) -> Path:
    """Take part in the training that the chief resumes, from the same checkpoint."""
    path = run / run_directory.CHECKPOINTS / distribution.from_chief(bytes).decode()
    try:
        contents = read_checkpoint(path)
        check_state(contents)
    except DamagedError as error:
        raise SpecError.of(
            BAD_RUN,
            f"the chief resumes from {path.name}, which this worker cannot read in {path.parent}: {error}",
            help="give all workers the run: a shared folder, or a copy of it",
        ) from None
    with BUILDING:
        setup = set_up(spec, data, reporter, pretrained=False, distribution=distribution)
        restore_adapted(setup.model, run)
        steps = run_directory.read_record(run).get("steps_per_execution")
        losses = enter_stage(setup, stage_of(contents).number, steps)
    return follow(setup, losses, run, contents, reporter=reporter)


def _train(
    setup: TrainingSetup,
    start: Start,
    losses: dict[str, LossMean],
    *,
    reporter: Reporter,
    on_epoch: OnEpoch | None,
    interruption: Interruption,
) -> Path:
    """Train from `start`, and record the end of the training in any case."""
    spec, settings, model, run = setup.spec, setup.settings, setup.model, start.run
    batches = setup.batches
    splits = [each.sources for each in (setup.samples, setup.validation) if each is not None and each.sources]
    folder = run_directory.WatchedFolder(run)
    files = DataFiles(splits, run)
    if not start.lock["data"]:
        files.start_recording()
    weights = spec.graph.loss_weights
    epoch_stats = EpochStats(weights, batches.samples_between, batches.waited)
    recorder = Recorder(
        folder,
        start,
        files=files,
        epoch_stats=epoch_stats,
        epoch_steps=batches.steps,
        reporter=reporter,
        on_epoch=on_epoch,
    )
    stopped = None
    with _recorded_end(recorder, setup, interruption):
        recorder.begin()
        callbacks = make_callbacks(setup, run)
        state = TrainingState(model, callbacks)
        if start.resumed is not None:
            state.resume_files(start.resumed)
        plan = plan_checkpoints(spec, settings.all_epochs, batches.steps, validates=setup.validation is not None)
        with (
            logged_to_mlflow(spec, run, start.rows, reporter) as logs,
            ProgressReporter(
                list(spec.graph.outputs),
                reporter,
                lambda: epoch_stats.row,
                epochs=settings.all_epochs,
                steps=batches.steps,
            ) as progress,
            _recorded_end(recorder, setup, interruption),  # again: MLflow reads the record on leaving
            closed_files(callbacks),
        ):
            checkpoints = Checkpoints(
                folder, state, plan, interruption, start=start, has_ended=lambda: recorder.has_ended
            )
            every = StageCallbacks(
                first=[RunGuard(folder, callback_paths(setup))],
                own=[epoch_stats, progress, *callbacks, recorder, *logs],
                checkpoints=checkpoints,
            )

            def begin_stage(stage: StagePosition) -> None:
                progress.begin_stage(_remaining_epochs(setup, stage))
                if len(setup.stages) > 1:
                    recorder.begin_stage(_describe(setup, stage, reporter))

            try:
                fit_stages(
                    setup,
                    start,
                    losses,
                    state=state,
                    callbacks=every,
                    interruption=interruption,
                    on_stage=begin_stage,
                )
            except StoppedError as error:
                stopped = error
            _save(setup, state, recorder, checkpoints.stage)
            recorder.record["best"] = checkpoints.best
            recorder.finish("stopped" if stopped is not None else "finished")
    if stopped is not None:
        interruption.close()
        _show_resume_command(reporter, run, "stopped")
        raise stopped
    return run


@contextmanager
def _recorded_end(recorder: Recorder, setup: TrainingSetup, interruption: Interruption) -> Iterator[None]:
    """Record the exception that ends a training, and raise the error to report."""
    try:
        yield
    except BaseException as error:
        ended = _ended_by(error, recorder, setup, interruption)
        if ended is error:
            raise
        raise ended from error


def _ended_by(
    error: BaseException, recorder: Recorder, setup: TrainingSetup, interruption: Interruption
) -> BaseException:
    """Record the end of the training, and return the exception to raise."""
    interruption.close()
    if recorder.is_over:
        return error
    run = recorder.run
    if isinstance(error, KeyboardInterrupt) or interruption.is_immediate:
        recorder.stop()
        _show_resume_command(recorder.reporter, run, "stopped at once")
        return interruption.as_error().as_exit()
    if not isinstance(error, Exception):
        recorder.stop()
        return error
    if isinstance(error, NotFiniteError):
        failure = nan_guard.nan_diagnostic(error, run, setup.spec.model.key_span("training"))
        recorder.fail(next(iter(failure.report)).message)
        return failure
    failure = error if isinstance(error, SpecError) else training_error(error, run, setup)
    recorder.fail(next(iter(failure.report)).message)
    if not recorder.folder.is_lost:
        _show_resume_command(recorder.reporter, run, "ended")
    return failure


def _remaining_epochs(setup: TrainingSetup, stage: StagePosition) -> int:
    """Return the number of all epochs, if this stage and those after it take all of theirs."""
    return stage.first_epoch + sum(each.epochs for each in setup.stages[stage.number :])


def _describe(setup: TrainingSetup, position: StagePosition, reporter: Reporter) -> dict[str, Any]:
    """Report which stage begins, and return what a run records of it."""
    stage, trained = setup.stages[position.number], setup.trained[position.number]
    reporter.info(
        f"stage {position.number + 1}/{len(setup.stages)} `{stage.name}`: {counted(stage.epochs, 'epoch')}, "
        f"{trained:,} of {setup.model.count_params():,} parameters trained"
    )
    return {"name": stage.name, "first_epoch": position.first_epoch, "trained": trained}


def _save(setup: TrainingSetup, state: TrainingState, recorder: Recorder, stage: StagePosition) -> None:
    """Write the model after the last epoch, which is of `stage`, and that after its best one."""
    recorder.folder.check()
    model, run = setup.model, recorder.run
    run_directory.write(run / run_directory.MODEL, model.save)
    best = run / run_directory.CHECKPOINTS / BEST
    if not best.exists():
        return
    last = state.take(Position(0, 0))
    steps, reached = int(model.steps_per_execution), stage
    try:
        contents = read_checkpoint(best)
        reached = stage_of(contents)
        if reached != stage:  # its optimizer has other variables
            enter_stage(setup, reached.number, steps)
        state.restore_variables(contents)
        run_directory.write(run / run_directory.BEST, model.save)
    except DamagedError as error:
        recorder.reporter.warn(f"{best} is damaged, so {run_directory.BEST} is not written: {error}")
    finally:
        if reached != stage:
            enter_stage(setup, stage.number, steps)
        state.restore_variables(last)


def _show_resume_command(reporter: Reporter, run: Path, outcome: str) -> None:
    if checkpoint_steps(run / run_directory.CHECKPOINTS):
        reporter.conclude(f"{outcome}; resume with: {resume_command(run)}")
    else:
        reporter.conclude(f"{outcome} before the first checkpoint, so the run cannot be resumed")
