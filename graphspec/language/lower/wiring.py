"""Check references: every tensor is defined, every selection exists, and models get exactly their inputs."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from itertools import pairwise

from graphspec.diagnostics import Fix, Label, Report, Span
from graphspec.diagnostics.rules import BAD_SELECTION, MODEL_INPUTS, UNDEFINED_NAME
from graphspec.diagnostics.suggest import closest, did_you_mean, one_of
from graphspec.language.feed import Feed, Reference
from graphspec.language.graph import ExternalModel, Input, NestedModel, Node, Step
from graphspec.language.lower.references import label_nearest
from graphspec.language.lower.scope import Scope


def check_references(
    body: str,
    inputs: AnyMapping[str, Input],
    nodes: dict[str, Node],
    scope: Scope,
    *,
    report: Report,
    absent: AnyMapping[str, Span],
) -> None:
    """Report references to undefined tensors, and mark their nodes as faulty.

    A faulty node still defines its name, so that one mistake is reported once.

    Args:
        body: The name of the body.
        inputs: Its inputs.
        nodes: Its nodes; faulty ones lose their operands and steps.
        scope: The names of its layers and models.
        report: Receives the diagnostics.
        absent: The nodes left out by their `when`.
    """
    places = {name: each.span for name, each in inputs.items()} | {name: each.span for name, each in nodes.items()}
    for node in nodes.values():
        for reference in node.references():
            if reference.name not in places:
                _report_undefined(body, reference, places, scope, report=report, absent=absent)
    for node in nodes.values():
        watch = report.watch()
        _check_node(node, inputs, nodes, report)
        if not watch.is_clean:
            node.feed, node.steps, node.is_faulty = Feed(), [], True


def _report_undefined(
    body: str,
    reference: Reference,
    places: AnyMapping[str, Span],
    scope: Scope,
    *,
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
        labels=label_nearest(reference.name, places),
        fix=_respelled(reference, known) if help == did_you_mean(reference.name, known) else None,
    )


def _respelled(reference: Reference, known: list[str]) -> Fix | None:
    """Return the unsafe fix that replaces the name by the most similar one."""
    near = closest(reference.name, known)
    return Fix.rewrite(reference.place, reference.name, near, is_safe=False) if near is not None else None


def _check_node(node: Node, inputs: AnyMapping[str, Input], nodes: dict[str, Node], report: Report) -> None:
    for reference in node.references():
        _check_selection(reference, inputs, nodes, report)
    first = node.steps[0] if node.steps else None
    if first is not None and isinstance(first.layer, NestedModel):
        _check_model_inputs(node, first.layer, first, report)
    for step in node.steps[1:]:
        if isinstance(step.layer, NestedModel) and len(step.layer.graph.inputs) > 1:
            count = len(step.layer.graph.inputs)
            _refuse_inputs(
                step.layer, step, f"takes {count} tensors, but received one, the result of the step before", report
            )
    if first is not None and not isinstance(first.layer, NestedModel):
        for reference in node.feed.tensors:
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
        if isinstance(before.layer, NestedModel) and len(before.layer.graph.outputs) > 1:
            names = list(before.layer.graph.outputs)
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
    if not reference.is_selection:
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
    """Return the output names of the model that computes `reference`, empty without one.

    None where they are unknown: the node is faulty, or the model is external.
    """
    seen: set[str] = set()
    while not reference.is_selection and reference.name not in seen:
        seen.add(reference.name)
        node = nodes.get(reference.name)
        if node is None:
            return []
        if node.is_faulty:
            return None
        if node.steps:
            layer = node.steps[-1].layer
            if isinstance(layer, ExternalModel):
                return None
            return list(layer.graph.outputs) if isinstance(layer, NestedModel) else []
        if node.feed.single is None:
            return []
        reference = node.feed.single
    return []


def _check_model_inputs(node: Node, model: NestedModel, step: Step, report: Report) -> None:
    """Report operands that differ from the model's inputs. Keras would assign a wrong dict silently."""
    expected, by_name = list(model.graph.inputs), node.feed.by_name
    if by_name is not None:
        missing = [name for name in expected if name not in by_name]
        extra = [name for name in by_name if name not in expected]
        if missing or extra:
            help = did_you_mean(extra[0], missing) if extra and missing else ""
            what = "; ".join(
                part for part in (
                    f"missing {one_of(missing)}" if missing else "",
                    f"unknown {one_of(extra)}" if extra else "",
                ) if part
            )  # fmt: skip
            _refuse_inputs(model, step, f"does not get exactly its inputs: {what}", report, help=help)
    else:
        count = len(node.feed)
        if count != len(expected):
            takes = "takes one tensor" if len(expected) == 1 else f"takes {len(expected)} tensors"
            _refuse_inputs(model, step, f"{takes}, but received {'one' if count == 1 else count}", report)


def _refuse_inputs(model: NestedModel, step: Step, why: str, report: Report, *, help: str = "") -> None:
    graph = model.graph
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
