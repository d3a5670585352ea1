"""Graph → keras.Model: inputs, then each node in order, one Keras call a step.

Models have dict inputs and dict outputs. A nested model with one input, or one output, takes or gives the bare
tensor there, so that wrappers such as `TimeDistributed` can hold it. Every call of Keras is wrapped: what it refuses
is reported at the step, with the shapes that came in; nodes that do not depend on it are built all the same.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras

from graphspec.diagnostics import Diagnostic, Label, Report, SpecError
from graphspec.diagnostics.rules import BAD_SELECTION, DROPPED_MASK, MODEL_INPUTS, REFUSED_CALL
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.garbage import no_collection
from graphspec.language.graph import External, Graph, Input, Layer, Node, Object, Reference, Step
from graphspec.shapes import Shapes, infer, is_known
from graphspec.to_keras.external_models import Interface, make_external
from graphspec.to_keras.installed import find_installed, version_help
from graphspec.to_keras.keras_internals import deep_enough_for, weightless_scope
from graphspec.to_keras.keras_messages import reason
from graphspec.to_keras.objects import make
from graphspec.to_keras.operations import is_masked, operate
from graphspec.to_keras.weight_files import forget_files
from graphspec.to_keras.weights import load_weights


@dataclass
class Built:
    """A model and what it was made of.

    layers: the Keras layer of every Layer. calls: for each graph (by id) and node, the symbolic result of each step.
    values: for each graph (by id), the symbolic value of each input and node.
    """

    graph: Graph
    model: keras.Model
    layers: dict[Layer, Any]
    values: dict[int, dict[str, Any]]
    calls: dict[int, dict[str, list[Any]]]
    warnings: Report


def build_graph(
    graph: Graph, *, precision: str = "float32", weightless: bool = False, pretrained: bool = True
) -> Built:
    """The Keras model of `graph`, with what it was made of. Raises SpecError with everything that Keras refused.

    pretrained: models get the `weights` that the spec names for them.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        with no_collection(), weightless_scope() if weightless else nullcontext():
            builder = _Builder(graph, precision, weightless, pretrained and not weightless)
            model = builder.model(graph, top=True)
    finally:
        keras.config.set_dtype_policy(policy)
    builder.report.raise_if_errors()
    assert model is not None
    forget_files(builder.layers.values())
    return Built(graph, model, builder.layers, builder.values, builder.calls, builder.report)


