"""The setup of a training: the model, batches and callbacks for `fit`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from graphspec.catalog.arguments import CALLBACK_WRITES
from graphspec.checks.callback_paths import shared_name, takes_placeholders, written_paths
from graphspec.console.reporter import Reporter
from graphspec.datasets.batches import TrainingBatches, evaluation_batches
from graphspec.datasets.order import Order, Part
from graphspec.datasets.samples import Samples, TrainingData
from graphspec.datasets.targets import fit_targets
from graphspec.diagnostics import Report, Span, SpecError
from graphspec.diagnostics.render import render
from graphspec.diagnostics.rules import REFUSED_TRAINING
from graphspec.distribution.strategy import Distribution
from graphspec.extras import require
from graphspec.language.objects import Object
from graphspec.language.schema import TrainingModel
from graphspec.language.training import Stage
from graphspec.run_directory import check_inside
from graphspec.spec import Spec
from graphspec.to_keras import build_spec
from graphspec.to_keras.batch_statistics import batch_statistics
from graphspec.to_keras.freezing import Freezing
from graphspec.to_keras.keras_internals import build_symbolically, multiply_learning_rates
from graphspec.to_keras.keras_messages import keras_errors_as
from graphspec.to_keras.learning_rates import learning_rate_factors
from graphspec.to_keras.model import Built
from graphspec.to_keras.objects import make
from graphspec.training.compiling import compile_model
from graphspec.training.metrics import LossMean
from graphspec.training.mlflow_log import check_mlflow
from graphspec.training.monitors import with_mode
from graphspec.training.steps_per_execution import choose_steps_per_execution


@dataclass(frozen=True, kw_only=True)
class TrainingSetup:
    """A training before its first step.

    Attributes:
        freezing: The layers that each stage freezes.
        trained: The number of weights that each stage trains.
        multipliers: Variables with the factor of their learning rate.
    """

    spec: Spec
    settings: TrainingModel
    built: Built
    samples: Samples
    validation: Samples | None
    batches: TrainingBatches
    callbacks: list[Object]
    freezing: Freezing
    trained: list[int]
    multipliers: list[tuple[Any, float]]
    distribution: Distribution | None = None

    @property
    def part(self) -> Part | None:
        """Return the part of each batch that this process reads; None for all of it."""
        return self.distribution.part if self.distribution is not None else None

    @property
    def model(self) -> keras.Model:
        """Return the model that is trained."""
        return self.built.model

    @property
    def stages(self) -> list[Stage]:
        """Return the stages of the training, one at least."""
        assert self.spec.training is not None
        return self.spec.training.stages


def set_up(
    spec: Spec,
    data: TrainingData,
    reporter: Reporter,
    *,
    pretrained: bool,
    distribution: Distribution | None = None,
) -> TrainingSetup:
    """Set the seed, and build the model of `spec` and its batches.

    Args:
        spec: A spec with `training`.
        data: The samples to train on and to validate on.
        reporter: Receives warnings of the build and of samples left out.
        pretrained: Whether models load the weights that the spec names for them.
        distribution: The replicas that share the batches.

    Raises:
        SpecError: The spec and the data do not fit, or a package is missing.
    """
    assert spec.training is not None
    assert spec.model.training is not None
    settings = spec.model.training
    check_mlflow(settings)
    keras.utils.set_random_seed(settings.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    built = build_spec(spec, pretrained=pretrained)
    freezing = Freezing(built, spec.training)
    trained = freezing.count_trained()
    warnings = Report(list(built.warnings))
    if distribution is not None:
        warnings.extend(batch_statistics(freezing, settings.located("distribute").span))
    if len(warnings):
        reporter.info(render(warnings))
    for split in (data.train, data.validation):
        if split is not None and split.left_out:
            reporter.warn(_left_out(split))
    if settings.has_automatic_batch_size:
        reporter.info(f"batch_size: {settings.batch_size}, by the shapes of the model")
    samples = fit_targets(spec.graph, built.model, data.train)
    validation = fit_targets(spec.graph, built.model, data.validation) if data.validation is not None else None
    order = Order(samples.count, settings.batch_size, settings.seed, drop_remainder=settings.drop_remainder)
    part = distribution.part if distribution is not None else None
    batches = TrainingBatches(spec.graph, samples, order, settings.steps_per_epoch, part=part)
    for stage in spec.training.stages[1:]:
        make(stage.optimizer)  # what Keras refuses, it refuses before the first stage
    multipliers = learning_rate_factors(built, spec.training.multipliers)
    callbacks = [with_mode(each, spec, validates=validation is not None) for each in spec.training.callbacks]
    for each in callbacks:
        if each.name == "TensorBoard":
            require("tensorboard", "TensorBoard", "the callback `TensorBoard` needs TensorBoard")
    return TrainingSetup(
        spec=spec,
        settings=settings,
        built=built,
        samples=samples,
        validation=validation,
        batches=batches,
        callbacks=callbacks,
        freezing=freezing,
        trained=trained,
        multipliers=multipliers,
        distribution=distribution,
    )


def compile_setup(
    setup: TrainingSetup, recorded_steps: int | None, stage: int = 0, optimizer: Object | None = None
) -> dict[str, LossMean]:
    """Compile the model for a stage of the training, and build its metrics and its optimizer.

    Args:
        setup: The training.
        stage: The number of the stage, from 0.
        optimizer: Another optimizer than that of the stage.
        recorded_steps: The steps per execution of the run that is resumed; None for those of the spec.

    Returns:
        The loss metric of each trained output.

    Raises:
        SpecError: A loss or a metric does not fit the outputs or the targets.
    """
    model, distribution = setup.model, setup.distribution
    steps = recorded_steps or 1  # TensorFlow cannot reduce between devices in a loop of several steps
    if distribution is None and recorded_steps is None:
        steps = choose_steps_per_execution(setup.settings, model, setup.batches.steps)
    with keras_errors_as(partial(_not_trained, setup.spec)):
        losses = compile_model(
            setup.spec,
            model,
            optimizer=optimizer or setup.stages[stage].optimizer,
            steps_per_execution=steps,
            shared=distribution is not None,
        )
        if setup.multipliers:
            multiply_learning_rates(model.optimizer, setup.multipliers)
        element = setup.batches.dataset.element_spec
        build_symbolically(model, element if distribution is None else element[0][0])
    return losses


def _not_trained(spec: Spec, why: str) -> SpecError:
    """Return the error for a loss or metric that does not fit outputs or targets."""
    return SpecError.of(
        REFUSED_TRAINING,
        f"Keras cannot train the model: {why}",
        spec.model.key_span("training"),
        help="compare the losses and metrics of the outputs with their shapes, and with the targets",
    )


def validation_batches(setup: TrainingSetup) -> tf.data.Dataset | None:
    """Return the batches of one validation, or None without validation data."""
    if setup.validation is None:
        return None
    return evaluation_batches(setup.spec.graph, setup.validation, setup.settings.batch_size, setup.part)


def make_callbacks(setup: TrainingSetup, run: Path) -> list[Any]:
    """Make the callbacks of the spec. Raises SpecError if a path leaves `run`."""
    for each in callback_paths(setup):
        each.check(run)
    return [_callback(each, run) for each in setup.callbacks]


@dataclass(frozen=True, kw_only=True)
class CallbackPath:
    """A path that a callback writes to, with `within_epochs` also between two steps."""

    text: str
    span: Span
    takes_placeholders: bool
    shared: str
    within_epochs: bool

    def check(self, run: Path, *, may_link: bool = False) -> None:
        """Raise SpecError if writing there is unsafe in the present `run`; see `check_inside`."""
        check_inside(
            run,
            self.text,
            self.span,
            takes_placeholders=self.takes_placeholders,
            shared=self.shared,
            may_link=may_link,
        )


def callback_paths(setup: TrainingSetup) -> list[CallbackPath]:
    """Return every path that the callbacks of the spec write to."""
    stated = setup.spec.training.callbacks if setup.spec.training is not None else []
    return [
        CallbackPath(
            text=text,
            span=each.span_of(name),
            takes_placeholders=takes_placeholders(each),
            shared=shared_name(as_stated, setup.settings),
            within_epochs=each.arguments.get("save_freq", "epoch") != "epoch",
        )
        for each, as_stated in zip(setup.callbacks, stated, strict=True)
        for name, text in written_paths(each).items()
    ]


def _callback(each: Object, folder: Path) -> Any:
    paths = {}
    for name, text in written_paths(each).items():
        known = CALLBACK_WRITES.get(each.name)
        if known is None or not known.takes_placeholders:
            parent = folder / text if known is not None and known.entries else (folder / text).parent
            parent.mkdir(parents=True, exist_ok=True)
            paths[name] = str(folder / text)
        else:
            paths[name] = f"{_escaped(str(folder))}/{text}"
    return make(replace(each, arguments={**each.arguments, **paths}))


def _escaped(text: str) -> str:
    """Escape the braces of `text`, which Keras takes for placeholders."""
    return text.replace("{", "{{").replace("}", "}}")


def _left_out(samples: Samples, limit: int = 5) -> str:
    """Return the warning that samples are left out, with the first of their files."""
    names, count = ", ".join(samples.left_out[:limit]), len(samples.left_out)
    split = samples.sources.name if samples.sources is not None else ""
    more = ", ..." if count > limit else ""
    return f"{count:,} samples of {split} are left out because their files cannot be read: {names}{more}"
