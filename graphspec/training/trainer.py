"""Spec + samples → a trained model in a run directory, from its first step or from a checkpoint."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from graphspec import run_directory
from graphspec.adapting import adapt
from graphspec.datasets.data_files import DataFiles
from graphspec.datasets.faults import told as faults_told
from graphspec.datasets.samples import TrainingData
from graphspec.diagnostics import SpecError
from graphspec.rules import BAD_RUN, REFUSED_TRAINING
from graphspec.run_directory import Row
from graphspec.run_directory.lock import differing_versions, lock_of
from graphspec.run_directory.provenance import write_provenance
from graphspec.spec import Spec
from graphspec.to_keras.adapted import learnt, restore
from graphspec.to_keras.messages import reason
from graphspec.to_keras.weights import load_weights
from graphspec.training import finite
from graphspec.training.callback_list import CallbackList
from graphspec.training.checkpoint_file import Contents, DamagedError, read_checkpoint
from graphspec.training.checkpoints import BEST, Checkpoints, newest_whole, plan
from graphspec.training.finite import FiniteLoss, NotFiniteError
from graphspec.training.interruption import Interruption, StoppedError
from graphspec.training.measures import Measures
from graphspec.training.metrics import TrueLosses
from graphspec.training.mlflow_log import logged_to_mlflow
from graphspec.training.prepared import Prepared, compile_for, make_callbacks, prepare, validation_batches
from graphspec.training.progress import ShowProgress
from graphspec.training.recorder import OnEpoch, Recorder
from graphspec.training.state import Position, TrainingState, position_of
from graphspec.training.told import Told


@dataclass(frozen=True)
class Start:
    """Where a training begins: its run, what the run's record and lock say, the epochs before, and the checkpoint."""

    run: Path
    record: dict[str, Any]
    lock: dict[str, Any]
    rows: list[Row]
    resumed: Contents | None = None

    @property
    def position(self) -> Position:
        """The first step that is to be taken."""
        return position_of(self.resumed) if self.resumed is not None else Position(0, 0)


def train(
    spec: Spec, data: TrainingData, folder: Path | None, *, progress: bool = False, on_epoch: OnEpoch | None = None
) -> Path:
    """Train the model of `spec` on `data`, and give the run directory. See `graphspec.train`.

    Raises StoppedError where a signal has ended the training: what it takes to go on is then written.
    """
    assert spec.training is not None
    told = Told(Console(stderr=True), quiet=not progress)
    prepared = prepare(spec, data, told, pretrained=True)
    adapt(spec, prepared.built, prepared.samples, told.console if progress else None)
    weights = spec.training.initial_weights
    started_from = load_weights(prepared.model, weights) if weights is not None else None
    if started_from is not None:
        told.say(f"{started_from.file}: {started_from}")
    losses = compile_for(prepared, None)
    run = run_directory.create(spec, folder)
    with run_directory.held(run):
        told.keep_in(run)
        run_directory.write_spec(run, spec)
        write_provenance(run, spec)
        if data.vocabularies:
            run_directory.write_json(run / run_directory.VOCABULARIES, dict(data.vocabularies))
        if known := learnt(prepared.model):
            run_directory.write_json(run / run_directory.ADAPTED, known)
        record = _record(prepared)
        if data.train.left_out:
            record["left_out"] = list(data.train.left_out)
        if started_from is not None:
            record["initial_weights"] = started_from.as_json()
        start = Start(run, record, _lock(prepared.settings.seed), [])
        return _train(prepared, start, losses, told, on_epoch)


def resume(
    spec: Spec,
    data: TrainingData,
    run: Path,
    changed: list[str],
    *,
    progress: bool = False,
    on_epoch: OnEpoch | None = None,
) -> Path:
    """Go on with the training of `run` from its newest checkpoint that is whole, and give `run`.

    spec is that of the run; changed are the data files that are no longer what they were. Raises SpecError where the
    run cannot be gone on with, StoppedError as `train` does.
    """
    told = Told(Console(stderr=True), quiet=not progress)
    with run_directory.held(run):
        told.keep_in(run)
        found = newest_whole(run / run_directory.CHECKPOINTS, told.warn)
        if found is None:
            raise SpecError.of(BAD_RUN, f"{run} holds no whole checkpoint to go on from", help="train again")
        path, contents = found
        prepared = prepare(spec, data, told, pretrained=False)
        record = run_directory.read_json(run / run_directory.RECORD)
        _check_samples(prepared, record, run)
        _restore_adapted(prepared.model, run)
        losses = compile_for(prepared, record.get("steps_per_execution"))
        position = position_of(contents)
        lock = run_directory.read_json(run / run_directory.LOCK)
        now = _lock(prepared.settings.seed)
        for name in changed:
            told.warn(f"{name} has changed since the run was begun; it goes on with other data")
        for package in differing_versions(lock, now):
            told.warn(f"{package}: the numbers may differ from those of a training that was never stopped")
        told.say(f"going on from {path}, after step {position.step} of epoch {position.epoch + 1}")
        record.setdefault("resumed", []).append(
            {"at": _now(), "epoch": position.epoch, "step": position.step, "command": now["command"]}
        )
        record.pop("reason", None)
        rows = run_directory.read_rows(run)[: position.epoch]
        return _train(prepared, Start(run, record, lock, rows, contents), losses, told, on_epoch)


