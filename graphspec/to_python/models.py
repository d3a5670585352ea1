"""The function of a model, which builds it from its inputs to its outputs."""

from __future__ import annotations

from dataclasses import replace

from graphspec.language.document.tree import Mapping
from graphspec.language.graph import Graph, Input, Layer, Step
from graphspec.language.source_nodes import SourceNode
from graphspec.to_python.body import Body
from graphspec.to_python.frame import Frame, Instance
from graphspec.to_python.identifiers import Identifiers
from graphspec.to_python.literals import literal, literal_text
from graphspec.to_python.order import call_references, order_of, references_of
from graphspec.to_python.parts import Parts
from graphspec.to_python.source import (
    Assign,
    Blank,
    Call,
    Do,
    Expression,
    Function,
    Items,
    Pairs,
    Statement,
    Text,
)


def write_model(parts: Parts, graph: Graph, name: str, doc: str, *, is_top: bool) -> tuple[Function, list[Layer]]:
    """Return the function that builds the model of a graph, and the layers that it takes as arguments."""
    identifiers = Identifiers(["model"], parts.identifiers)
    frame = Frame([Instance({})], parts.places, parts.constants, parts.variables_of(graph.span), identifiers)
    nodes = with_endings(parts.source_nodes.of(graph), graph)
    body = Body(parts, frame, nodes, graph)
    inputs = {each: identifiers.new(each) for each in graph.inputs}
    plain = sorted(graph.inputs.values(), key=lambda each: each.sparse + each.optional)
    body.source = inputs[plain[0].name]
    body.start(dict(inputs), parts.is_head if is_top else lambda step: False)
    statements: list[Statement] = []
    if is_top and parts.policy:
        statements += [Do(Call(Text("keras.config.set_dtype_policy"), (Text(literal_text(parts.policy)),))), Blank()]
    for key, variable in inputs.items():
        comments = parts.places.comments(graph.inputs[key].span)
        statements.append(Assign(variable, _input(graph.inputs[key], frame), comments))
    order = order_of(nodes, [*graph.outputs, *graph.losses], call_references)
    body.selections = {str(each) for name in order for each in references_of(nodes[name])}
    groups = [(body.write_node(each, {0: nodes[each]}), body.taken_pending()) for each in order]
    statements += _spaced([each for each in groups if each[0]])
    tensors = {each: Text(body.writer.variables[each]) for each in graph.outputs}
    if graph.anchor is not None:
        variable = identifiers.new(f"{graph.anchor.name}_with_losses")
        held = [tensors[graph.anchor.name], *(Text(body.writer.variables[each]) for each in graph.losses)]
        anchor = body.writer.objects.make({0: graph.anchor.object}, name=Text(literal_text(graph.anchor.name)))
        taken = Call(anchor, (Items(tuple(held)),))
        statements += [Blank(), Assign(variable, taken, ["Keras computes only what outputs depend on."])]
        tensors[graph.anchor.name] = Text(f"{variable}[0]")
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


def with_endings(nodes: dict[str, SourceNode], graph: Graph) -> dict[str, SourceNode]:
    """Return the source nodes, those of outputs with the `Identity` that names them, if they need one."""
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
