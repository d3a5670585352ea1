"""A dry run for `validate --deep`: Keras builds and compiles a valid spec, without weights.

In: one `Spec` after another, in one process. Out: the diagnostics of what Keras refuses, at their nodes and lines.
Plugins are imported, as in every build. A spec that names files of weights is built with its weights as well, to check
that they fit.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import keras

from graphspec.catalog.arguments import MAKING_FOLDERS
from graphspec.diagnostics import Diagnostic, Report, SpecError
from graphspec.diagnostics.rules import REFUSED_TRAINING
from graphspec.language.graph import ExternalModel, ObjectLayer
from graphspec.language.objects import Object
from graphspec.language.training import Stage
from graphspec.language.traversal import every_layer
from graphspec.sources import DataSource
from graphspec.spec import Spec
from graphspec.to_keras import build_spec
from graphspec.to_keras.batch_statistics import batch_statistics
from graphspec.to_keras.freezing import Freezing
from graphspec.to_keras.keras_messages import keras_errors_as
from graphspec.to_keras.learning_rates import learning_rate_factors
from graphspec.to_keras.objects import make
from graphspec.to_keras.weights import load_weights
from graphspec.training.compiling import compile_model
from graphspec.training.monitors import with_mode

_BETWEEN_COLLECTIONS = 20
"""Specs between two garbage collections, one of which takes longer than building a small spec."""


class DryRun:
    """A builder of specs in sequence, each isolated from those before it."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, spec: Spec) -> list[Diagnostic]:
        """Return the diagnostics of Keras for `spec`, without those that are known already."""
        report = Report()
        with self._isolated():
            try:
                report.extend(_build(spec))
            except SpecError as error:
                report.extend(error.report.found)
        known = {(finding.rule, finding.span) for finding in spec.warnings}
        return [finding for finding in report if (finding.rule, finding.span) not in known]

    @contextmanager
    def _isolated(self) -> Iterator[None]:
        """Remove the custom objects of one spec afterwards, and free its memory."""
        objects = keras.saving.get_custom_objects()
        before = dict(objects)
        try:
            yield
        finally:
            objects.clear()
            objects.update(before)
            keras.utils.clear_session(free_memory=False)
            self.count += 1
            if self.count % _BETWEEN_COLLECTIONS == 0:
                gc.collect()


def _build(spec: Spec) -> Iterator[Diagnostic]:
    """Build and compile `spec` as a training would. Raises SpecError if Keras refuses it."""
    settings = spec.model.training
    built = build_spec(spec, weightless=True)
    yield from built.warnings
    if spec.training is not None and settings is not None:
        freezing = Freezing(built, spec.training)
        freezing.count_trained()
        if settings.distribute is not None:
            yield from batch_statistics(freezing, settings.located("distribute").span)
        learning_rate_factors(built, spec.training.multipliers)
        for stage in spec.training.stages:
            if stage is spec.training.stages[0] or stage.optimizer is not spec.training.optimizer:
                with _collected() as diagnostics:
                    _compile(spec, built.model, stage)
                yield from diagnostics
        validates = spec.data is None or spec.data.validation is not None or spec.data.held_out > 0
        for callback in spec.training.callbacks:
            if callback.name in MAKING_FOLDERS:
                continue
            with _collected() as diagnostics:
                make(with_mode(callback, spec, validates=validates))
            yield from diagnostics
    if _takes_weights(spec):
        model = build_spec(spec).model
        if spec.training is not None and spec.training.initial_weights is not None:
            load_weights(model, spec.training.initial_weights)


def _compile(spec: Spec, model: keras.Model, stage: Stage) -> None:
    with keras_errors_as(partial(_not_compiled, spec)):
        compile_model(spec, model, optimizer=stage.optimizer)


def _not_compiled(spec: Spec, why: str) -> SpecError:
    return SpecError.of(
        REFUSED_TRAINING,
        f"Keras refused to compile the model: {why}",
        spec.model.key_span("training"),
        expected="a training that Keras compiles",
    )


@contextmanager
def _collected() -> Iterator[list[Diagnostic]]:
    """Collect the diagnostics of a SpecError instead of raising it."""
    diagnostics: list[Diagnostic] = []
    try:
        yield diagnostics
    except SpecError as error:
        diagnostics += error.report.found


def _takes_weights(spec: Spec) -> bool:
    """Return whether files fill weights of the model, and building it downloads none."""
    weights = [spec.graph.weights, spec.training.initial_weights if spec.training is not None else None]
    layers = list(every_layer(spec.graph))
    if any(isinstance(each, ExternalModel) and "weights" in each.arguments for each in layers):
        return False
    from_files = any(isinstance(each, ExternalModel) and each.path is not None for each in layers)
    filled = any(isinstance(each, ObjectLayer) and _holds_file(each.object) for each in layers)
    return from_files or filled or any(each is not None for each in (*weights, *(layer.weights for layer in layers)))


def _holds_file(argument: Object) -> bool:
    return any(
        isinstance(each, DataSource) or (isinstance(each, Object) and _holds_file(each))
        for each in argument.arguments.values()
    )