@dataclass
class _Builder:
    graph: Graph
    precision: str
    weightless: bool
    pretrained: bool
    interfaces: dict[Layer, Interface] = field(default_factory=dict)
    output_names: dict[int, str] = field(default_factory=dict)
    layers: dict[Layer, Any] = field(default_factory=dict)
    values: dict[int, dict[str, Any]] = field(default_factory=dict)
    calls: dict[int, dict[str, list[Any]]] = field(default_factory=dict)
    report: Report = field(default_factory=Report)

    @cached_property
    def shapes(self) -> Shapes:
        """What is known of the tensors without Keras."""
        return infer(self.graph, self.precision)

    def model(self, graph: Graph, *, top: bool = False) -> keras.Model | None:
        """The model of `graph`; None where something in it was refused."""
        values: dict[str, Any] = {name: _input(each) for name, each in graph.inputs.items()}
        calls: dict[str, list[Any]] = {}
        self.values[id(graph)], self.calls[id(graph)] = values, calls
        inputs = dict(values)
        heads = (
            {id(graph.nodes[name].steps[-1]) for name in graph.outputs}
            if top and self.precision != "float32"
            else set()
        )
        for name, node in graph.nodes.items():
            if all(reference.name in values for reference in node.references()):
                try:
                    calls[name] = self.node(node, values, heads)
                    values[name] = calls[name][-1] if calls[name] else self.feed(node, values)
                except SpecError as error:
                    self.report.extend(error.report.found)
        if any(name not in values for name in graph.nodes):
            return None
        outputs = {name: values[name] for name in graph.outputs}
        bare_inputs = not top and len(inputs) == 1
        bare_outputs = not top and len(outputs) == 1
        with deep_enough_for(graph):
            return keras.Model(
                next(iter(inputs.values())) if bare_inputs else inputs,
                next(iter(outputs.values())) if bare_outputs else outputs,
                name=graph.name,
            )

    def layer(self, layer: Layer, *, head: bool = False) -> Any:
        """The Keras layer of `layer`, made once."""
        if layer not in self.layers:
            if isinstance(layer.what, Graph):
                model = self.model(layer.what)
                if model is None:
                    raise SpecError(Report())
                self.layers[layer] = model
            elif isinstance(layer.what, External):
                self.layers[layer], self.interfaces[layer] = make_external(
                    layer.what, layer.name, weightless=self.weightless, pretrained=self.pretrained
                )
            else:
                more: dict[str, Any] = {"name": layer.name} if layer.name else {}
                if head:
                    more["dtype"] = "float32"
                self.layers[layer] = make(layer.what, self.layer, **more)
            if layer.weights is not None and self.pretrained:
                load_weights(self.layers[layer], layer.weights)
            if not layer.trainable:
                self.layers[layer].trainable = False
        return self.layers[layer]

    def node(self, node: Node, values: dict[str, Any], heads: set[int]) -> list[Any]:
        """The results of the node's steps, one after the other."""
        results: list[Any] = []
        for step in node.steps:
            value = results[-1] if results else self.feed(node, values)
            layer = None if step.layer.is_operation else self.layer(step.layer, head=id(step) in heads)
            call = {name: self.resolve(argument, values) for name, argument in step.call.items()}
            results.append(self.call(node, step, layer, value, call))
        return results

    def feed(self, node: Node, values: dict[str, Any]) -> Any:
        """What comes into `node`: a tensor, a list, or a dict by keyword."""
        if isinstance(node.feed, Reference):
            return self.resolve(node.feed, values)
        if isinstance(node.feed, dict):
            return {name: self.resolve(reference, values) for name, reference in node.feed.items()}
        return [self.resolve(reference, values) for reference in node.feed]

    def resolve(self, value: Any, values: dict[str, Any]) -> Any:
        """A reference as its tensor; lists item by item; anything else as it is."""
        if isinstance(value, list):
            return [self.resolve(item, values) for item in value]
        if not isinstance(value, Reference):
            return value
        found = values[value.name]
        if value.output is not None:
            names = list(found) if isinstance(found, dict) else [self.output_names.get(id(found), value.output)]
            if value.output not in names:
                raise SpecError.of(
                    BAD_SELECTION,
                    f"`{value.name}` has no output `{value.output}`",
                    value.span,
                    expected="an output of the applied model",
                    help=did_you_mean(value.output, names, f"it has {one_of(names)}"),
                )
            return found[value.output] if isinstance(found, dict) else found
        if value.index is not None:
            several = list(found.values()) if isinstance(found, dict) else found
            if not isinstance(several, list | tuple) or value.index >= len(several):
                count = len(several) if isinstance(several, list | tuple) else 1
                raise SpecError.of(
                    BAD_SELECTION,
                    f"`{value.name}` is {count} tensor{'s' if count > 1 else ''}, so there is no `{value}`",
                    value.span,
                    expected=f"an index from [0] to [{count - 1}]" if count > 1 else f"`{value.name}`",
                    help="" if count > 1 else "a recurrent layer gives its states with `return_state: true`",
                )
            return several[value.index]
        return found

    def call(self, node: Node, step: Step, layer: Any, value: Any, call: dict[str, Any]) -> Any:
        """Apply `layer` or the operation. Raises SpecError with the node, the step's place and what came in."""
        what = step.layer.what
        positional, keywords = ([], value) if isinstance(value, dict) and _named(layer, value) else ([value], {})
        if isinstance(what, Graph):
            positional, keywords = [_model_input(list(what.inputs), value)], {}
        elif isinstance(what, External) and (names := self.interfaces[step.layer].inputs):
            _check_inputs(names, value, step)
            positional, keywords = [_model_input(names, value)], {}
        operation = _operation(step) if step.layer.is_operation else None
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                if operation is not None:
                    listed = step is node.steps[0] and isinstance(node.feed, tuple)
                    result = operate(operation, step.layer, value, call, listed=listed)
                else:
                    result = layer(*positional, **keywords, **call)
        except Exception as error:
            finding = Diagnostic(
                REFUSED_CALL,
                f"Keras refused to apply `{_shown(step.layer)}` in `{node.label}`: {reason(error)}",
                step.span,
                expected=f"what comes in is {_shapes(node, step, value)}",
                help=version_help(),
                labels=tuple(_incoming(node, step, value, call)),
            )
            raise SpecError(Report([finding])) from error
        if any(given is each for given in keras.tree.flatten(value) for each in keras.tree.flatten(result)):
            raise SpecError.of(
                REFUSED_CALL,
                f"`{_shown(step.layer)}` in `{node.name}` gives Keras the very tensor that came in, "
                "so the model would silently be built without it",
                step.span,
                expected="a layer that Keras can trace",
                help=f"hold it in a pipeline: `Pipeline: {{layers: [{_shown(step.layer)}]}}`",
            )
        drops_mask = any("destroy the mask" in str(warning.message) for warning in caught)
        if step.layer.is_operation or isinstance(layer, _ELEMENTWISE):
            drops_mask = drops_mask or (is_masked([value, call]) and not is_masked(result))
        if drops_mask and not isinstance(what, Graph | External) and not self.is_foreseen(node, step):
            self.report.add(
                DROPPED_MASK,
                f"`{_shown(step.layer)}` in `{node.label}` drops its mask, so layers after it see the padding",
                step.span,
                expected="a layer that hands the mask on",
                help="hand the mask on with `call: {mask: ...}`, or mask after this step",
            )
        if isinstance(what, External) and len(self.interfaces[step.layer].outputs) == 1:
            self.output_names[id(result)] = self.interfaces[step.layer].outputs[0]
        return result

    def is_foreseen(self, node: Node, step: Step) -> bool:
        """Whether it is known without Keras what the step gives: then its masks have been judged there."""
        for graph in (self.graph, *self.graph.models()):
            if graph.nodes.get(node.name) is node:
                given = self.shapes.calls.get(id(graph), {}).get(node.name, [])
                number = node.steps.index(step)
                return number < len(given) and is_known(given[number])
        return False


