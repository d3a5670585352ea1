"""A body — a whole spec or a nested model — → Graph."""

from __future__ import annotations

from functools import partial

from graphspec import catalog
from graphspec.diagnostics import Label, Report, Span
from graphspec.document.tree import Located
from graphspec.graph import Graph, Input, Layer, Node, Output, Step
from graphspec.lower.merges import read_merge
from graphspec.lower.naming import name_layers
from graphspec.lower.objects import read_object
from graphspec.lower.order import in_order
from graphspec.lower.outputs import read_output
from graphspec.lower.references import read_feed
from graphspec.lower.scope import Scope
from graphspec.lower.steps import read_steps
from graphspec.lower.wiring import check_references
from graphspec.rules import NAME_CLASH, TOO_LARGE
from graphspec.schema.model import Body, InputModel, NodeModel, SpecModel


def lower(spec: SpecModel, name: str, report: Report) -> Graph | None:
    """The graph of `spec`; None, with findings in `report`, where it cannot be built."""
    before = len(report.errors)
    try:
        graph = _lower_body(spec, name, None, report)
    except RecursionError:
        span = spec.key_span("models") if spec.models else spec.key_span("layers")
        report.add(TOO_LARGE, "models and layers hold each other too deep", span, expected="less deep nesting")
        return None
    return graph if graph is not None and len(report.errors) == before else None


def _lower_body(body: Body, name: str, outer: Scope | None, report: Report) -> Graph | None:
    scope = Scope(outer, report)
    _declare(body, scope, report)
    inputs = {key: _input(key, each, body.located("inputs").value.key_spans[key]) for key, each in body.inputs.items()}
    scope.tensors.update(body.inputs, body.graph, body.outputs)
    distinct = _names_are_distinct(body, report)
    nodes: dict[str, Node | None] = {}
    outputs: dict[str, Output] = {}
    for key, model in body.graph.items():
        nodes[key] = _node(key, model, body.located("graph").value.key_spans[key], scope, report)
    for key, output in body.outputs.items():
        span = body.located("outputs").value.key_spans[key]
        node = _node(key, output, span, scope, report)
        read = read_output(output, node, span, report)
        nodes[key] = node
        if read is not None:
            outputs[key] = read
    unapplied = scope.unapplied()
    for key in scope.makers:
        scope.find(key, scope.makers[key][1])
    if not distinct or not check_references(name, inputs, nodes, scope, report):
        return None
    sound = {key: node for key, node in nodes.items() if node is not None}
    ordered = in_order(inputs, sound, report)
    if ordered is None or len(sound) < len(nodes) or len(outputs) < len(body.outputs):
        return None
    used = dict.fromkeys(step.layer for node in ordered.values() for step in node.steps if not step.fresh)
    graph = Graph(name, inputs, ordered, outputs, body.span, {layer.name: layer for layer in used}, unapplied)
    name_layers(graph, report)
    return graph


def _declare(body: Body, scope: Scope, report: Report) -> None:
    for part in ("layers", "models"):
        for key in getattr(body, part):
            written = body.located(part).value
            span, value = written.key_spans[key], written.located(key)
            if key in scope.makers:
                _clash(key, span, scope.makers[key][1], "a layer and a model", report)
            elif catalog.find("layers", key) is not None:
                report.add(
                    NAME_CLASH,
                    f"`{key}` is a layer of Keras, so a step `{key}` could mean either",
                    span,
                    expected="a name that Keras does not use",
                    help=f"rename it, for instance to `{key.lower()}`",
                )
            elif part == "layers":
                scope.declare(key, span, partial(_declared_layer, value, scope, report))
            else:
                scope.declare(key, span, partial(_declared_model, key, body.models[key], span, scope, report))


def _declared_layer(written: Located, scope: Scope, report: Report) -> Layer | None:
    made = read_object("layers", written, report, scope)
    return Layer(made, made.span, declared=True) if made is not None else None


def _declared_model(key: str, body: Body, span: Span, scope: Scope, report: Report) -> Layer | None:
    graph = _lower_body(body, key, scope, report)
    return Layer(graph, span, key, declared=True) if graph is not None else None


def _input(name: str, model: InputModel, span: Span) -> Input:
    return Input(name, tuple(model.shape), model.dtype, span, model.sparse, model.batch_size, model.optional)


def _node(name: str, model: NodeModel, span: Span, scope: Scope, report: Report) -> Node | None:
    feed = read_feed(model.located("from"), report)
    merge = read_merge(model.located("merge"), feed, report) if model.merge is not None else None
    steps = read_steps(model.located("apply"), scope, report)
    if feed is None or steps is None or (model.merge is not None and merge is None):
        return None
    if merge is None:
        return Node(name, feed, steps, span)
    return Node(name, feed, [Step(merge[1], merge[1].span), *steps], span, merge[0])


def _names_are_distinct(body: Body, report: Report) -> bool:
    """Inputs, nodes and outputs name tensors, and a reference must mean one of them."""
    before = len(report)
    seen: dict[str, tuple[str, Span]] = {}
    for part in ("inputs", "graph", "outputs"):
        for key in getattr(body, part):
            span = body.located(part).value.key_spans[key]
            if key in seen:
                kinds = {"inputs": "an input", "graph": "a node", "outputs": "an output"}
                _clash(key, span, seen[key][1], f"{kinds[seen[key][0]]} and {kinds[part]}", report)
            seen.setdefault(key, (part, span))
    return len(report) == before


def _clash(name: str, span: Span, first: Span, kinds: str, report: Report) -> None:
    help = "rename one of the two"
    if kinds == "a node and an output":
        help = "move the node's keys into the output, which is a node itself, or rename one of the two"
    report.add(
        NAME_CLASH,
        f"`{name}` names {kinds}",
        span,
        expected="a name of its own",
        help=help,
        labels=[Label(first, "the other one")],
    )
