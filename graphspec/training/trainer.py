"""Spec + samples → a trained model in a run directory."""

from __future__ import annotations

import platform
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from rich.console import Console

from graphspec import run_directory
from graphspec.adapting import adapt
from graphspec.catalog.arguments import CALLBACK_PATHS
from graphspec.datasets.batches import TrainingBatches, evaluation_batches
from graphspec.datasets.data_files import DataFiles
from graphspec.datasets.faults import told
from graphspec.datasets.order import Order
from graphspec.datasets.samples import Samples, TrainingData
from graphspec.datasets.targets import fit_targets
from graphspec.diagnostics import SpecError
from graphspec.extras import require
from graphspec.graph import Object
from graphspec.report.full import render
from graphspec.rules import REFUSED_TRAINING
from graphspec.spec import Spec
from graphspec.to_keras import build_spec
from graphspec.to_keras.freezing import check_trainable
from graphspec.to_keras.messages import reason
from graphspec.to_keras.objects import make
from graphspec.to_keras.weights import load_weights
from graphspec.training.checkpoint import checkpoints
from graphspec.training.compiling import compile_model
from graphspec.training.metrics import Measured, TrueLosses, measured
from graphspec.training.monitors import with_mode
from graphspec.training.pace import steps_per_execution
from graphspec.training.progress import ShowProgress
from graphspec.version import __version__


def train(spec: Spec, data: TrainingData, folder: Path | None, *, progress: bool = False) -> Path:
    """Train the model of `spec` on `data`, and give the run directory. See `graphspec.train`.

    A run that is stopped (Ctrl-C) keeps the model and the history as they stand, and is marked so.
    """
    assert spec.training is not None
    assert spec.model.training is not None
    settings = spec.model.training
    keras.utils.set_random_seed(settings.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    console = Console(stderr=True)
    built = build_spec(spec, precision=settings.precision)
    model = built.model
    if progress and len(built.warnings):
        console.print(render(built.warnings), highlight=False, markup=False, soft_wrap=True)
    for split in (data.train, data.validation):
        if split is not None and split.left_out:
            console.print(f"warning: {_left_out(split)}", highlight=False, markup=False, soft_wrap=True)
    samples = fit_targets(spec, model, data.train)
    validation = fit_targets(spec, model, data.validation) if data.validation is not None else None
    order = Order(samples.count, settings.batch_size, settings.seed)
    batches = TrainingBatches(spec.graph, samples, order, settings.steps_per_epoch)
    check_trainable(model, settings.located("freeze").span if settings.freeze else spec.model.key_span("training"))
    adapt(spec, built, samples, console if progress else None)
    started_from = load_weights(model, spec.training.initial_weights) if spec.training.initial_weights else None
    if progress and started_from is not None:
        console.print(f"{started_from.file}: {started_from}", highlight=False, markup=False, soft_wrap=True)
    compile_model(spec, model, steps_per_execution=steps_per_execution(settings, model, batches.steps))
    written = [with_mode(each, spec, validates=validation is not None) for each in spec.training.callbacks]
    for each in written:
        if each.name == "TensorBoard":
            require(
                "tensorboard", "TensorBoard", "the callback `TensorBoard` needs TensorBoard", "graphspec[tensorboard]"
            )
    run = run_directory.create(spec, folder)
    run_directory.write_spec(run, spec)
    if data.vocabularies:
        run_directory.write_json(run / run_directory.VOCABULARIES, dict(data.vocabularies))
    record = _record(spec, samples.count, validation.count if validation is not None else 0)
    if data.train.left_out:
        record["left_out"] = list(data.train.left_out)
    if started_from is not None:
        record["initial_weights"] = started_from.as_json()
    read = [each.sources for each in (data.train, data.validation) if each is not None and each.sources is not None]
    files = DataFiles(read, run)
    files.start_recording()
    recorder = _Recorder(run, record, files, console)
    starter = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: batches.start(epoch))
    callbacks: list[Any] = [starter, TrueLosses(), *(_callback(each, run) for each in written), recorder]
    if settings.checkpoint is not None:
        callbacks.append(checkpoints(spec, settings.checkpoint, run, batches.steps, validates=validation is not None))
    if progress:
        callbacks.insert(2, ShowProgress(spec.graph.outputs, console, epochs=settings.epochs, steps=batches.steps))
    try:
        with told(samples.faults, validation.faults if validation is not None else []):
            _fit(
                model,
                batches.dataset,
                epochs=settings.epochs,
                validation_data=evaluation_batches(spec.graph, validation, settings.batch_size) if validation else None,
                validation_freq=settings.validation_freq,
                callbacks=callbacks,
                shuffle=False,
                verbose=0,
            )
    except KeyboardInterrupt:
        _save(model, run, recorder, "stopped")
        raise
    except SpecError:
        recorder.finish("failed")
        raise
    except Exception as error:
        recorder.finish("failed")
        raise SpecError.of(
            REFUSED_TRAINING,
            f"the training failed: {reason(error)}",
            spec.model.key_span("training"),
            help=f"what was written so far lies in {run}",
        ) from error
    _save(model, run, recorder, "finished")
    return run


