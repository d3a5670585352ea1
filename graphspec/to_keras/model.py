"""Building of a `keras.Model` from a graph, with one Keras call a step.

Models have dict inputs and dict outputs. A nested model with one input, or one output, takes or returns the bare tensor
there, so that wrappers such as `TimeDistributed` can apply it. An exception of Keras becomes a diagnostic of the step
with its input shapes; nodes that do not depend on the step are still built.
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

from graphspec.checks.graph_losses import unfit_loss
from graphspec.diagnostics import Diagnostic, Label, Report, SpecError
from graphspec.diagnostics.rules import DROPPED_MASK, REFUSED_CALL
from graphspec.diagnostics.shape_text import shape_text
from graphspec.garbage import no_collection
from graphspec.language.feed import Reference
from graphspec.language.graph import (
    ExternalModel,
    Graph,
    Input,
    KerasLayer,
    Layer,
    ModelLayer,
    NestedModel,
    Node,
    Operation,
    Step,
)
from graphspec.shapes import Shapes, infer, is_known
from graphspec.shapes.call import Refusal
from graphspec.shapes.findings import bad_index, no_output
from graphspec.shapes.model_inputs import refuse_others
from graphspec.to_keras.constants import Constants
from graphspec.to_keras.external_models import Interface, make_external
from graphspec.to_keras.generators import track_generators
from graphspec.to_keras.initializers import fill_in_shape, forget_initializers
from graphspec.to_keras.installed import version_help
from graphspec.to_keras.keras_internals import recursion_limit_for, weightless_scope
from graphspec.to_keras.keras_messages import reason
from graphspec.to_keras.objects import make
from graphspec.to_keras.operations import is_masked, operate, operation_function
from graphspec.to_keras.weights import load_weights


@dataclass(kw_only=True)
class Built:
    """A model with its layers and symbolic tensors.

    Attributes:
        layers: the Keras layer of every Layer.
        values: the symbolic value of each input and node, by the id of its graph and its name.
        calls: the symbolic result of each step of a node, by the id of its graph and its name.
        warnings: masks that layers drop.
        trainable: whether each Keras layer trains, before adapters in frozen layers are let train; empty without any.
    """

    graph: Graph
    model: keras.Model
    layers: dict[Layer, Any]
    values: dict[int, dict[str, Any]]
    calls: dict[int, dict[str, list[Any]]]
    warnings: Report
    trainable: list[tuple[Any, bool]] = field(default_factory=list)


def build_graph(
    graph: Graph, *, precision: str = "float32", weightless: bool = False, pretrained: bool = True
) -> Built:
    """Return the Keras model of a graph with its layers and tensors.

    Args:
        graph: the graph.
        precision: dtype policy of its layers.
        weightless: allocate no weights.
        pretrained: load the weights that the graph names for its models.

    Raises:
        SpecError: with everything that Keras refused.
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
    if graph.weights is not None and builder.pretrained:
        load_weights(model, graph.weights)
    forget_initializers(builder.layers.values())
    track_generators(model)
    return Built(
        graph=graph,
        model=model,
        layers=builder.layers,
        values=builder.values,
        calls=builder.calls,
        warnings=builder.report,
    )


