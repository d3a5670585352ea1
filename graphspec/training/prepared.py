"""Spec + samples → what `fit` takes: a compiled model, batches of an epoch, batches to validate on, callbacks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from graphspec.catalog.arguments import CALLBACK_WRITES
from graphspec.checks.written_paths import shared_name, takes_placeholders, written_paths
from graphspec.console.reporter import Reporter
from graphspec.datasets.batches import TrainingBatches, evaluation_batches
from graphspec.datasets.order import Order
from graphspec.datasets.samples import Samples, TrainingData
from graphspec.datasets.targets import fit_targets
from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.render import render
from graphspec.diagnostics.rules import REFUSED_TRAINING
from graphspec.extras import require
from graphspec.language.graph import Object
from graphspec.language.schema import TrainingModel
from graphspec.run_directory import check_inside
from graphspec.spec import Spec
from graphspec.to_keras import build_spec
from graphspec.to_keras.freezing import check_trainable
from graphspec.to_keras.keras_internals import build_symbolically
from graphspec.to_keras.keras_messages import keras_errors_as
from graphspec.to_keras.model import Built
from graphspec.to_keras.objects import make
from graphspec.training.compiling import compile_model
from graphspec.training.metrics import OutputLoss
from graphspec.training.mlflow_log import check_mlflow
from graphspec.training.monitors import with_mode
from graphspec.training.steps_per_execution import steps_per_execution


@dataclass(frozen=True)
class Prepared:
    """A training before its first step. validation is None where nothing is held out; callbacks are as written."""

    spec: Spec
    settings: TrainingModel
    built: Built
    samples: Samples
    validation: Samples | None
    batches: TrainingBatches
    callbacks: list[Object]

    @property
    def model(self) -> keras.Model:
        """The model that is trained."""
        return self.built.model


def prepare(spec: Spec, data: TrainingData, reporter: Reporter, *, pretrained: bool) -> Prepared:
    """Build the model of `spec` and its batches, the seed set. Raises SpecError where spec and data do not fit.

    pretrained: models get the weights that the spec names for them.
    """
    assert spec.training is not None
    assert spec.model.training is not None
    settings = spec.model.training
    check_mlflow(settings)
    keras.utils.set_random_seed(settings.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    built = build_spec(spec, precision=spec.model.precision, pretrained=pretrained)
    if len(built.warnings):
        reporter.info(render(built.warnings))
    for split in (data.train, data.validation):
        if split is not None and split.left_out:
            reporter.warn(_left_out(split))
    samples = fit_targets(spec.graph, built.model, data.train)
    validation = fit_targets(spec.graph, built.model, data.validation) if data.validation is not None else None
    order = Order(samples.count, settings.batch_size, settings.seed)
    batches = TrainingBatches(spec.graph, samples, order, settings.steps_per_epoch)
    freeze = settings.located("freeze").span if settings.freeze else spec.model.key_span("training")
    check_trainable(built.model, freeze)
    callbacks = [with_mode(each, spec, validates=validation is not None) for each in spec.training.callbacks]
    for each in callbacks:
        if each.name == "TensorBoard":
            require(
                "tensorboard", "TensorBoard", "the callback `TensorBoard` needs TensorBoard", "graphspec[tensorboard]"
            )
    return Prepared(spec, settings, built, samples, validation, batches, callbacks)


def compile_for(prepared: Prepared, together: int | None) -> dict[str, OutputLoss]:
    """Compile the model, and build its metrics and its optimizer; give the metric of each trained output's loss.

    together: how many steps are taken at a time; None for what the spec says. Raises SpecError where a loss or a metric
    does not fit.
    """
    model = prepared.model
    steps = together or steps_per_execution(prepared.settings, model, prepared.batches.steps)
    with keras_errors_as(partial(_not_trained, prepared.spec)):
        losses = compile_model(prepared.spec, model, steps_per_execution=steps)
        build_symbolically(model, prepared.batches.dataset.element_spec)
    return losses


def _not_trained(spec: Spec, why: str) -> SpecError:
    """Return the error for a loss or a metric that does not fit the predictions or the targets."""
    return SpecError.of(
        REFUSED_TRAINING,
        f"Keras cannot train the model so: {why}",
        spec.model.key_span("training"),
        help="compare the losses and metrics of the outputs with their shapes, and with the targets",
    )


def validation_batches(prepared: Prepared) -> tf.data.Dataset | None:
    """The batches that each validation reads."""
    if prepared.validation is None:
        return None
    return evaluation_batches(prepared.spec.graph, prepared.validation, prepared.settings.batch_size)


def make_callbacks(prepared: Prepared, run: Path) -> list[Any]:
    """The callbacks of the spec, their paths below `run`. Raises SpecError where one of them leads out of it."""
    for each in paths_of(prepared):
        each.check(run)
    return [_callback(each, run) for each in prepared.callbacks]


@dataclass(frozen=True)
class Written:
    """A path that a callback writes to, as the spec has it. within_epochs: after some steps, not after epochs alone."""

    text: str
    span: Span
    takes_placeholders: bool
    shared: str
    within_epochs: bool

    def check(self, run: Path, *, may_link: bool = False) -> None:
        """Raise SpecError where nothing must be written there, as `run` is now. may_link: see `check_inside`."""
        check_inside(
            run,
            self.text,
            self.span,
            takes_placeholders=self.takes_placeholders,
            shared=self.shared,
            may_link=may_link,
        )


def paths_of(prepared: Prepared) -> list[Written]:
    """Every path that the callbacks of the spec write to."""
    stated = prepared.spec.training.callbacks if prepared.spec.training is not None else []
    return [
        Written(
            text,
            each.span_of(name),
            takes_placeholders(each),
            shared_name(as_stated, prepared.settings),
            each.arguments.get("save_freq", "epoch") != "epoch",
        )
        for each, as_stated in zip(prepared.callbacks, stated, strict=True)
        for name, text in written_paths(each).items()
    ]


def _callback(each: Object, folder: Path) -> Any:
    paths = {}
    for name, text in written_paths(each).items():
        known = CALLBACK_WRITES.get(each.name)
        if known is None or not known.takes_placeholders:
            made = folder / text if known is not None and known.entries else (folder / text).parent
            made.mkdir(parents=True, exist_ok=True)
            paths[name] = str(folder / text)
        else:
            paths[name] = f"{_escaped(str(folder))}/{text}"
    return make(replace(each, arguments={**each.arguments, **paths}))


def _escaped(text: str) -> str:
    """Return `text` so that Keras, which fills in what stands in braces, leaves it as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def _left_out(samples: Samples, most: int = 5) -> str:
    """The samples that are not among those trained on, by the first of their files."""
    names, count = ", ".join(samples.left_out[:most]), len(samples.left_out)
    split = samples.sources.name if samples.sources is not None else ""
    return f"{count:,} samples of {split} are left out, whose files cannot be read: {names}{', ...' * (count > most)}"