def _fit(model: keras.Model, *arguments: Any, **keywords: Any) -> None:
    """`model.fit`, without the warning that an output with `loss: null` leaves variables without gradients."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Gradients do not exist for variables")
        model.fit(*arguments, **keywords)


def _left_out(samples: Samples, most: int = 5) -> str:
    """The samples that are not among those trained on, by the first of their files."""
    names, count = ", ".join(samples.left_out[:most]), len(samples.left_out)
    split = samples.sources.name if samples.sources is not None else ""
    return f"{count:,} samples of {split} are left out, whose files cannot be read: {names}{', ...' * (count > most)}"


def _save(model: keras.Model, run: Path, recorder: _Recorder, status: str) -> None:
    run_directory.write(run / run_directory.MODEL, model.save)
    recorder.finish(status)


def _callback(each: Object, folder: Path) -> Any:
    """The callback, its paths below the run directory."""
    paths = {name: str(folder / value) for name, value in each.arguments.items() if name in CALLBACK_PATHS}
    for path in paths.values():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    return make(replace(each, arguments={**each.arguments, **paths}))


def _record(spec: Spec, train_samples: int, validation_samples: int) -> dict[str, Any]:
    assert spec.model.training is not None
    return {
        "status": "running",
        "name": spec.name,
        "spec": str(spec.path),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "seed": spec.model.training.seed,
        "samples": {"train": train_samples, "validation": validation_samples},
        "versions": {
            "graphspec": __version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "python": platform.python_version(),
        },
    }


class _Recorder(keras.callbacks.Callback):
    """Writes the history and the run's record after every epoch, so that a killed run still tells what it reached."""

    def __init__(self, folder: Path, record: dict[str, Any], files: DataFiles, console: Console) -> None:
        super().__init__()
        self.folder = folder
        self.record = record
        self.files = files
        self.console = console
        self.history: dict[str, list[Measured]] = {}
        self.epochs: list[int] = []
        self.began = time.monotonic()
        run_directory.write_json(folder / run_directory.RECORD, record)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        values = {name: measured(value) for name, value in (logs or {}).items()}
        for name in values:
            self.history.setdefault(name, [None] * len(self.epochs))
        self.epochs.append(epoch)
        for name, series in self.history.items():
            series.append(values.get(name))
        self.record["metrics"] = values
        self._tell_of_changes()
        run_directory.write_json(self.folder / run_directory.HISTORY, {"epoch": self.epochs, **self.history})

    def _tell_of_changes(self) -> None:
        """Say once of each data file that it has changed since the training began."""
        known = self.record.setdefault("data_changed", [])
        for name in self.files.changed():
            if name not in known:
                known.append(name)
                self.console.print(
                    f"warning: {name} has changed since the training began; the epochs are not of the same data",
                    highlight=False,
                    soft_wrap=True,
                )

    def finish(self, status: str) -> None:
        self.record |= {
            "status": status,
            "data": self.files.recorded(),
            "epochs": len(self.epochs),
            "seconds": round(time.monotonic() - self.began, 3),
        }
        run_directory.write_json(self.folder / run_directory.RECORD, self.record)