@dataclass
class _Builder:
    """The layers and tensors of a graph while its model is built.

    Attributes:
        interfaces: names of the inputs and outputs of external models.
        output_names: the name of the only output of an external model, by the id of the resulting tensor.
        constants: the tensors that come from no input.
    """

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
    constants: Constants = field(default_factory=Constants)

    @cached_property
    def shapes(self) -> Shapes:
        """The shapes of tensors, inferred without Keras."""
        return infer(self.graph, self.precision)

    def model(self, graph: Graph, *, top: bool = False) -> keras.Model | None:
        """Return the model of a graph; None if Keras refused part of it."""
        values: dict[str, Any] = {name: _input(each) for name, each in graph.inputs.items()}
        calls: dict[str, list[Any]] = {}
        self.values[id(graph)], self.calls[id(graph)] = values, calls
        inputs = dict(values)
        plain = [
            values[each.name] for each in sorted(graph.inputs.values(), key=lambda each: each.sparse + each.optional)
        ]
        heads = (
            {id(graph.nodes[name].steps[-1]) for name in graph.outputs}
            if top and self.precision != "float32"
            else set()
        )
        for name, node in graph.nodes.items():
            if all(reference.name in values for reference in node.references()):
                try:
                    calls[name] = self.node(node, values, heads, plain)
                    values[name] = calls[name][-1] if calls[name] else self.feed(node, values)
                except SpecError as error:
                    self.report.extend(error.report.found)
        if any(name not in values for name in graph.nodes):
            return None
        outputs = {name: values[name] for name in graph.outputs}
        if graph.anchor is not None:
            outputs[graph.anchor.name] = self.anchored(graph, values)
        bare_inputs = not top and len(inputs) == 1
        bare_outputs = not top and len(outputs) == 1
        with recursion_limit_for(graph):
            return keras.Model(
                next(iter(inputs.values())) if bare_inputs else inputs,
                next(iter(outputs.values())) if bare_outputs else outputs,
                name=graph.name,
            )

    def anchored(self, graph: Graph, values: dict[str, Any]) -> Any:
        """Return the output that the losses of a graph are held by."""
        assert graph.anchor is not None
        for loss in graph.losses.values():
            before = len(loss.node.steps) - loss.ending
            tensor = self.calls[id(graph)][loss.node.name][before - 1] if before else self.feed(loss.node, values)
            if keras.backend.is_keras_tensor(tensor):
                self.report.extend(
                    unfit_loss(loss, tensor.shape, str(tensor.dtype), tensor.shape[0] if tensor.shape else None)
                )
        taken = [values[graph.anchor.name], *(values[name] for name in graph.losses)]
        return self.layer(graph.anchor)(taken)[0]

    def layer(self, layer: Layer, *, head: bool = False) -> Any:
        """Return the Keras layer of `layer`, created on first use."""
        if layer not in self.layers:
            if isinstance(layer, NestedModel):
                model = self.model(layer.graph)
                if model is None:
                    raise SpecError(Report())
                self.layers[layer] = model
            elif isinstance(layer, ExternalModel):
                self.layers[layer], self.interfaces[layer] = make_external(
                    layer, weightless=self.weightless, pretrained=self.pretrained
                )
            elif isinstance(layer, KerasLayer):
                defaults: dict[str, Any] = {"name": layer.name} if layer.name else {}
                if head:
                    defaults["dtype"] = "float32"
                self.layers[layer] = make(layer.object, self.layer, **defaults)
                if layer.weight is not None:
                    fill_in_shape(self.layers[layer], layer.weight)
            if layer.weights is not None and self.pretrained:
                load_weights(self.layers[layer], layer.weights)
            if isinstance(layer, ModelLayer) and not layer.trainable:
                self.layers[layer].trainable = False
        return self.layers[layer]

    def node(self, node: Node, values: dict[str, Any], heads: set[int], inputs: list[Any]) -> list[Any]:
        """Return the result of each step of a node. inputs: those of the model, the plainest first."""
        results: list[Any] = []
        for step in node.steps:
            value = results[-1] if results else self.feed(node, values)
            layer = None if step.layer.is_operation else self.layer(step.layer, head=id(step) in heads)
            call = {name: self.resolve(argument, values) for name, argument in step.call.items()}
            taken = self.constants.tensors_for(step, value, call, inputs)
            results.append(self.call(node, step, layer, value=taken[0], call=taken[1]))
            self.constants.record(results[-1], taken)
        return results

    def feed(self, node: Node, values: dict[str, Any]) -> Any:
        """Return the input of a node: a tensor, a list, or a dict by keyword."""
        return node.feed.map(lambda reference: self.resolve(reference, values))

    def resolve(self, value: Any, values: dict[str, Any]) -> Any:
        """Return a value with its references replaced by tensors, in lists too."""
        if isinstance(value, list):
            return [self.resolve(item, values) for item in value]
        if not isinstance(value, Reference):
            return value
        result = values[value.name]
        if value.output is not None:
            names = list(result) if isinstance(result, dict) else [self.output_names.get(id(result), value.output)]
            if value.output not in names:
                raise SpecError(Report([no_output(value, names)]))
            return result[value.output] if isinstance(result, dict) else result
        if value.index is not None:
            several = list(result.values()) if isinstance(result, dict) else result
            if not isinstance(several, list | tuple) or value.index >= len(several):
                count = len(several) if isinstance(several, list | tuple) else 1
                raise SpecError(Report([bad_index(value, count)]))
            return several[value.index]
        return result

    def call(self, node: Node, step: Step, layer: Any, *, value: Any, call: dict[str, Any]) -> Any:
        """Apply a layer or an operation. Raises SpecError with the step and its input shapes."""
        applied = step.layer
        positional, keywords = (
            ([], value) if isinstance(value, dict) and _takes_keywords(layer, value) else ([value], {})
        )
        if isinstance(applied, NestedModel):
            positional, keywords = [_model_input(list(applied.graph.inputs), value)], {}
        elif isinstance(applied, ExternalModel) and (names := self.interfaces[applied].inputs):
            _check_inputs(names, value, step)
            positional, keywords = [_model_input(names, value)], {}
        function = operation_function(applied, step.span) if isinstance(applied, Operation) else None
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                if isinstance(applied, Operation):
                    listed = step is node.steps[0] and node.feed.is_list
                    result = operate(function, applied, value, call, listed=listed)
                else:
                    result = layer(*positional, **keywords, **call)
        except Exception as error:
            finding = Diagnostic(
                REFUSED_CALL,
                f"Keras refused to apply `{step.layer.label}` in `{node.label}`: {reason(error)}",
                step.span,
                expected=f"what comes in is {_shapes(node, step, value)}",
                help=version_help(),
                labels=tuple(_incoming(node, step, value, call)),
            )
            raise SpecError(Report([finding])) from error
        if any(operand is each for operand in keras.tree.flatten(value) for each in keras.tree.flatten(result)):
            raise SpecError.of(
                REFUSED_CALL,
                f"`{step.layer.label}` in `{node.name}` gives Keras the very tensor that came in, "
                "so the model would silently be built without it",
                step.span,
                expected="a layer that Keras can trace",
                help=f"hold it in a pipeline: `Pipeline: {{layers: [{step.layer.label}]}}`",
            )
        drops_mask = any("destroy the mask" in str(warning.message) for warning in caught)
        if applied.is_operation or isinstance(layer, _ELEMENTWISE):
            drops_mask = drops_mask or (is_masked([value, call]) and not is_masked(result))
        if drops_mask and not isinstance(applied, ModelLayer) and not self.is_inferred(node, step):
            self.report.add(
                DROPPED_MASK,
                f"`{step.layer.label}` in `{node.label}` drops its mask, so layers after it see the padding",
                step.span,
                expected="a layer that propagates the mask",
                help="pass the mask with `call: {mask: ...}`, or mask after this step",
            )
        if isinstance(applied, ExternalModel) and len(self.interfaces[applied].outputs) == 1:
            self.output_names[id(result)] = self.interfaces[applied].outputs[0]
        return result

    def is_inferred(self, node: Node, step: Step) -> bool:
        """Return whether shape inference knows the result of a step, and has checked its mask."""
        for graph in (self.graph, *self.graph.models()):
            if graph.nodes.get(node.name) is node:
                results = self.shapes.calls.get(id(graph), {}).get(node.name, [])
                number = node.steps.index(step)
                return number < len(results) and is_known(results[number])
        return False


