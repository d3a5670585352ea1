"""The functions of a module: one for each model and each block, with the layers that they share as arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from graphspec.diagnostics import Span
from graphspec.language.document.tree import Mapping
from graphspec.language.expand.variables import Variables
from graphspec.language.graph import Graph, Input, KerasLayer, Layer, Reference, Step
from graphspec.language.written import Use, Written, WrittenNode
from graphspec.to_python.constants import Constants, whole_expression
from graphspec.to_python.expressions import UntranslatableError, translate
from graphspec.to_python.frame import DifferentError, Frame, Instance
from graphspec.to_python.identifiers import Identifiers
from graphspec.to_python.literals import literal, literal_text
from graphspec.to_python.nodes import NodeWriter
from graphspec.to_python.objects import Objects
from graphspec.to_python.order import call_references, order_of, references_of
from graphspec.to_python.places import Places
from graphspec.to_python.source import (
    Assign,
    Blank,
    Call,
    Comment,
    Do,
    Expression,
    Function,
    If,
    Pairs,
    Statement,
    Text,
    flat,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFunction:
    """The function of a block, for some of its uses. params: the identifier of each. free: the layers it is passed."""

    name: str
    inputs: list[str]
    params: dict[str, str]
    free: list[Layer]
    is_relative: bool


@dataclass(frozen=True, slots=True)
class ModelFunction:
    """The function that builds a model. free: the layers that it is passed."""

    name: str
    free: list[Layer]


class Parts(Protocol):
    """The module around a function."""

    places: Places
    constants: Constants
    written: Written
    identifiers: Identifiers
    policy: str
    names_operations: bool

    def variables_of(self, span: Span) -> Variables | None:
        """Return the variables of the file at `span`."""

    def owner(self, layer: Layer) -> Graph:
        """Return the graph whose function creates a declared layer."""

    def argument(self, layer: Layer) -> str:
        """Return the argument by which functions are passed a layer."""

    def objects(self, frame: Frame) -> Objects:
        """Return the maker of objects for a function."""

    def model_function(self, layer: Layer) -> ModelFunction:
        """Return the function that builds a declared model."""

    def block_function(self, uses: dict[int, Use]) -> BlockFunction:
        """Return the function of a block that these uses share."""

    def interface(self, layer: Layer) -> tuple[list[str], list[str]] | None:
        """Return the names of a model's inputs and outputs; None for a layer, or where they are unknown."""

    def model_settings(self, graph: Graph) -> list[Statement]:
        """Return the statements for the weights of a model, and for one that is frozen."""

    def is_head(self, step: Step) -> bool:
        """Return whether a step is the last of an output of the spec, which computes in float32."""


