"""Spec + samples → a trained model in a run directory, from its first step or from a checkpoint."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from graphspec import run_directory
from graphspec.adapting import adapt
from graphspec.datasets.data_files import DataFiles
from graphspec.datasets.faults import told as faults_told
from graphspec.datasets.samples import TrainingData
from graphspec.diagnostics import SpecError
from graphspec.keras_messages import reason
from graphspec.rules import BAD_RUN, REFUSED_TRAINING
from graphspec.shell import command_line, path_word
from graphspec.spec import Spec
from graphspec.to_keras.spec import BUILDING
from graphspec.to_keras.weights import load_weights
from graphspec.training import finite
from graphspec.training.callback_list import CallbackList
from graphspec.training.callback_state import closed_files
from graphspec.training.checkpoint_file import DamagedError, read_checkpoint
from graphspec.training.checkpoints import BEST, Checkpoints, newest_whole, plan, steps_in
from graphspec.training.exclusive import TRAINING, alone
from graphspec.training.finite import FiniteLoss, NotFiniteError
from graphspec.training.interruption import Interruption, StoppedError
from graphspec.training.measures import Measures
from graphspec.training.metrics import TrueLosses
from graphspec.training.mlflow_log import logged_to_mlflow
from graphspec.training.prepared import Prepared, compile_for, make_callbacks, paths_of, prepare, validation_batches
from graphspec.training.progress import ShowProgress
from graphspec.training.recorder import OnEpoch, Recorder
from graphspec.training.run_guard import RunGuard
from graphspec.training.start import DataChanges, Start, begin, go_on
from graphspec.training.state import Position, TrainingState
from graphspec.training.told import Told


def train(
    spec: Spec, data: TrainingData, folder: Path | None, *, progress: bool = False, on_epoch: OnEpoch | None = None
) -> Path:
    """Train the model of `spec` on `data`, and give the run directory. See `graphspec.train`.

    Raises StoppedError where a signal has ended the training: what it takes to go on is then written.
    """
    assert spec.training is not None
    told = Told(Console(stderr=True), quiet=not progress)
    with alone(TRAINING):
        with BUILDING:
            prepared = prepare(spec, data, told, pretrained=True)
            adapt(spec, prepared.built, prepared.samples, told.console if progress else None)
            weights = spec.training.initial_weights
            started_from = load_weights(prepared.model, weights) if weights is not None else None
            if started_from is not None:
                told.say(f"{started_from.file}: {started_from}")
            losses = compile_for(prepared, None)
        run = run_directory.create(spec, folder)
        with run_directory.held(run), Interruption() as interruption:
            told.keep_in(run)
            start = begin(run, prepared, data, started_from)
            return _train(prepared, start, losses, told, on_epoch, interruption)


def resume(
    spec: Spec,
    data: TrainingData,
    run: Path,
    changes: DataChanges,
    *,
    progress: bool = False,
    on_epoch: OnEpoch | None = None,
) -> Path:
    """Go on with the training of `run` from its newest checkpoint that is whole, and give `run`.

    spec is that of the run. Raises SpecError where the run cannot be gone on with, StoppedError as `train` does.
    """
    told = Told(Console(stderr=True), quiet=not progress)
    with alone(TRAINING), run_directory.held(run), Interruption() as interruption:
        told.keep_in(run)
        found = newest_whole(run / run_directory.CHECKPOINTS, told.warn)
        if found is None:
            raise SpecError.of(
                BAD_RUN, f"{run} holds no whole checkpoint to go on from", help=run_directory.what_is_left(run)
            )
        path, contents = found
        with BUILDING:
            prepared = prepare(spec, data, told, pretrained=False)
            start = go_on(run, path, contents, prepared, changes, told)
            losses = compile_for(prepared, start.record.get("steps_per_execution"))
        return _train(prepared, start, losses, told, on_epoch, interruption)


def _train(
    prepared: Prepared,
    start: Start,
    losses: dict[str, Any],
    told: Told,
    on_epoch: OnEpoch | None,
    interruption: Interruption,
) -> Path:
    """Train from `start` to the end, whatever kind of end it is; all that is to stay is written then."""
    spec, settings, model, run = prepared.spec, prepared.settings, prepared.model, start.run
    batches, position = prepared.batches, start.position
    read = [each.sources for each in (prepared.samples, prepared.validation) if each is not None and each.sources]
    folder = run_directory.WatchedFolder(run)
    files = DataFiles(read, run)
    if not start.lock["data"]:
        files.start_recording()
    weights = {name: float(spec.graph.outputs[name].loss_weight) for name in losses}
    measures = Measures(weights, batches.samples_between, batches.waited)
    recorder = Recorder(
        folder,
        start.record,
        start.lock,
        start.rows,
        files=files,
        measures=measures,
        epoch_steps=batches.steps,
        told=told,
        on_epoch=on_epoch,
    )
    stopped = None
    with _recorded_end(recorder, spec, interruption):
        recorder.begin()
        written = make_callbacks(prepared, run)
        state = TrainingState(model, written)
        if start.resumed is not None:
            state.go_on_writing(start.resumed)
        starter = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: batches.start(epoch, position.step if epoch == position.epoch else 0)
        )
        checks = plan(spec, settings.epochs, batches.steps, validates=prepared.validation is not None)
        stopped_by_callback = start.resumed is not None and start.resumed.state["stopped"]
        faults = [prepared.samples.faults, *([prepared.validation.faults] if prepared.validation is not None else [])]
        with (
            logged_to_mlflow(spec, run, start.rows, told) as logs,
            ShowProgress(
                list(spec.graph.outputs), told, lambda: measures.row, epochs=settings.epochs, steps=batches.steps
            ) as shown,
            _recorded_end(recorder, spec, interruption),  # here as well: MLflow reads the record when it is left
            closed_files(written),
        ):
            checkpoints = Checkpoints(
                folder,
                state,
                checks,
                interruption,
                start.resumed,
                spec_hash=start.spec_hash,
                lock=start.lock,
                rows=start.rows,
            )
            order = [
                *(RunGuard(folder, paths_of(prepared)), starter, TrueLosses(), FiniteLoss(losses), measures, shown),
                *(*written, recorder, *logs, checkpoints),
            ]
            try:
                with faults_told(*faults):
                    _fit(
                        model,
                        batches.dataset,
                        epochs=position.epoch if stopped_by_callback else settings.epochs,
                        initial_epoch=position.epoch,
                        validation_data=validation_batches(prepared),
                        validation_freq=settings.validation_freq,
                        callbacks=CallbackList(
                            order, model, epochs=settings.epochs, steps=batches.steps, start=position
                        ),
                        shuffle=False,
                        verbose=0,
                    )
            except StoppedError as error:
                stopped = error
            _end("stopped" if stopped is not None else "finished", prepared, state, checkpoints, recorder)
    if stopped is not None:
        interruption.close()
        _tell_how_to_go_on(told, run, "stopped")
        raise stopped
    return run


@contextmanager
def _recorded_end(recorder: Recorder, spec: Spec, interruption: Interruption) -> Iterator[None]:
    """Record the end of a training that an exception ends within it, and raise what is to be told of it."""
    try:
        yield
    except BaseException as error:
        ended = _ended_by(error, recorder, spec, interruption)
        if ended is error:
            raise
        raise ended from error


def _ended_by(error: BaseException, recorder: Recorder, spec: Spec, interruption: Interruption) -> BaseException:
    """Record how the training has ended, unless that is recorded; return what is to be raised in place of `error`."""
    interruption.close()
    if recorder.is_over:
        return error
    run = recorder.run
    if isinstance(error, KeyboardInterrupt) or interruption.is_at_once:
        recorder.stop()
        _tell_how_to_go_on(recorder.told, run, "stopped at once")
        return interruption.as_error().as_exit()
    if not isinstance(error, Exception):
        recorder.stop()
        return error
    if isinstance(error, NotFiniteError):
        failure = finite.told(error, run, spec.model.key_span("training"))
        recorder.fail(next(iter(failure.report)).message)
        return failure
    failure = error if isinstance(error, SpecError) else _failure(error, run, spec)
    recorder.fail(next(iter(failure.report)).message)
    if not recorder.folder.is_lost:
        _tell_how_to_go_on(recorder.told, run, "ended")
    return failure


def _fit(model: keras.Model, *arguments: Any, **keywords: Any) -> None:
    """`model.fit`, without its warnings of what is meant: outputs without loss, an epoch that begins in its middle."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Gradients do not exist for variables")
        warnings.filterwarnings("ignore", message="Your input ran out of data")
        model.fit(*arguments, **keywords)