def _train(prepared: Prepared, start: Start, losses: dict[str, Any], told: Told, on_epoch: OnEpoch | None) -> Path:
    """Train from `start` to the end, whatever kind of end it is; all that is to stay is written then."""
    spec, settings, model, run = prepared.spec, prepared.settings, prepared.model, start.run
    batches, position = prepared.batches, start.position
    read = [each.sources for each in (prepared.samples, prepared.validation) if each is not None and each.sources]
    files = DataFiles(read, run)
    files.start_recording()
    written = make_callbacks(prepared, run)
    weights = {name: float(spec.graph.outputs[name].loss_weight) for name in losses}
    measures = Measures(weights, batches.samples_between, batches.waited)
    recorder = Recorder(
        run,
        start.record,
        start.lock,
        start.rows,
        files=files,
        measures=measures,
        epoch_steps=batches.steps,
        told=told,
        on_epoch=on_epoch,
    )
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
        Interruption() as interruption,
        logged_to_mlflow(spec, run, start.rows, told) as logs,
        ShowProgress(list(spec.graph.outputs), told, epochs=settings.epochs, steps=batches.steps) as shown,
    ):
        checkpoints = Checkpoints(run, state, checks, interruption, start.resumed)
        order = [starter, TrueLosses(), FiniteLoss(losses), measures, shown, *written, recorder, *logs, checkpoints]
        try:
            with faults_told(*faults):
                _fit(
                    model,
                    batches.dataset,
                    epochs=position.epoch if stopped_by_callback else settings.epochs,
                    initial_epoch=position.epoch,
                    validation_data=validation_batches(prepared),
                    validation_freq=settings.validation_freq,
                    callbacks=CallbackList(order, model, epochs=settings.epochs, steps=batches.steps, start=position),
                    shuffle=False,
                    verbose=0,
                )
            _save(prepared, state, run, told)
            recorder.record["best"] = checkpoints.best
            recorder.finish("finished")
        except StoppedError:
            run_directory.write(run / run_directory.MODEL, model.save)
            recorder.finish("stopped")
            _tell_how_to_go_on(told, run, "stopped")
            raise
        except KeyboardInterrupt:
            recorder.write("stopped")
            _tell_how_to_go_on(told, run, "stopped at once")
            raise
        except NotFiniteError as error:
            failure = finite.told(error, run, spec.model.key_span("training"))
            recorder.fail(next(iter(failure.report)).message)
            raise failure from None
        except Exception as error:
            failure = error if isinstance(error, SpecError) else _failure(error, run, spec)
            recorder.fail(next(iter(failure.report)).message)
            _tell_how_to_go_on(told, run, "ended")
            raise failure from error
    return run


def _fit(model: keras.Model, *arguments: Any, **keywords: Any) -> None:
    """`model.fit`, without its warnings of what is meant: outputs without loss, an epoch that begins in its middle."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Gradients do not exist for variables")
        warnings.filterwarnings("ignore", message="Your input ran out of data")
        model.fit(*arguments, **keywords)


def _failure(error: Exception, run: Path, spec: Spec) -> SpecError:
    """The finding that a training came to nothing. What is read is told of elsewhere, so an OSError is of writing."""
    if isinstance(error, OSError):
        return run_directory.cannot_write(Path(error.filename or run), error)
    return SpecError.of(
        REFUSED_TRAINING,
        f"the training failed: {reason(error)}",
        spec.model.key_span("training"),
        help=f"what was written so far lies in {run}",
    )


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
    told.tell(f"{what}; go on with: graphspec train --resume {run}")


def _restore_adapted(model: keras.Model, run: Path) -> None:
    """Give preprocessing layers what they have learnt before the first step; their weights are in the checkpoint."""
    file = run / run_directory.ADAPTED
    saved = run_directory.read_json(file) if file.exists() else {}
    try:
        if left := restore(model, saved):
            raise ValueError(f"it does not tell what `{left[0]}` has learnt")
    except Exception as error:
        raise SpecError.of(
            BAD_RUN, f"{file} cannot be used: {error}", help="the run is damaged; train again"
        ) from error


def _check_samples(prepared: Prepared, record: dict[str, Any], run: Path) -> None:
    """Raise SpecError where the data no longer holds as many samples: then nothing could go on as it was."""
    now = _samples(prepared)
    was = record.get("samples", now)
    if now != was:
        raise SpecError.of(
            BAD_RUN,
            f"{run} was trained on {was['train']} samples and validated on {was['validation']}; now there are "
            f"{now['train']} and {now['validation']}",
            help="restore the data, or begin a new run from the run's model with `training.initial_weights`",
        )


def _samples(prepared: Prepared) -> dict[str, int]:
    validation = prepared.validation
    return {"train": prepared.samples.count, "validation": validation.count if validation is not None else 0}


def _record(prepared: Prepared) -> dict[str, Any]:
    return {
        "status": "running",
        "name": prepared.spec.name,
        "spec": str(prepared.spec.path),
        "started": _now(),
        "seed": prepared.settings.seed,
        "samples": _samples(prepared),
        "steps_per_execution": int(prepared.model.steps_per_execution),
    }


def _lock(seed: int) -> dict[str, Any]:
    loaded = {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}
    return lock_of(seed, loaded, [each.name for each in tf.config.list_physical_devices()])


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