@dataclass
class Body:
    """The function of one body or block while it is written.

    Attributes:
        nodes: Its nodes by name, of the first instance.
        free: The layers that come as arguments, with their variables.
        created: The variables of the layers that it creates.
        pending: Statements that create layers, to stand before the next node.
        selections: The references that pick one of several tensors.
    """

    parts: Parts
    frame: Frame
    nodes: dict[str, WrittenNode]
    graph: Graph | None = None
    free: dict[Layer, str] = field(default_factory=dict)
    created: dict[Layer, str] = field(default_factory=dict)
    pending: list[Statement] = field(default_factory=list)
    selections: set[str] = field(default_factory=set)

    @property
    def names_operations(self) -> bool:
        """Whether operations are named, since Keras might give them the name of a layer."""
        return self.parts.names_operations

    def layer(self, layer: Layer) -> Expression:
        """Return the variable of a declared layer or model, which is created or becomes an argument here."""
        if layer in self.created:
            return Text(self.created[layer])
        if layer in self.free:
            return Text(self.free[layer])
        if self.graph is None or self.parts.owner(layer) is not self.graph:
            self.free[layer] = self.parts.argument(layer)
            return Text(self.free[layer])
        value = self._made(layer)
        self.created[layer] = self.frame.identifiers.new(layer.name)
        comments = self.parts.places.comments(layer.span)
        self.pending.append(Assign(self.created[layer], value, comments))
        return Text(self.created[layer])

    def _made(self, layer: Layer) -> Expression:
        if isinstance(layer, KerasLayer):
            return self.writer.objects.make({0: layer.object}, self.writer.layers, name=Text(literal_text(layer.name)))
        function = self.parts.model_function(layer)
        return Call(Text(function.name), (), self._arguments(function.free))

    def _arguments(self, free: list[Layer]) -> tuple[tuple[str, Expression], ...]:
        return tuple((self.parts.argument(each), self.layer(each)) for each in free)

    def use(self, uses: dict[int, Use], inputs: dict[str, Expression], name: Expression) -> Expression:
        """Return the call of the function of a block."""
        function = self.parts.block_function(uses)
        first = next(iter(uses.values()))
        keywords: dict[str, Expression] = {}
        positional = [inputs[each] for each in function.inputs]
        for param in function.params:
            value = self._argument(uses, param)
            if value is not None and param == next(iter(function.params)) and first.params[param] is None:
                positional.append(value)
            elif value is not None:
                keywords[function.params[param]] = value
        named = (("name", name),) if function.is_relative else ()
        free = self._arguments(function.free)
        return Call(Text(function.name), tuple(positional), (*keywords.items(), *free, *named))

    def _argument(self, uses: dict[int, Use], param: str) -> Expression | None:
        """Return what the caller writes for a parameter; None where it leaves the default."""
        spans: dict[int, Span] = {}
        for number, use in uses.items():
            written = use.arguments
            if isinstance(written.value, Mapping):
                if param in written.value:
                    spans[number] = written.value.value_spans[param]
            elif written.value is not None and param == next(iter(use.params)):
                spans[number] = written.span
        if not spans:
            return None
        if len(spans) != len(uses):
            raise DifferentError
        values = {number: use.names[param] for number, use in uses.items()}
        default = next(iter(uses.values())).params[param]
        if isinstance(default, str) and "${" in default and None in values.values():
            raise DifferentError
        return self.frame.value(values, next(iter(spans.values())))

    def inputs_of(self, layer: Layer) -> list[str] | None:
        """Return the names of a model's inputs; None for a layer, or where they are unknown."""
        interface = self.parts.interface(layer)
        return interface[0] if interface is not None else None

    def selected(self, reference: Reference, variable: str) -> str:
        """Return one of several tensors that a variable holds."""
        layer = self._last_layer(reference.name)
        interface = self.parts.interface(layer) if layer is not None else None
        names = interface[1] if interface is not None else None
        if names is not None and len(names) == 1:
            return variable
        if reference.output is not None:
            return f"{variable}[{literal_text(reference.output)}]"
        assert reference.index is not None
        return f"{variable}[{literal_text(names[reference.index]) if names else reference.index}]"

    def _last_layer(self, name: str) -> Layer | None:
        seen: set[str] = set()
        while name in self.nodes and name not in seen:
            seen.add(name)
            node = self.nodes[name]
            if node.items:
                last = node.items[-1]
                return last.layer if isinstance(last, Step) else self._last_of_use(last)
            if node.feed.single is None:
                return None
            name = node.feed.single.name
        return None

    def _last_of_use(self, use: Use) -> Layer | None:
        inner = replace(self, nodes=use.nodes)
        return inner._last_layer(use.outputs[0]) if len(use.outputs) == 1 else None

    @property
    def writer(self) -> NodeWriter:
        """The writer of the nodes."""
        return self._writer

    def start(self, variables: dict[str, str], is_head: Callable[[Step], bool] = lambda step: False) -> None:
        """Begin with the variables of the inputs."""
        self._writer = NodeWriter(self.frame, self.parts.objects(self.frame), self, variables, is_head)

    def write_node(self, name: str, nodes: dict[int, WrittenNode], target: str | None = None) -> list[Statement]:
        """Return the statements of one node, which is a variable afterwards."""
        variables = self.writer.variables
        first = next(iter(nodes.values()))
        last = first.items[-1] if first.items else None
        is_alone = len(nodes) == len(self.frame.instances)
        is_alias = is_alone and target is None and not any(each.items for each in nodes.values())
        if is_alias and first.feed.single is not None and not self._is_conditional(first):
            variables[name] = flat(self.writer.tensor(first.feed.single))
            self._alias_outputs(name, first.feed.single)
            return []
        if isinstance(last, Use) and len(last.outputs) > 1:
            selected = {
                each: self.frame.identifiers.new(f"{name}_{each}") if f"{name}.{each}" in self.selections else "_"
                for each in last.outputs
            }
            target = ", ".join(selected.values())
            statements = self.writer.write(name, target, nodes)
            variables |= {f"{name}.{each}": variable for each, variable in selected.items()}
            variables[name] = target
        else:
            target = target or self.frame.identifiers.new(name)
            statements = self.writer.write(name, target, nodes)
            variables[name] = target
        return statements

    def taken_pending(self) -> list[Statement]:
        """Return the statements that create layers for the last node."""
        before, self.pending = self.pending, []
        return before

    def _is_conditional(self, node: WrittenNode) -> bool:
        located = self.parts.places.under(node.span)
        written = located.value if located is not None else None
        return isinstance(written, Mapping) and "when" in written and len(self.frame.instances) > 1

    def _alias_outputs(self, name: str, source: Reference) -> None:
        variables = self.writer.variables
        for key in [each for each in variables if each.startswith(f"{source.name}.")]:
            variables[f"{name}.{key.partition('.')[2]}"] = variables[key]