def _failure(error: Exception, run: Path, spec: Spec) -> SpecError:
    """The finding that a training came to nothing. What is read is told of elsewhere, so an OSError is of writing."""
    if isinstance(error, DamagedError):
        return SpecError.of(
            BAD_RUN,
            f"the newest checkpoint of {run} cannot be used: {error}",
            help="remove it, and the one before it is used",
        )
    if isinstance(error, OSError):
        return run_directory.cannot_write(Path(error.filename or run), error)
    return SpecError.of(
        REFUSED_TRAINING,
        f"the training failed: {reason(error)}",
        spec.model.key_span("training"),
        help=f"what was written so far lies in {run}",
    )


def _end(status: str, prepared: Prepared, state: TrainingState, checkpoints: Checkpoints, recorder: Recorder) -> None:
    """Write what stays of a training that comes to an end in order."""
    recorder.folder.check()
    _save(prepared, state, recorder.run, recorder.told)
    recorder.record["best"] = checkpoints.best
    recorder.finish(status)


def _save(prepared: Prepared, state: TrainingState, run: Path, told: Told) -> None:
    """Write the model as it stands, and as it was after its best epoch."""
    model = prepared.model
    run_directory.write(run / run_directory.MODEL, model.save)
    best = run / run_directory.CHECKPOINTS / BEST
    if not best.exists():
        return
    last = state.take(Position(0, 0))
    try:
        state.put_variables_back(read_checkpoint(best))
        run_directory.write(run / run_directory.BEST, model.save)
    except DamagedError as error:
        told.warn(f"{best} is damaged, so there is no {run_directory.BEST}: {error}")
    finally:
        state.put_variables_back(last)


def _tell_how_to_go_on(told: Told, run: Path, what: str) -> None:
    if steps_in(run / run_directory.CHECKPOINTS):
        told.tell(f"{what}; go on with: {command_line('train', '--resume', path_word(run))}")
    else:
        told.tell(f"{what} before its first checkpoint, so there is nothing to go on from")
