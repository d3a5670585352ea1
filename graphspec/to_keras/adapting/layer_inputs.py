"""Where in a model the layers lie that learn from data, and what of a batch of its inputs reaches them there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import REFUSED_TRAINING
from graphspec.language.graph import ExternalModel, Graph, NestedModel
from graphspec.to_keras.adapted import LEARNING, has_learnt, learning_layers
from graphspec.to_keras.keras_internals import call_behind, recursion_limit_for
from graphspec.to_keras.model import Built

_MOST = 256
"""The most places that are looked for: models that are applied many times inside such models multiply them."""


def learning_places(built: Built) -> list[Place]:
    """The places of all layers that are yet to learn, in the order of the spec; none that a layer itself lies before.

    Layers of models from elsewhere are not among them. Raises SpecError for one that lies where this cannot be told.
    """
    return _Finder(built).found()


Stage = Callable[[Any], Any]


@dataclass(frozen=True)
class Place:
    """A layer at one of its applications: `stages` make of a batch what reaches it, and run the layers `through`."""

    layer: Any
    span: Span
    stages: tuple[Stage, ...]
    through: frozenset[int]
    inputs: frozenset[str]

    def reached_by(self, batch: dict[str, Any]) -> Any:
        """What reaches the layer of a batch of the model's inputs."""
        value: Any = batch
        for stage in self.stages:
            value = stage(value)
        return value


class _Part:
    """The part of a graph that gives `wanted`: tensors of it, alone or by name."""

    def __init__(self, inputs: dict[str, Any], wanted: Any) -> None:
        names = {id(tensor): name for name, tensor in inputs.items()}
        self.inputs = {names[id(each)]: each for each in _sources(wanted)}
        self.only = next(iter(inputs)) if len(inputs) == 1 else None
        self.model = keras.Model(self.inputs, wanted)

    def __call__(self, given: Any) -> Any:
        if self.only is not None and not isinstance(given, dict):
            given = {self.only: given}
        return self.model({name: given[name] for name in self.inputs}, training=False)


class _Finder:
    """Finds the places of all layers that are to learn, in the order of the spec."""

    def __init__(self, built: Built) -> None:
        self.built = built
        self.graphs = {id(built.layers[each]): each.graph for each in built.layers if isinstance(each, NestedModel)}
        foreign = [built.layers[each] for each in built.layers if isinstance(each, ExternalModel)]
        taught = {id(layer) for model in foreign for layer in learning_layers(model).values()}
        self.learning = {
            id(each): each
            for each in learning_layers(built.model).values()
            if id(each) not in taught and not has_learnt(each)
        }
        self.places: list[Place] = []

    def found(self) -> list[Place]:
        """The places, without those that a layer reaches by itself."""
        if self.learning:
            self._walk(self.built.graph, (), frozenset(), frozenset())
        found = {id(each.layer) for each in self.places}
        for missed in (each for key, each in self.learning.items() if key not in found):
            raise SpecError.of(
                REFUSED_TRAINING,
                f"`{missed.name}` learns from data, and lies where it cannot be told what reaches it",
                self.built.graph.span,
                expected="a layer that is applied in a graph, in `TimeDistributed` or in `Pipeline`",
                help="apply it as a step of its own",
            )
        return [each for each in self.places if id(each.layer) not in each.through]

    def _walk(self, graph: Graph, stages: tuple[Stage, ...], through: frozenset[int], inputs: frozenset[str]) -> None:
        """Visit every step of `graph`, whose inputs are what `stages` give; they need those `inputs` of the model."""
        for name, node in graph.nodes.items():
            for step, result in zip(node.steps, self.built.calls[id(graph)][name], strict=True):
                if step.layer.is_operation or not self._concerns(self.built.layers[step.layer]):
                    continue
                values = self.built.values[id(graph)]
                with recursion_limit_for(graph):
                    part = _Part({name: values[name] for name in graph.inputs}, _taken(result))
                ran = through | {id(each) for each in learning_layers(part.model).values()}
                self._visit(
                    self.built.layers[step.layer], step.span, (*stages, part), ran, inputs or frozenset(part.inputs)
                )

    def _concerns(self, layer: Any) -> bool:
        if isinstance(layer, LEARNING):
            return id(layer) in self.learning
        return len(self.places) < _MOST and any(id(each) in self.learning for each in learning_layers(layer).values())

    def _visit(
        self, layer: Any, span: Span, stages: tuple[Stage, ...], through: frozenset[int], inputs: frozenset[str]
    ) -> None:
        """Visit a layer, and those in it, that is given what `stages` give."""
        if not self._concerns(layer):
            return
        if isinstance(layer, LEARNING):
            self.places.append(Place(layer, span, stages, through, inputs))
        elif id(layer) in self.graphs:
            self._walk(self.graphs[id(layer)], stages, through, inputs)
        elif isinstance(layer, keras.layers.TimeDistributed):
            self._visit(layer.layer, span, (*stages, _steps_as_samples), through, inputs)
        elif isinstance(layer, keras.layers.Pipeline):
            for each in layer.layers:
                self._visit(each, span, stages, through, inputs)
                stages = (*stages, _applying(each))
                through |= {id(each), *map(id, learning_layers(each).values())}


def _sources(wanted: Any) -> Iterator[Any]:
    """The inputs that `wanted` is computed from. What Keras has for it goes every way through a graph, one by one."""
    waiting = keras.tree.flatten(wanted)
    seen: set[int] = set()
    for tensor in waiting:
        if id(tensor) not in seen:
            seen.add(id(tensor))
            call = call_behind(tensor)
            if call.is_input:
                yield tensor
            waiting += call.input_tensors


def _taken(result: Any) -> Any:
    """What a layer was called with, alone or by name, where it gave the symbolic `result`."""
    call = call_behind(keras.tree.flatten(result)[0]).arguments
    return next(each for each in (*call.args, *call.kwargs.values()) if keras.tree.flatten(each))


def _steps_as_samples(values: Any) -> Any:
    """What `TimeDistributed` gives its layer: the steps of all samples, one after the other."""
    shape = tf.shape(values)
    steps = tf.reshape(values, tf.concat([[-1], shape[2:]], 0))
    steps.set_shape((None, *values.shape[2:]))
    return steps


def _applying(layer: Any) -> Stage:
    return lambda value: layer(value, training=False)
