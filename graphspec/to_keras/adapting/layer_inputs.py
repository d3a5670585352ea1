"""Inputs of adaptable layers at each of their calls, computed from a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import REFUSED_TRAINING
from graphspec.language.graph import ExternalModel, Graph, NestedModel
from graphspec.to_keras.adapted_layers import ADAPTABLE, adaptable_layers, is_adapted
from graphspec.to_keras.keras_internals import call_behind, recursion_limit_for
from graphspec.to_keras.model import Built

_MAX_CALLS = 256
"""Calls to look for: a model that is applied many times inside another one multiplies them."""


def find_layer_inputs(built: Built) -> list[LayerInput]:
    """Return the inputs of all layers to adapt, in the order of the spec.

    Layers of external models are left out, and calls whose input depends on the layer itself.

    Raises:
        SpecError: the input of a layer cannot be computed.
    """
    return _Finder(built).find()


Stage = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class LayerInput:
    """The input of an adaptable layer at one of its calls.

    Attributes:
        stages: functions that compute the input from a batch of the model's inputs, one after another.
        upstream: ids of the adaptable layers that the stages apply.
        inputs: names of the model's inputs that the stages need.
    """

    layer: Any
    span: Span
    stages: tuple[Stage, ...]
    upstream: frozenset[int]
    inputs: frozenset[str]

    def compute(self, batch: dict[str, Any]) -> Any:
        """Return the input of the layer for a batch of the model's inputs."""
        value: Any = batch
        for stage in self.stages:
            value = stage(value)
        return value


class _Subgraph:
    """The part of a graph that computes `result`, a tensor or tensors by name."""

    def __init__(self, inputs: dict[str, Any], result: Any) -> None:
        names = {id(tensor): name for name, tensor in inputs.items()}
        self.inputs = {names[id(each)]: each for each in _source_inputs(result)}
        self.only_input = next(iter(inputs)) if len(inputs) == 1 else None
        self.model = keras.Model(self.inputs, result)

    def __call__(self, values: Any) -> Any:
        if self.only_input is not None and not isinstance(values, dict):
            values = {self.only_input: values}
        return self.model({name: values[name] for name in self.inputs}, training=False)


class _Finder:
    """A walk through the graphs of a model that collects the inputs of adaptable layers."""

    def __init__(self, built: Built) -> None:
        self.built = built
        self.graphs = {id(built.layers[each]): each.graph for each in built.layers if isinstance(each, NestedModel)}
        external = [built.layers[each] for each in built.layers if isinstance(each, ExternalModel)]
        excluded = {id(layer) for model in external for layer in adaptable_layers(model).values()}
        self.pending = {
            id(each): each
            for each in adaptable_layers(built.model).values()
            if id(each) not in excluded and not is_adapted(each)
        }
        self.layer_inputs: list[LayerInput] = []

    def find(self) -> list[LayerInput]:
        """Return the inputs, without those that depend on their own layer."""
        if self.pending:
            self._walk(self.built.graph, stages=(), upstream=frozenset(), inputs=frozenset())
        reached = {id(each.layer) for each in self.layer_inputs}
        for missed in (each for key, each in self.pending.items() if key not in reached):
            raise SpecError.of(
                REFUSED_TRAINING,
                f"`{missed.name}` learns from data, and lies where it cannot be told what reaches it",
                self.built.graph.span,
                expected="a layer that is applied in a graph, in `TimeDistributed` or in `Pipeline`",
                help="apply it as a step of its own",
            )
        return [each for each in self.layer_inputs if id(each.layer) not in each.upstream]

    def _walk(
        self, graph: Graph, *, stages: tuple[Stage, ...], upstream: frozenset[int], inputs: frozenset[str]
    ) -> None:
        """Visit every step of a graph, whose inputs `stages` compute from `inputs` of the model."""
        for name, node in graph.nodes.items():
            for step, result in zip(node.steps, self.built.calls[id(graph)][name], strict=True):
                if step.layer.is_operation or not self._is_pending(layer := self.built.layers[step.layer]):
                    continue
                values = self.built.values[id(graph)]
                with recursion_limit_for(graph):
                    subgraph = _Subgraph({name: values[name] for name in graph.inputs}, _call_input(result))
                self._visit(
                    layer,
                    step.span,
                    stages=(*stages, subgraph),
                    upstream=upstream | {id(each) for each in adaptable_layers(subgraph.model).values()},
                    inputs=inputs or frozenset(subgraph.inputs),
                )

    def _is_pending(self, layer: Any) -> bool:
        if isinstance(layer, ADAPTABLE):
            return id(layer) in self.pending
        inner = adaptable_layers(layer).values()
        return len(self.layer_inputs) < _MAX_CALLS and any(id(each) in self.pending for each in inner)

    def _visit(
        self, layer: Any, span: Span, *, stages: tuple[Stage, ...], upstream: frozenset[int], inputs: frozenset[str]
    ) -> None:
        """Visit a layer whose input `stages` compute, and the layers in it."""
        if not self._is_pending(layer):
            return
        if isinstance(layer, ADAPTABLE):
            self.layer_inputs.append(
                LayerInput(layer=layer, span=span, stages=stages, upstream=upstream, inputs=inputs)
            )
        elif id(layer) in self.graphs:
            self._walk(self.graphs[id(layer)], stages=stages, upstream=upstream, inputs=inputs)
        elif isinstance(layer, keras.layers.TimeDistributed):
            stages = (*stages, _steps_as_samples)
            self._visit(layer.layer, span, stages=stages, upstream=upstream, inputs=inputs)
        elif isinstance(layer, keras.layers.Pipeline):
            for each in layer.layers:
                self._visit(each, span, stages=stages, upstream=upstream, inputs=inputs)
                stages = (*stages, partial(each, training=False))
                upstream |= {id(each), *map(id, adaptable_layers(each).values())}


def _source_inputs(result: Any) -> Iterator[Any]:
    """Yield the inputs that `result` depends on; Keras' own search follows every path."""
    waiting = keras.tree.flatten(result)
    seen: set[int] = set()
    for tensor in waiting:
        if id(tensor) not in seen:
            seen.add(id(tensor))
            call = call_behind(tensor)
            if call.is_input:
                yield tensor
            waiting += call.input_tensors


def _call_input(result: Any) -> Any:
    """Return the tensor, or tensors by name, of the call that produced the symbolic `result`."""
    call = call_behind(keras.tree.flatten(result)[0]).arguments
    return next(each for each in (*call.args, *call.kwargs.values()) if keras.tree.flatten(each))


def _steps_as_samples(values: Any) -> Any:
    """Return the steps of all samples as samples, as `TimeDistributed` passes them to its layer."""
    shape = tf.shape(values)
    steps = tf.reshape(values, tf.concat([[-1], shape[2:]], 0))
    steps.set_shape((None, *values.shape[2:]))
    return steps