def _check_inputs(names: list[str], value: Any, step: Step) -> None:
    """Raise SpecError unless an external model gets exactly its inputs."""
    try:
        refuse_others(step.layer.name, names, value)
    except Refusal as refusal:
        raise SpecError.of(
            refusal.rule, refusal.message, step.span, expected=refusal.expected, help=refusal.help
        ) from None


_ELEMENTWISE = (
    keras.layers.Add,
    keras.layers.Subtract,
    keras.layers.Multiply,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
)
"""Layers that pass a mask on only if all inputs are masked, and otherwise drop it silently."""


def _input(each: Input) -> Any:
    options: dict[str, Any] = {"optional": True} if each.optional else {}
    return keras.Input(
        shape=each.shape, dtype=each.dtype, sparse=each.sparse, batch_size=each.batch_size, name=each.name, **options
    )


def _takes_keywords(layer: Any, value: dict[str, Any]) -> bool:
    """Return whether a layer takes tensors by keyword; image layers with labels take a dict."""
    parameters = inspect.signature(layer.call).parameters.values() if layer is not None else []
    takes_any = layer is None or any(each.kind is each.VAR_KEYWORD for each in parameters)
    return takes_any or any(each.name in value for each in parameters)


def _model_input(names: list[str], value: Any) -> Any:
    """Return the input of a nested model: one bare tensor, or a dict."""
    listed = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    if len(names) == 1:
        return listed[0]
    if isinstance(value, dict):
        return {name: value[name] for name in names}
    return dict(zip(names, listed, strict=True))


def _shapes(node: Node, step: Step, value: Any) -> str:
    """Return the input shapes of a step as text, with references for the first step."""
    if step is not node.steps[0]:
        return f"the step before, {shape_text(value)}"
    inputs = _by_key(node, value)
    by_name = node.feed.by_name is not None
    return ", ".join(
        f"{f'{key}: ' if by_name else ''}`{reference}` {shape_text(inputs[key])}"
        for key, reference in node.feed.items()
    )


def _by_key(node: Node, value: Any) -> Any:
    """Return the input tensors of a node by the keys of `Feed.items`."""
    return [value] if node.feed.single is not None else value


def _incoming(node: Node, step: Step, value: Any, call: dict[str, Any]) -> Iterator[Label]:
    """Yield a label with the shape of each input of a step."""
    if step is not node.steps[0]:
        before = node.steps[node.steps.index(step) - 1]
        yield Label(before.span, f"`{before.layer.label}` gives {shape_text(value)}")
    else:
        inputs = _by_key(node, value)
        for key, reference in node.feed.items():
            yield Label(reference.span, f"`{reference}` is {shape_text(inputs[key])}")
    for name, reference in step.call.items():
        if isinstance(reference, Reference):
            yield Label(reference.span, f"`{name}` of the call, `{reference}`, is {shape_text(call[name])}")
