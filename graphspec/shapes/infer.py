"""The walk over a graph: each node in order, each step by the rule of its layer.

A model is walked once where it is first applied, with the shapes that it declares, as Keras builds it then; and again
at every call, with the shapes of its inputs there. The output of a custom layer, of a model from a file or of a step
with a diagnostic is unknown, and so is all that is computed from it: one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from graphspec import catalog
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import NO_BATCH
from graphspec.diagnostics.shape_text import shape_text
from graphspec.language.batchless import Kind, Kinds
from graphspec.language.feed import Feed, Reference
from graphspec.language.graph import (
    ExternalModel,
    Graph,
    Input,
    Layer,
    NestedModel,
    Node,
    PresetModel,
    PresetPreprocessor,
)
from graphspec.language.traversal import size_of
from graphspec.shapes.applications import applied, is_application
from graphspec.shapes.backbones import encoded
from graphspec.shapes.binding import bind
from graphspec.shapes.call import SHAPE_RULES, Call, Refusal, ShapeRule
from graphspec.shapes.findings import NO_BATCH_HELP, bad_index, diagnostic_of, lost_batch, outputs_of_several, too_large
from graphspec.shapes.lost_masks import Frame, Watch
from graphspec.shapes.masks import masked
from graphspec.shapes.model_inputs import by_input, cast_input, refuse_others
from graphspec.shapes.origins import origins
from graphspec.shapes.presets import prepared
from graphspec.shapes.saved import read_saved
from graphspec.shapes.tensor import (
    UNKNOWN,
    Size,
    Tensor,
    TooLargeError,
    Value,
    is_known,
    tensors,
)

COMPUTE_DTYPES = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
"""Dtype policy with two dtypes → the one that layers compute in."""

_FLOATS = ("bfloat16", "float16", "float32", "float64")


@dataclass(slots=True)
class Shapes:
    """The inferred tensors of a graph and of the models in it.

    values: for each graph (by id) the outputs of its inputs and nodes. calls: the outputs of the steps of its nodes, up
    to the first that Keras would refuse. findings: what Keras would refuse. first_calls: the call in which Keras builds
    each layer. saved: the graphs of models from files; None for one that was not understood.
    """

    values: dict[int, dict[str, Value]] = field(default_factory=dict)
    calls: dict[int, dict[str, list[Value]]] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)
    first_calls: dict[Layer, Call] = field(default_factory=dict)
    saved: dict[Layer, Graph | None] = field(default_factory=dict)

    def of(self, graph: Graph, name: str) -> Value:
        """Return the output of the input or node `name` of `graph`."""
        return self.values.get(id(graph), {}).get(name, UNKNOWN)


def infer(graph: Graph, precision: str = "float32", *, batch: int | None = None) -> Shapes:
    """Infer the shapes of `graph`.

    Args:
        graph: The graph.
        precision: The dtype policy of its layers.
        batch: The number of samples of each input; None for what the inputs state.
    """
    walk = _Walk(COMPUTE_DTYPES.get(precision, precision), batch)
    walk.define(graph)
    # A call holds the walk, to apply the layer that it wraps. If the walk held the calls, neither would be freed.
    shapes, walk.shapes = walk.shapes, Shapes()
    shapes.findings += walk.watch.findings(shapes.calls)
    return shapes


class _Unfit(Exception):  # noqa: N818 - raised where the step is not known
    """A refusal or a warning of a call, on its way to the step that makes it."""

    def __init__(self, refusal: Refusal, layer: Layer) -> None:
        super().__init__(refusal.message)
        self.refusal, self.layer = refusal, layer


class _Found(Exception):  # noqa: N818 - no fault of the program
    """A diagnostic on its way to the list of findings."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


_MAX_REPEATED_STEPS = 20_000
"""Steps of models that are walked again for other shapes than they declare; outputs beyond them are unknown.

Nested models, each applied to two shapes, are walked as often as two to the power of their number.
"""