def write_model(parts: Parts, graph: Graph, name: str, doc: str, *, is_top: bool) -> tuple[Function, list[Layer]]:
    """Return the function that builds the model of a graph, and the layers that it takes as arguments."""
    identifiers = Identifiers(["model"], parts.identifiers)
    frame = Frame([Instance({})], parts.places, parts.constants, parts.variables_of(graph.span), identifiers)
    nodes = with_endings(parts.written.of(graph), graph)
    body = Body(parts, frame, nodes, graph)
    inputs = {each: identifiers.new(each) for each in graph.inputs}
    body.start(dict(inputs), parts.is_head if is_top else lambda step: False)
    statements: list[Statement] = []
    if is_top and parts.policy:
        statements += [Do(Call(Text("keras.config.set_dtype_policy"), (Text(literal_text(parts.policy)),))), Blank()]
    for key, variable in inputs.items():
        comments = parts.places.comments(graph.inputs[key].span)
        statements.append(Assign(variable, _input(graph.inputs[key], frame), comments))
    order = order_of(nodes, list(graph.outputs), call_references)
    body.selections = {str(each) for name in order for each in references_of(nodes[name])}
    groups = [(body.write_node(each, {0: nodes[each]}), body.taken_pending()) for each in order]
    statements += _spaced([each for each in groups if each[0]])
    tensors = {each: Text(body.writer.variables[each]) for each in graph.outputs}
    made = keras_model(inputs, tensors, graph.name, is_top=is_top)
    statements.append(Blank())
    settings = parts.model_settings(graph)
    statements += [Assign("model", made), *settings, Do(Text("model"), "return")] if settings else [Do(made, "return")]
    return Function(name=name, parameters=list(body.free.values()), doc=doc, body=statements), list(body.free)


def keras_model(inputs: dict[str, str], outputs: dict[str, Text], name: str, *, is_top: bool) -> Call:
    """Return the call of `keras.Model`. A nested model with one input or output has the bare tensor there."""

    def form(tensors: dict[str, Expression]) -> Expression:
        if not is_top and len(tensors) == 1:
            return next(iter(tensors.values()))
        return Pairs(tuple((literal(key), each) for key, each in tensors.items()))

    arguments = (("inputs", form({key: Text(each) for key, each in inputs.items()})), ("outputs", form(dict(outputs))))
    return Call(Text("keras.Model"), (), (*arguments, ("name", Text(literal_text(name)))))


def with_endings(nodes: dict[str, WrittenNode], graph: Graph) -> dict[str, WrittenNode]:
    """Return the written nodes, those of outputs with the `Identity` that names them, if they need one."""
    nodes = dict(nodes)
    for name in graph.outputs:
        last = graph.nodes[name].steps[-1]
        known = [item.layer for item in nodes[name].items if isinstance(item, Step)]
        if last.layer not in known:
            nodes[name] = replace(nodes[name], items=[*nodes[name].items, last])
    return nodes


def _input(each: Input, frame: Frame) -> Call:
    located = frame.places.under(each.span)
    written = located.value if located is not None else None
    spans = written.value_spans if isinstance(written, Mapping) else {}
    keywords: list[tuple[str, Expression]] = [
        ("shape", frame.value({0: list(each.shape)}, spans.get("shape"), as_tuple=True))
    ]
    if each.dtype != "float32":
        keywords.append(("dtype", Text(literal_text(each.dtype))))
    if each.sparse:
        keywords.append(("sparse", Text("True")))
    if each.batch_size is not None:
        keywords.append(("batch_size", frame.value({0: each.batch_size}, spans.get("batch_size"))))
    if each.optional:
        keywords.append(("optional", Text("True")))
    return Call(Text("keras.Input"), (), (*keywords, ("name", Text(literal_text(each.name)))))


def _spaced(groups: list[tuple[list[Statement], list[Statement]]]) -> list[Statement]:
    """Return the statements of nodes, with an empty line around those that take several or create shared layers.

    groups: the statements of each node, with those that create layers for it.
    """
    statements: list[Statement] = []
    before = 2
    for group, creating in groups:
        if len(group) > 1 or before > 1 or creating:
            statements.append(Blank())
        statements += [*creating, *group]
        before = len(group)
    return statements


