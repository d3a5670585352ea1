"""Adapting of preprocessing layers on the training split, before the training.

A layer adapts to its inputs at all of its calls, inside nested models and wrappers too. If other adaptable layers
compute its input, they are adapted first. The split is read in batches, once for all layers that wait for no other.

A layer that has state already is left as it is: from its arguments, from a `.keras` file of weights, or as a part of an
external model. (A `.weights.h5` file holds the state of `Normalization`, which later overwrites the adapted one, and no
vocabulary.) `freeze` and `trainable` do not apply here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import chain
from math import prod
from typing import Any

import tensorflow as tf
from rich.console import Console

from graphspec.console.cells import print_line
from graphspec.console.progress_bar import progress_bar
from graphspec.datasets.batches import input_batches
from graphspec.datasets.faults import raise_faults
from graphspec.datasets.samples import Samples
from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.rules import REFUSED_TRAINING, UNREADABLE_DATA
from graphspec.files import is_file
from graphspec.language.graph import Graph
from graphspec.language.objects import Weights
from graphspec.spec import Spec
from graphspec.to_keras.adapted_layers import (
    adaptable_layers,
    is_adapted,
    restore_configs,
    saved_configs,
    store_vocabulary,
)
from graphspec.to_keras.adapting.layer_inputs import LayerInput, find_layer_inputs
from graphspec.to_keras.adapting.learners import learner_of
from graphspec.to_keras.keras_messages import keras_errors_as
from graphspec.to_keras.model import Built

_BATCH_NUMBERS = 1 << 20
"""Numbers of the inputs in a batch, approximately."""

_MAX_BATCH = 1 << 13
"""Samples in a batch."""


def adapt(spec: Spec, built: Built, samples: Samples, console: Console | None = None) -> list[str]:
    """Adapt every adaptable layer without state.

    Args:
        spec: the spec of the model.
        built: its model.
        samples: the training split.
        console: where to print progress; None for nowhere.

    Returns:
        The names of the adapted layers.

    Raises:
        SpecError: a layer cannot adapt to its input.
    """
    _restore_from_files(spec, built)
    layer_inputs = find_layer_inputs(built)
    waiting = {id(each.layer): each.layer for each in layer_inputs}
    while waiting:
        ready = _ready(layer_inputs, waiting)
        _adapt_layers(spec, samples, ready, console)
        for each in ready:
            waiting.pop(id(each.layer), None)
    for path, layer in adaptable_layers(built.model).items():
        if is_adapted(layer):
            _store(path, layer, spec)
    return list(dict.fromkeys(each.layer.name for each in layer_inputs))


def _restore_from_files(spec: Spec, built: Built) -> None:
    """Restore the state of layers from the files that weights were loaded from."""
    if spec.training is not None and spec.training.initial_weights is not None:
        _restore(built.model, spec.training.initial_weights)
    if spec.graph.weights is not None:
        _restore(built.model, spec.graph.weights)
    for layer, keras_layer in built.layers.items():
        if layer.weights is not None:
            _restore(keras_layer, layer.weights)


def _restore(model: Any, weights: Weights) -> None:
    waiting = any(not is_adapted(layer) for layer in adaptable_layers(model).values())
    if not (waiting and weights.path.suffix == ".keras" and is_file(weights.path)):
        return
    with keras_errors_as(partial(_misfit, weights)):
        saved = saved_configs(weights.path)
        origins = {path: weights.path_in_file(path) for path in adaptable_layers(model)}
        restore_configs(model, {path: saved[was] for path, was in origins.items() if was is not None and was in saved})


def _misfit(weights: Weights, why: str) -> SpecError:
    """Return the error for a file without the state of the layers."""
    return SpecError.of(
        UNREADABLE_DATA,
        f"{weights.text} does not give the preprocessing layers what they learn from data: {why}",
        weights.span,
        expected="a model whose layers of the same names have the same arguments",
    )


def _store(path: str, layer: Any, spec: Spec) -> None:
    try:
        store_vocabulary(layer)
    except ValueError as error:
        raise SpecError.of(
            REFUSED_TRAINING, f"the vocabulary of `{path}` cannot be saved: {error}", spec.model.key_span("training")
        ) from error


def _ready(layer_inputs: list[LayerInput], waiting: dict[int, Any]) -> list[LayerInput]:
    """Return the inputs of layers that wait for no other layer.

    If they all wait for one another, return those inputs of the first layer that depend on no waiting layer.
    """
    pending = [each for each in layer_inputs if id(each.layer) in waiting]
    blocked = {id(each.layer) for each in pending if each.upstream & waiting.keys()}
    ready = [each for each in pending if id(each.layer) not in blocked]
    first = pending[0].layer
    return ready or [each for each in pending if each.layer is first and not each.upstream & waiting.keys()]


def _adapt_layers(spec: Spec, samples: Samples, layer_inputs: list[LayerInput], console: Console | None) -> None:
    """Adapt the layers of `layer_inputs` in one pass over the samples."""
    names = frozenset(chain.from_iterable(each.inputs for each in layer_inputs))
    inputs = {name: each for name, each in spec.graph.inputs.items() if name in names}
    batches = input_batches(replace(spec.graph, inputs=inputs), samples, _batch_size(spec.graph, samples, inputs))
    learners = {id(each.layer): learner_of(each.layer) for each in layer_inputs}
    compute = tf.function(lambda batch: [each.compute(batch) for each in layer_inputs], reduce_retracing=True)
    began = time.monotonic()
    title = ", ".join(dict.fromkeys(each.layer.name for each in layer_inputs))
    with raise_faults(samples.faults), progress_bar(console, "{task.description}", "samples") as bar:
        task = bar.add_task(f"adapting {escaped(title)}", total=samples.count)
        for batch in batches:
            with keras_errors_as(partial(_refusal, layer_inputs[0].span, title)):
                values = compute(batch)
            for each, value in zip(layer_inputs, values, strict=True):
                with keras_errors_as(partial(_refusal, each.span, each.layer.name)):
                    learners[id(each.layer)].update(value)
            bar.advance(task, len(next(iter(batch.values()))))
    for each in layer_inputs:
        learner = learners.pop(id(each.layer), None)
        if learner is not None:
            with keras_errors_as(partial(_refusal, each.span, each.layer.name)):
                learner.finish()
    if console is not None:
        seconds = time.monotonic() - began
        print_line(console, f"adapted {title} on {samples.count:,} samples  {seconds:.1f} s")


def _batch_size(graph: Graph, samples: Samples, inputs: Iterable[str]) -> int:
    fixed = [graph.inputs[name].batch_size for name in inputs]
    if any(fixed):
        return max(each for each in fixed if each is not None)
    numbers = sum(prod(samples.inputs[name].shape[1:]) for name in inputs)
    return max(1, min(_MAX_BATCH, _BATCH_NUMBERS // max(1, numbers)))


def _refusal(span: Span, name: str, why: str) -> SpecError:
    """Return the error for a layer that cannot adapt."""
    return SpecError.of(
        REFUSED_TRAINING,
        f"`{name}` cannot learn from the training split: {why}",
        span,
        help="correct the data, or state as arguments of the layer what it would learn",
    )