@dataclass
class _Walk:
    dtype: str
    batch: int | None = None
    shapes: Shapes = field(default_factory=Shapes)
    facts: dict[Layer, dict[str, Any]] = field(default_factory=dict)
    warnings: list[_Unfit] = field(default_factory=list)
    watch: Watch = field(default_factory=Watch)
    kinds: dict[int, Kinds] = field(default_factory=dict)
    again_left: int = _MAX_REPEATED_STEPS

    def define(self, graph: Graph) -> dict[str, Value]:
        """Infer the outputs of `graph` for the shapes that its inputs declare, and collect the findings."""
        values = {name: self.input(each) for name, each in graph.inputs.items()}
        self.shapes.values[id(graph)] = values
        calls = self.shapes.calls[id(graph)] = {}
        for name, node in graph.nodes.items():
            values[name] = UNKNOWN
            try:
                calls[name] = list(self.node(graph, node, values))
                if not node.is_faulty:
                    values[name] = calls[name][-1] if node.steps else self.feed(node.feed, values)
            except _Found as found:
                self.shapes.findings.append(found.diagnostic)
        self.shapes.findings += outputs_of_several(graph, values)
        return values

    def input(self, each: Input) -> Value:
        """Return the tensor that an input declares; UNKNOWN, with a finding, where it is too large."""
        if each.is_faulty:
            return UNKNOWN
        try:
            return Tensor((self.batch or each.batch_size, *each.shape), each.dtype)
        except TooLargeError as error:
            refusal = too_large(f"the input `{each.name}`", error)
            self.shapes.findings.append(
                Diagnostic(refusal.rule, refusal.message, each.span, refusal.expected, refusal.help)
            )
            return UNKNOWN

    def node(self, graph: Graph, node: Node, values: dict[str, Value]) -> Iterator[Value]:
        """Yield the output of each step of the node. Raises _Found at the first that Keras would refuse."""
        value = self.feed(node.feed, values)
        results: list[Value] = []
        for number, step in enumerate(node.steps):
            value, keywords = self.operands(graph, node, number, value, values=values)
            listed = number == 0 and node.feed.is_list
            said = len(self.warnings)
            self.watch.frames.append(Frame(graph, node, number))
            try:
                result = self.call(step.layer, value, keywords, listed=listed)
                self.refuse_lost_batch(graph, node, number, [value, keywords], result=result)
                self.watch.see(value, keywords, result)
            except _Unfit as unfit:
                if (
                    unfit.refusal.rule is not NO_BATCH
                    and step.layer.is_operation
                    and self.is_mixed(graph, node, number)
                ):
                    unfit.refusal.help = "; ".join(filter(None, (unfit.refusal.help, NO_BATCH_HELP)))
                calls = {**self.shapes.calls[id(graph)], node.name: results}
                from_where = origins(graph, node, step, values, calls=calls, rule=unfit.refusal.rule)
                raise _Found(
                    diagnostic_of(node, step, value, unfit.refusal, layer=unfit.layer, from_where=from_where)
                ) from None
            finally:
                warnings, self.warnings[said:] = self.warnings[said:], []
                self.watch.frames.pop()
            self.shapes.findings += [
                diagnostic_of(node, step, value, each.refusal, layer=each.layer, from_where=[]) for each in warnings[:1]
            ]
            value = result
            results.append(result)
            yield value

    def is_mixed(self, graph: Graph, node: Node, number: int) -> bool:
        """Return whether a step takes tensors with a batch and tensors without one."""
        kinds = self.kinds.get(id(graph)) or self.kinds.setdefault(id(graph), Kinds(graph))
        found = kinds.operands(node, number)
        return bool(found) and min(found) < Kind.BATCHED and max(found) == Kind.BATCHED

    def operands(
        self, graph: Graph, node: Node, number: int, before: Value, *, values: dict[str, Value]
    ) -> tuple[Value, dict[str, Any]]:
        """Return what a step takes: its operands, and the arguments of its call.

        A layer gets what has no batch once for each sample, where it takes tensors with a batch too.
        """
        step = node.steps[number]
        if step.layer.is_operation or not self.is_mixed(graph, node, number):
            return before, {name: self.resolve(each, values) for name, each in step.call.items()}
        kinds = self.kinds[id(graph)]
        references = [*(node.feed.tensors if number == 0 else ()), *step.references()]
        batched = next((self.reference(each, values) for each in references if kinds.of(each) == Kind.BATCHED), before)
        rows = batched.shape[0] if isinstance(batched, Tensor) and batched.shape else None
        repeated = {each.name: values.get(each.name, UNKNOWN) for each in references}
        repeated |= {
            name: _for_samples(repeated[name], rows) for name in repeated if kinds.of_node(name) < Kind.BATCHED
        }
        if number == 0:
            before = self.feed(node.feed, repeated)
        elif kinds.operands(node, number)[0] < Kind.BATCHED:
            before = _for_samples(before, rows)
        return before, {name: self.resolve(each, repeated) for name, each in step.call.items()}

    def refuse_lost_batch(self, graph: Graph, node: Node, number: int, taken: Any, *, result: Value) -> None:
        """Refuse an operation that broadcasts a tensor without a batch over the batch of another.

        Raises:
            _Unfit: It does, so that it fails for any other number of samples.
        """
        layer = node.steps[number].layer
        if not isinstance(result, Tensor) or not _broadcasts(layer) or not self.is_mixed(graph, node, number):
            return
        found = self.kinds[id(graph)].operands(node, number)
        pairs = list(zip(tensors(taken), found, strict=False))
        batched = [each for each, kind in pairs if kind == Kind.BATCHED]
        others = [each for each, kind in pairs if kind < Kind.BATCHED]
        first = next((each for each in batched if isinstance(each, Tensor) and each.rank == result.rank), None)
        if first is not None and first.shape[0] != result.shape[0]:
            raise _Unfit(lost_batch(layer, first, next(each for each in others if isinstance(each, Tensor))), layer)

    def feed(self, feed: Feed, values: dict[str, Value]) -> Value:
        """Return the operands of a node."""
        return feed.map(lambda reference: self.reference(reference, values))

    def resolve(self, value: Any, values: dict[str, Value]) -> Any:
        """Return a call argument with the values of its references."""
        if isinstance(value, list):
            return [self.resolve(item, values) for item in value]
        return self.reference(value, values) if isinstance(value, Reference) else value

    def reference(self, reference: Reference, values: dict[str, Value]) -> Value:
        """Return the value of a reference. Raises _Found where it picks an output that is not there."""
        found = values.get(reference.name, UNKNOWN)
        if reference.output is not None:
            return found.get(reference.output, UNKNOWN) if isinstance(found, dict) else found
        if reference.index is None:
            return found
        if isinstance(found, dict):
            found = list(found.values())
        if isinstance(found, Tensor) or (isinstance(found, list) and reference.index >= len(found)):
            count = len(found) if isinstance(found, list) else 1
            raise _Found(bad_index(reference, count))
        return found[reference.index] if isinstance(found, list) else UNKNOWN

    def call(self, layer: Layer, value: Value, keywords: dict[str, Any], *, listed: bool = False) -> Value:
        """Return the output of `layer` for `value`. Raises _Unfit where Keras would refuse."""
        if isinstance(layer, ExternalModel):
            return self.external(layer, value)
        if isinstance(layer, NestedModel):
            return self.model(layer, layer.graph, value)
        makes = layer.is_operation and value == [] and not keywords
        rule = _rule(f"{layer.class_name}()" if makes else layer.class_name)
        if rule is None or not is_known([value, list(keywords.values())]):
            return UNKNOWN
        try:
            call = self.prepare(layer, value, keywords, listed=listed)
            result = rule(call)
            self.warnings += [_Unfit(each, layer) for each in call.warnings]
            return result if layer.is_operation else masked(call, result)
        except Refusal as refusal:
            raise _Unfit(refusal, layer) from None
        except TooLargeError as error:
            raise _Unfit(too_large(f"the output of `{layer.class_name}`", error), layer) from None

    def prepare(self, layer: Layer, value: Value, keywords: dict[str, Any], *, listed: bool) -> Call:
        """Return the call as its rule sees it, with float tensors cast to the dtype that the layer computes in."""
        facts, name = self.facts.setdefault(layer, {}), layer.class_name
        if layer.is_operation:
            arguments = {**layer.arguments, **_operands(name, value, listed=listed), **keywords}
            return Call("ops", name, arguments, value, keywords, self.dtype, facts, self.call)
        dtype = layer.arguments.get("dtype") or self.dtype
        dtype = COMPUTE_DTYPES.get(dtype, dtype) if isinstance(dtype, str) else self.dtype
        if layer.arguments.get("autocast", True):
            value, keywords = _cast(value, dtype), {name: _cast(each, dtype) for name, each in keywords.items()}
        entry = catalog.find("layers", name)
        if entry is not None and entry.call:
            value, keywords = bind(entry, value, keywords)
        call = Call("layers", name, layer.arguments, value, keywords, dtype, facts, self.call)
        self.shapes.first_calls.setdefault(layer, call)
        return call

    def external(self, layer: ExternalModel, value: Value) -> Value:
        """Return the outputs of a model that is declared elsewhere. Raises _Unfit where it does not take `value`."""
        try:
            if isinstance(layer, PresetPreprocessor):
                return prepared(layer, value)
            if isinstance(layer, PresetModel):
                return encoded(layer, value, self.dtype)
            return applied(layer, value, self.dtype) if is_application(layer) else self.saved(layer, value)
        except Refusal as refusal:
            raise _Unfit(refusal, layer) from None

    def saved(self, layer: ExternalModel, value: Value) -> Value:
        """Return the output of a model from a file. It refuses others than its inputs; findings inside are dropped."""
        said, watch = len(self.shapes.findings), self.watch
        self.watch = Watch()
        try:
            if layer not in self.shapes.saved:
                graph = read_saved(layer)
                if graph is not None:
                    self.define(graph)
                self.shapes.saved[layer] = graph if len(self.shapes.findings) == said else None
            graph = self.shapes.saved[layer]
            if graph is None or value is UNKNOWN:
                return UNKNOWN
            refuse_others(layer.name, list(graph.inputs), value)
            return self.model(layer, graph, value)
        finally:
            self.watch = watch
            del self.shapes.findings[said:]

    def model(self, layer: Layer, graph: Graph, value: Value) -> Value:
        """Return the output of a model: its nodes are walked again with the shapes of its inputs."""
        if id(graph) not in self.shapes.values:
            self.define(graph)
        given = by_input(graph, value)
        if given is None:
            return UNKNOWN
        values: dict[str, Value] = {}
        for name, declared in graph.inputs.items():
            try:
                values[name] = cast_input(graph, declared, given[name])
            except Refusal as refusal:
                raise _Unfit(refusal, layer) from None
        declared_values = self.shapes.values[id(graph)]
        if all(values[name] == declared_values[name] for name in graph.inputs):
            values = declared_values
        else:
            for name, node in graph.nodes.items():
                values[name] = self.again(layer, graph, node, values)
        outputs = {name: values.get(name, UNKNOWN) for name in graph.outputs}
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def again(self, layer: Layer, graph: Graph, node: Node, values: dict[str, Value]) -> Value:
        """Return the output of a node of a model in one call. Raises _Unfit where Keras would refuse it."""
        if self.again_left < 0 or not is_known(self.shapes.of(graph, node.name)):
            return UNKNOWN
        self.again_left -= 1 + sum(1 + size_of(step.layer) // 10 for step in node.steps)
        try:
            results = list(self.node(graph, node, values))
        except _Found as found:
            inside = found.diagnostic
            message = f"the model `{graph.name}` fails for {shape_text(list(_inputs(graph, values)))}: {inside.message}"
            raise _Unfit(Refusal(inside.rule, message, None, inside.expected, help=inside.help), layer) from None
        return results[-1] if results else self.feed(node.feed, values)


def _rule(name: str) -> ShapeRule | None:
    if name.startswith("ops."):
        import_module("graphspec.shapes.ops")  # many modules, of which most specs need none
    return SHAPE_RULES.get(name)


def _broadcasts(layer: Layer) -> bool:
    if not layer.is_operation:
        return False
    from graphspec.shapes.ops.operands import broadcasts  # loaded with the rules of operations

    return broadcasts(layer.class_name)


def _for_samples(value: Value, rows: Size) -> Value:
    """Return tensors without a batch as they are once for each of `rows` samples."""
    if isinstance(value, Tensor):
        return Tensor((rows, *value.shape), value.dtype)
    return [_for_samples(each, rows) for each in value] if isinstance(value, list) else value


def _cast(value: Any, dtype: str) -> Any:
    """Return the value with its float tensors in `dtype`."""
    if isinstance(value, Tensor):
        return replace(value, dtype=dtype) if value.dtype in _FLOATS and value.dtype != dtype else value
    if isinstance(value, list):
        return [_cast(item, dtype) for item in value]
    if isinstance(value, dict):
        return {name: _cast(item, dtype) for name, item in value.items()}
    return value


def _operands(name: str, value: Value, *, listed: bool) -> dict[str, Any]:
    """Return the operands of an operation by its parameters."""
    if isinstance(value, dict):
        return dict(value)
    entry = catalog.find("ops", name)
    assert entry is not None
    several: list[Any] = value if isinstance(value, list) else [value]
    if not several:
        return {}
    fed = catalog.fed(entry, len(several))
    if entry.tensors[fed[0]] != "one":
        return {fed[0]: several}
    return dict(zip(fed, several if listed else [value], strict=False))


def _inputs(graph: Graph, values: dict[str, Value]) -> Iterator[Value]:
    return (values[name] for name in graph.inputs)