def write_block(parts: Parts, uses: list[Use], name: str, *, is_relative: bool) -> tuple[Function, BlockFunction]:
    """Return the function of a block for some of its uses.

    Raises:
        DifferentError: They cannot share one function.
    """
    first = uses[0]
    variables = first.names.maps[-1] if hasattr(first.names, "maps") else None
    identifiers = Identifiers(["name", "number", "layer_name"], parts.identifiers)
    params = {each: identifiers.new(each) for each in first.params}
    frame = Frame(
        [Instance(each.names, each.prefix) for each in uses],
        parts.places,
        parts.constants,
        variables if isinstance(variables, Variables) else None,
        identifiers,
        params,
        is_relative,
    )
    every: dict[str, dict[int, WrittenNode]] = {}
    for number, use in enumerate(uses):
        for key, node in use.nodes.items():
            every.setdefault(key, {})[number] = node
    nodes = {key: next(iter(each.values())) for key, each in every.items()}
    body = Body(parts, frame, nodes)
    inputs = {each: identifiers.new(each) for each in first.inputs}
    body.start(dict(inputs))

    def extra(node: WrittenNode) -> list[Reference]:
        return [
            reference
            for each in every[node.name].values()
            for reference in (*each.feed.tensors, *call_references(each))
        ]

    keyed = {key: replace(node, name=key) for key, node in nodes.items()}
    body.selections = {str(reference) for each in keyed.values() for reference in (*references_of(each), *extra(each))}
    statements: list[Statement] = []
    targets: dict[str, str] = {}
    for key in order_of(keyed, first.outputs, extra):
        target = None
        if [key] == first.outputs:
            target = _result_variable(frame, keyed[key], list(every[key].values()), inputs)
        elif key in first.outputs:
            target = identifiers.new(key)
        statements += body.write_node(key, every[key], target)
        targets[key] = body.writer.variables[key]
    defaults = _defaults(frame, first, params)
    statements = _returning(statements, ", ".join(targets[each] for each in first.outputs))
    used = [each for each in first.params if each in frame.used]
    order = [each for each in used if first.params[each] is None] + [
        each for each in used if first.params[each] is not None
    ]
    begin = [
        If(f"{params[each]} is None", [Assign(params[each], Text(value))])
        for each, value in defaults.items()
        if each in order and value
    ]
    signature = [*inputs.values(), *(_parameter(first, each, params[each], defaults) for each in order)]
    last = [*body.free.values(), *(["name"] if is_relative else [])]
    doc = f"Apply `{first.block}`" + (" with layers named after `name`." if is_relative else ".")
    function = Function(
        name=name, parameters=[*signature, *(["*", *last] if last else [])], doc=doc, body=[*begin, *statements]
    )
    return function, BlockFunction(
        name=name,
        inputs=list(inputs),
        params={each: params[each] for each in order},
        free=list(body.free),
        is_relative=is_relative,
    )


def _parameter(use: Use, param: str, variable: str, defaults: dict[str, str]) -> str:
    default = use.params[param]
    if default is None:
        return variable
    return f"{variable}=None" if param in defaults else f"{variable}={flat(literal(default))}"


def _defaults(frame: Frame, use: Use, params: dict[str, str]) -> dict[str, str]:
    """Return the expression of each default that depends on other parameters or variables."""
    found: dict[str, str] = {}
    for param, default in use.params.items():
        if param not in frame.used or not isinstance(default, str | list) or "${" not in str(default):
            continue
        inside = whole_expression(default) if isinstance(default, str) else None
        if inside is None:
            raise DifferentError
        try:
            found[param] = translate(inside, frame.identify)
        except UntranslatableError:
            raise DifferentError from None
    return found


def _result_variable(frame: Frame, node: WrittenNode, nodes: list[WrittenNode], inputs: dict[str, str]) -> str:
    """Return the variable of the only output: `x`, unless a later step still needs the input of that name."""
    later = {reference.name for each in nodes for reference in call_references(each)}
    x = next((key for key, variable in inputs.items() if variable == "x"), None)
    if x is None:
        return frame.identifiers.new("x")
    return frame.identifiers.new(node.name) if x in later else "x"


def _returning(statements: list[Statement], result: str) -> list[Statement]:
    """Return the statements of a function that end with the return of `result`."""
    match statements[-1] if statements else None:
        case Assign(target, value, comments) if target == result:
            notes: list[Statement] = [Comment(comments)] if comments else []
            return [*statements[:-1], *notes, Do(value, "return")]
        case If(condition, body, otherwise) if (
            otherwise and _is_assigned(body, result) and _is_assigned(otherwise, result)
        ):
            return [*statements[:-1], If(condition, _returning(body, result)), *_returning(otherwise, result)]
    return [*statements, Do(Text(result), "return")]


def _is_assigned(statements: list[Statement], name: str) -> bool:
    last = statements[-1] if statements else None
    return isinstance(last, Assign) and last.target == name
