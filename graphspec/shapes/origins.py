"""The origin of a shape: the step that last changed it, and the input that it began as.

A step that Keras would refuse → labels for the diagnostic, so that a mistake is shown where it was made, and not only
where it has an effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from graphspec.diagnostics import Label
from graphspec.diagnostics.rules import (
    BAD_AXIS,
    BAD_OPERANDS,
    OPEN_DIMENSION,
    SHAPE_MISMATCH,
    VANISHED_DIMENSION,
    WRONG_RANK,
    Rule,
)
from graphspec.diagnostics.shape_text import shape_text
from graphspec.language.feed import Reference
from graphspec.language.graph import Graph, Node, Step
from graphspec.shapes.tensor import Shape, Tensor, Value

Results = Mapping[str, Sequence[Value]]
"""The output of each step of each node, as far as it is known."""

_OF_SHAPES = (WRONG_RANK, SHAPE_MISMATCH, OPEN_DIMENSION, VANISHED_DIMENSION, BAD_AXIS, BAD_OPERANDS)
_MAX_OPERANDS = 4
_MAX_STEPS = 1_000


def origins(
    graph: Graph, node: Node, step: Step, values: Mapping[str, Value], *, calls: Results, rule: Rule
) -> list[Label]:
    """Return labels for the origins of the inputs of `step`, other than its own places.

    Args:
        graph: the graph of the step.
        node: its node.
        step: the step that Keras would refuse.
        values: the outputs of the nodes.
        calls: the outputs of their steps.
        rule: what the step breaks; only rules of shapes have labels.
    """
    number = node.steps.index(step)
    labels: list[Label] = []
    if rule not in _OF_SHAPES:
        return labels
    if number:
        labels += _of(graph, node, number - 1, values, calls=calls, axis=None, to_input=True)
    else:
        operands = [(each, values.get(each.name)) for each in node.references()][:_MAX_OPERANDS]
        shapes = [value.shape for _, value in operands if isinstance(value, Tensor)]
        axis = _differing(shapes) if rule is SHAPE_MISMATCH and len(shapes) > 1 else None
        for reference, _ in operands:
            if reference.name in graph.inputs:
                labels.append(Label(graph.inputs[reference.name].span, f"`{reference.name}` is declared here"))
                continue
            labels += _of_reference(graph, reference, values, calls, axis=axis, to_input=len(operands) == 1)
    before = node.steps[max(0, number - 1) : number]
    reported = {step.span, *(each.span for each in node.references()), *(each.span for each in before)}
    return [label for label in dict.fromkeys(labels) if label.span not in reported]


def _differing(shapes: Sequence[Shape]) -> int | None:
    """Return the last axis, counted from the end, in which shapes of one rank differ; None where the ranks differ."""
    if len({len(shape) for shape in shapes}) != 1:
        return None
    axes = [axis - len(shapes[0]) for axis in range(1, len(shapes[0])) if len({shape[axis] for shape in shapes}) > 1]
    return axes[-1] if axes else None


def _of_reference(
    graph: Graph, reference: Reference, values: Mapping[str, Value], calls: Results, *, axis: int | None, to_input: bool
) -> Iterator[Label]:
    if reference.name in graph.inputs:
        declared = graph.inputs[reference.name]
        yield Label(declared.span, f"`{declared.name}` is declared {shape_text(values.get(declared.name))}")
    elif reference.name in graph.nodes:
        node = graph.nodes[reference.name]
        yield from _of(graph, node, len(node.steps) - 1, values, calls=calls, axis=axis, to_input=to_input)


def _of(
    graph: Graph,
    node: Node,
    number: int,
    values: Mapping[str, Value],
    *,
    calls: Results,
    axis: int | None,
    to_input: bool,
) -> Iterator[Label]:
    """Yield the step, from step `number` of `node` backwards, that changed the shape, or its `axis`; then its input."""
    changed = False
    for _ in range(_MAX_STEPS):
        outputs = calls.get(node.name, ())
        if 0 <= number < len(outputs):
            before = outputs[number - 1] if number else _operand(node, values)
            if not changed and not _same(outputs[number], before, axis):
                changed = True
                step = node.steps[number]
                yield Label(step.span, f"`{step.layer.type_name}` gives {shape_text(outputs[number])}")
                if not to_input:
                    return
        if number > 0:
            number -= 1
            continue
        if not node.steps and node.feed.single is None:
            yield Label(node.span, f"`{node.label}` is {shape_text(values.get(node.name))}")
            return
        reference = next(node.references(), None)
        if reference is None or reference.name in graph.inputs or reference.name not in graph.nodes:
            break
        node = graph.nodes[reference.name]
        number = len(node.steps) - 1
    reference = next(node.references(), None)
    if reference is not None and reference.name in graph.inputs:
        yield from _of_reference(graph, reference, values, calls, axis=axis, to_input=to_input)


def _operand(node: Node, values: Mapping[str, Value]) -> Value | None:
    """Return the one operand of a node; None where there are several."""
    return values.get(node.feed.single.name) if node.feed.single is not None else None


def _same(output: Value, before: Value | None, axis: int | None) -> bool:
    """Return whether a step keeps the shape, or the size along `axis` of a shape of the same rank."""
    if not isinstance(output, Tensor) or not isinstance(before, Tensor) or output.rank != before.rank:
        return False
    return output.shape == before.shape if axis is None else output.shape[axis] == before.shape[axis]
