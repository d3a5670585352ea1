"""References against what is there: every tensor is defined, every selection exists, models get their inputs."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from itertools import pairwise

from graphspec.diagnostics import Fix, Label, Report, Span
from graphspec.diagnostics.rules import BAD_SELECTION, MODEL_INPUTS, UNDEFINED_NAME
from graphspec.diagnostics.suggest import closest, did_you_mean, one_of
from graphspec.language.graph import External, Graph, Input, Node, Reference, Step
from graphspec.language.lower.references import declared_near
from graphspec.language.lower.scope import Scope


def check_references(
    body: str,
    inputs: AnyMapping[str, Input],
    nodes: dict[str, Node],
    scope: Scope,
    report: Report,
    absent: AnyMapping[str, Span],
) -> None:
    """Every reference of the body is to something it has: findings of those that are not go to `report`.

    absent: the nodes that a condition left out. A faulty node defines its name all the same, so that one mistake is
    found once.
    """
    for node in nodes.values():
        for reference in node.references():
            if reference.name not in inputs and reference.name not in nodes:
                places = {name: each.span for name, each in inputs.items()}
                places |= {name: each.span for name, each in nodes.items()}
                _undefined(body, reference, places, scope, report, absent)
    for node in nodes.values():
        watch = report.watch()
        _check_node(node, inputs, nodes, report)
        if not watch.is_clean:
            node.feed, node.steps, node.is_faulty = (), [], True


def _undefined(
    body: str,
    reference: Reference,
    places: AnyMapping[str, Span],
    scope: Scope,
    report: Report,
    absent: AnyMapping[str, Span],
) -> None:
    known = list(places)
    help = did_you_mean(reference.name, known)
    if reference.name in absent:
        help = f"`{reference.name}` does not exist here, since its `when` is false"
    if scope.tensor_outside(reference.name):
        help = f"a model has only its own tensors: declare an input of `{body}` and pass `{reference.name}` to it"
    if scope.declares(reference.name):
        help = f"`{reference.name}` is a layer or model: name a tensor in `from` and write `apply: {reference.name}`"
    where = f" in the model `{body}`" if scope.parent is not None else ""
    report.add(
        UNDEFINED_NAME,
        f"there is no input, node or output `{reference.name}`{where}",
        reference.place,
        expected="the name of a tensor of this graph",
        help=help or f"the tensors are {one_of(known)}",
        labels=declared_near(reference.name, places),
        fix=_respelled(reference, known) if help == did_you_mean(reference.name, known) else None,
    )


def _respelled(reference: Reference, known: list[str]) -> Fix | None:
    """The nearest name, which only its author knows to be the one that is meant."""
    near = closest(reference.name, known)
    return Fix.rewrite(reference.place, reference.name, near, is_safe=False) if near is not None else None


def _check_node(node: Node, inputs: AnyMapping[str, Input], nodes: dict[str, Node], report: Report) -> None:
    for reference in node.references():
        _check_selection(reference, inputs, nodes, report)
    first = node.steps[0] if node.steps else None
    is_model = first is not None and isinstance(first.layer.what, Graph)
    if first is not None and is_model:
        _check_model_inputs(node, first, report)
    for step in node.steps[1:]:
        if isinstance(step.layer.what, Graph) and len(step.layer.what.inputs) > 1:
            count = len(step.layer.what.inputs)
            _refuse_inputs(step, f"takes {count} tensors, but received one, the result of the step before", report)
    if first is not None and not is_model:
        whole = (
            node.feed.values()
            if isinstance(node.feed, dict)
            else [node.feed]
            if isinstance(node.feed, Reference)
            else node.feed
        )
        for reference in whole:
            names = _output_names(reference, nodes) or []
            if len(names) > 1:
                report.add(
                    BAD_SELECTION,
                    f"`{reference}` is {len(names)} tensors, the outputs {one_of(names)} of a model",
                    reference.span,
                    expected="one tensor",
                    help=f"pick one: `{reference.name}.{names[0]}`",
                )
    for before, step in pairwise(node.steps):
        if isinstance(before.layer.what, Graph) and len(before.layer.what.outputs) > 1:
            names = list(before.layer.what.outputs)
            report.add(
                BAD_SELECTION,
                f"`{before.layer.name}` returns {len(names)} tensors: {one_of(names)}",
                step.span,
                expected="a step on one tensor",
                help=f"end the node before this step, and begin another from `{node.name}.{names[0]}`",
            )


def _check_selection(
    reference: Reference, inputs: AnyMapping[str, Input], nodes: dict[str, Node], report: Report
) -> None:
    if reference.index is None and reference.output is None:
        return
    if reference.name in inputs:
        report.add(
            BAD_SELECTION,
            f"`{reference.name}` is an input, which is one tensor",
            reference.place,
            expected=f"`{reference.name}`",
        )
    elif reference.output is not None:
        names = _output_names(Reference(reference.name, reference.span), nodes)
        if names is None:
            return
        if reference.output not in names and reference.name in nodes:
            help = did_you_mean(reference.output, names, f"it has {one_of(names)}" if names else "")
            why = (
                f"has no output `{reference.output}`"
                if names
                else "does not end in a model, so it has no named outputs"
            )
            report.add(
                BAD_SELECTION,
                f"`{reference.name}` {why}",
                reference.place,
                expected="an output of the applied model",
                help=help or f"write `{reference.name}`",
                labels=[Label(nodes[reference.name].span, f"`{reference.name}` is computed here")],
            )


def _output_names(reference: Reference, nodes: dict[str, Node]) -> list[str] | None:
    """The output names of the model whose result `reference` is as a whole; empty where it is no model's result.

    None where the node is faulty, or the model comes from elsewhere, so that its outputs are known when it is built.
    """
    seen: set[str] = set()
    while reference.index is None and reference.output is None and reference.name not in seen:
        seen.add(reference.name)
        node = nodes.get(reference.name)
        if node is None:
            return []
        if node.is_faulty:
            return None
        if node.steps:
            what = node.steps[-1].layer.what
            if isinstance(what, External):
                return None
            return list(what.outputs) if isinstance(what, Graph) else []
        if not isinstance(node.feed, Reference):
            return []
        reference = node.feed
    return []


def _check_model_inputs(node: Node, step: Step, report: Report) -> None:
    """A model takes exactly its inputs: Keras would hand tensors of a wrong dict to the wrong inputs."""
    graph = step.layer.what
    assert isinstance(graph, Graph)
    wanted = list(graph.inputs)
    if isinstance(node.feed, dict):
        missing = [name for name in wanted if name not in node.feed]
        extra = [name for name in node.feed if name not in wanted]
        if missing or extra:
            help = did_you_mean(extra[0], missing) if extra and missing else ""
            what = "; ".join(
                part for part in (
                    f"missing {one_of(missing)}" if missing else "",
                    f"unknown {one_of(extra)}" if extra else "",
                ) if part
            )  # fmt: skip
            _refuse_inputs(step, f"does not get exactly its inputs: {what}", report, help)
    else:
        given = 1 if isinstance(node.feed, Reference) else len(node.feed)
        if given != len(wanted):
            takes = "takes one tensor" if len(wanted) == 1 else f"takes {len(wanted)} tensors"
            _refuse_inputs(step, f"{takes}, but received {'one' if given == 1 else given}", report)


def _refuse_inputs(step: Step, why: str, report: Report, help: str = "") -> None:
    graph = step.layer.what
    assert isinstance(graph, Graph)
    form = ", ".join(f"{name}: ..." for name in graph.inputs)
    several = len(graph.inputs) > 1
    report.add(
        MODEL_INPUTS,
        f"the model `{step.layer.name}` {why}",
        step.span,
        expected=f"its {'inputs' if several else 'input'} {one_of(graph.inputs)}",
        help=help
        or (f"write `from: {{{form}}}`" if several else "apply it to one tensor at a time, each in its own node"),
        labels=[Label(each.span, f"its input `{name}`") for name, each in graph.inputs.items()],
    )
