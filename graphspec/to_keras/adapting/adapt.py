"""Preprocessing layers that learn from data are adapted on the training split, before the training.

A layer learns from all that reaches it: at every place where it is applied, inside nested models and wrappers too. What
reaches it may come through other layers that learn; those are adapted before it. The split is read in pieces, once for
all layers that do not wait for one another.

A layer that already knows what it does is left as it is: by its arguments, from a `.keras` file that its model or the
whole model takes weights from, or as a part of a model from elsewhere. (A file `.weights.h5` holds what `Normalization`
knows, which is loaded over what it learns here, and no vocabulary.) `freeze` and `trainable` say what training changes,
and nothing here.
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
from graphspec.language.graph import Graph, Weights
from graphspec.spec import Spec
from graphspec.to_keras.adapted import has_learnt, keep, learning_layers, restore, saved_in
from graphspec.to_keras.adapting.layer_inputs import Place, learning_places
from graphspec.to_keras.adapting.learners import learner_of
from graphspec.to_keras.keras_messages import keras_errors_as
from graphspec.to_keras.model import Built

_NUMBERS = 1 << 20
"""About so many numbers of the inputs are read at a time."""

_ROWS = 1 << 13
"""The most samples that are read at a time."""


def adapt(spec: Spec, built: Built, samples: Samples, console: Console | None = None) -> list[str]:
    """Adapt every layer of `built` that learns from data and knows nothing yet, on `samples`; give their names.

    console: where it is told what goes on. Raises SpecError where a layer cannot learn from what reaches it.
    """
    _take_over(spec, built)
    places = learning_places(built)
    waiting = {id(each.layer): each.layer for each in places}
    while waiting:
        ready = _ready(places, waiting)
        _learn(spec, samples, ready, console)
        for each in ready:
            waiting.pop(id(each.layer), None)
    for path, layer in learning_layers(built.model).items():
        if has_learnt(layer):
            _keep(path, layer, spec)
    return list(dict.fromkeys(each.layer.name for each in places))


def _take_over(spec: Spec, built: Built) -> None:
    """Give layers what they know in the files that weights were loaded from."""
    if spec.training is not None and spec.training.initial_weights is not None:
        _take(built.model, spec.training.initial_weights)
    for layer, made in built.layers.items():
        if layer.weights is not None:
            _take(made, layer.weights)


def _take(model: Any, weights: Weights) -> None:
    waiting = any(not has_learnt(layer) for layer in learning_layers(model).values())
    if not (waiting and weights.path.suffix == ".keras" and is_file(weights.path)):
        return
    with keras_errors_as(partial(_unfit, weights)):
        restore(model, saved_in(weights.path))


def _unfit(weights: Weights, why: str) -> SpecError:
    """The finding that a file does not tell what layers have learnt."""
    return SpecError.of(
        UNREADABLE_DATA,
        f"{weights.text} does not give the preprocessing layers what they learn from data: {why}",
        weights.span,
        expected="a model whose layers of the same names have the same arguments",
    )


def _keep(path: str, layer: Any, spec: Spec) -> None:
    try:
        keep(layer)
    except ValueError as error:
        raise SpecError.of(
            REFUSED_TRAINING, f"the vocabulary of `{path}` cannot be saved: {error}", spec.model.key_span("training")
        ) from error


def _ready(places: list[Place], waiting: dict[int, Any]) -> list[Place]:
    """The places of layers that wait for no other.

    Where each of them waits for another, the first one goes ahead, without the places that others lie before.
    """
    open_places = [each for each in places if id(each.layer) in waiting]
    blocked = {id(each.layer) for each in open_places if each.through & waiting.keys()}
    ready = [each for each in open_places if id(each.layer) not in blocked]
    first = open_places[0].layer
    return ready or [each for each in open_places if each.layer is first and not each.through & waiting.keys()]


def _learn(spec: Spec, samples: Samples, places: list[Place], console: Console | None) -> None:
    """Let the layers of `places` learn, in one reading of `samples`."""
    names = frozenset(chain.from_iterable(each.inputs for each in places))
    inputs = {name: each for name, each in spec.graph.inputs.items() if name in names}
    batches = input_batches(replace(spec.graph, inputs=inputs), samples, _rows(spec.graph, samples, inputs))
    learners = {id(each.layer): learner_of(each.layer) for each in places}

    reached = tf.function(lambda batch: [each.reached_by(batch) for each in places], reduce_retracing=True)
    began = time.monotonic()
    title = ", ".join(dict.fromkeys(each.layer.name for each in places))
    with raise_faults(samples.faults), progress_bar(console, "{task.description}", "samples") as bar:
        task = bar.add_task(f"adapting {escaped(title)}", total=samples.count)
        for batch in batches:
            with keras_errors_as(partial(_blaming, places[0].span, title)):
                values = reached(batch)
            for place, value in zip(places, values, strict=True):
                with keras_errors_as(partial(_blaming, place.span, place.layer.name)):
                    learners[id(place.layer)].update(value)
            bar.advance(task, len(next(iter(batch.values()))))
    for place in places:
        learner = learners.pop(id(place.layer), None)
        if learner is not None:
            with keras_errors_as(partial(_blaming, place.span, place.layer.name)):
                learner.finish()
    if console is not None:
        seconds = time.monotonic() - began
        print_line(console, f"adapted {title} on {samples.count:,} samples  {seconds:.1f} s")


def _rows(graph: Graph, samples: Samples, inputs: Iterable[str]) -> int:
    fixed = [graph.inputs[name].batch_size for name in inputs]
    if any(fixed):
        return max(each for each in fixed if each is not None)
    numbers = sum(prod(samples.inputs[name].shape[1:]) for name in inputs)
    return max(1, min(_ROWS, _NUMBERS // max(1, numbers)))


def _blaming(span: Span, name: str, why: str) -> SpecError:
    """The finding that a layer cannot learn."""
    return SpecError.of(
        REFUSED_TRAINING,
        f"`{name}` cannot learn from the training split: {why}",
        span,
        help="mend the data, or give the layer as arguments what it is to know",
    )