def _check_inputs(names: list[str], value: Any, step: Step) -> None:
    """Raise SpecError unless a model from elsewhere is given exactly its inputs; Keras would mix up others."""
    given = list(value) if isinstance(value, dict) else None
    count = len(value) if isinstance(value, list | tuple | dict) else 1
    if count == len(names) and (given is None or set(given) == set(names)):
        return
    form = ", ".join(f"{name}: ..." for name in names)
    raise SpecError.of(
        MODEL_INPUTS,
        f"the model `{step.layer.name}` does not get exactly its inputs",
        step.span,
        expected=f"its {'input' if len(names) == 1 else 'inputs'} {one_of(names)}",
        help=f"write `from: {{{form}}}`" if len(names) > 1 else "apply it to one tensor: `from: name`",
    )


_ELEMENTWISE = (
    keras.layers.Add,
    keras.layers.Subtract,
    keras.layers.Multiply,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
)
"""Layers that hand on a mask only where all that comes in is masked, and say nothing where they drop one."""


def _operation(step: Step) -> Any:
    """The function of `keras.ops` that `step` calls."""
    what = step.layer.what
    assert isinstance(what, Object)
    return find_installed("ops", what.name, step.span)


def _input(each: Input) -> Any:
    options: dict[str, Any] = {"optional": True} if each.optional else {}
    return keras.Input(
        shape=each.shape, dtype=each.dtype, sparse=each.sparse, batch_size=each.batch_size, name=each.name, **options
    )


def _named(layer: Any, value: dict[str, Any]) -> bool:
    """Whether `layer` takes tensors of these names, rather than one mapping of them, as image layers with labels do."""
    parameters = inspect.signature(layer.call).parameters.values() if layer is not None else []
    takes_any = layer is None or any(each.kind is each.VAR_KEYWORD for each in parameters)
    return takes_any or any(each.name in value for each in parameters)


def _model_input(names: list[str], value: Any) -> Any:
    """What a nested model is called with: the bare tensor for one input, else a dict of exactly its inputs."""
    listed = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    if len(names) == 1:
        return listed[0]
    if isinstance(value, dict):
        return {name: value[name] for name in names}
    return dict(zip(names, listed, strict=True))


def _shown(layer: Layer) -> str:
    return layer.name if layer.declared or not isinstance(layer.what, Object) else layer.type_name


def _shapes(node: Node, step: Step, value: Any) -> str:
    """The shapes that come into a step, each with its reference where the node takes it in."""
    if step is not node.steps[0]:
        return f"the step before, {_shape(value)}"
    if isinstance(node.feed, Reference):
        return f"`{node.feed}` {_shape(value)}"
    if isinstance(node.feed, dict):
        return ", ".join(f"{name}: `{reference}` {_shape(value[name])}" for name, reference in node.feed.items())
    return ", ".join(f"`{reference}` {_shape(each)}" for reference, each in zip(node.feed, value, strict=True))


def _incoming(node: Node, step: Step, value: Any, call: dict[str, Any]) -> Iterator[Label]:
    """The shape of each tensor that comes into a step, where the spec names it or the step that gives it."""
    if step is not node.steps[0]:
        before = node.steps[node.steps.index(step) - 1]
        yield Label(before.span, f"`{_shown(before.layer)}` gives {_shape(value)}")
    elif isinstance(node.feed, Reference):
        yield Label(node.feed.span, f"`{node.feed}` is {_shape(value)}")
    elif isinstance(node.feed, dict):
        for name, reference in node.feed.items():
            yield Label(reference.span, f"`{reference}` is {_shape(value[name])}")
    else:
        for reference, given in zip(node.feed, value, strict=True):
            yield Label(reference.span, f"`{reference}` is {_shape(given)}")
    for name, reference in step.call.items():
        if isinstance(reference, Reference):
            yield Label(reference.span, f"`{name}` of the call, `{reference}`, is {_shape(call[name])}")


def _shape(value: Any) -> str:
    """A shape as specs write it, with `batch` for the batch."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_shape(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_shape(each) for each in value) + "]"
    sizes = ["null" if size is None else str(size) for size in value.shape[1:]]
    return f"({', '.join(['batch', *sizes])})"
