"""The names that a spec need not state, since the naming rule gives them.

The rule numbers names over the whole model, so it is asked rather than repeated: the spec is lowered without the names
that may follow, its layers are matched with those of the model along the wiring, and a name that differs is stated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphspec.from_keras.body import BodyWriter
from graphspec.from_keras.records import Call, Tensor
from graphspec.language.feed import Reference
from graphspec.language.graph import Graph, NestedModel, Node, Step


class DifferentWiringError(ValueError):
    """The graph of the spec is not wired like the model."""


@dataclass(frozen=True, slots=True)
class _Result:
    """The result of a step of a node, counted from the last of its steps."""

    node: Node
    step: int


def differing_names(graph: Graph, writer: BodyWriter) -> set[tuple[BodyWriter, str]]:
    """Return the layers of a model to which the spec gives other names, with the writers of their bodies.

    Raises:
        DifferentWiringError: The spec computes something else.
    """
    found: set[tuple[BodyWriter, str]] = set()
    models: dict[str, Graph] = {}
    for step, call in matched(graph, writer):
        if call.layer.is_operation:
            continue
        if isinstance(step.layer, NestedModel):
            models[step.layer.name] = step.layer.graph
        elif step.layer.name != call.layer.name:
            found.add((writer, call.layer.name))
    for name, inner in writer.models.items():
        if name in models:
            found |= differing_names(models[name], inner)
    return found


def matched(graph: Graph, writer: BodyWriter) -> Iterator[tuple[Step, Call]]:
    """Yield each step of the graph with the call of the model that it writes, from the outputs backwards."""
    body = writer.body
    calls = {(call.layer.name, call.number): call for call in body.calls}
    waiting: list[tuple[_Result | str, Tensor]] = []
    for output, tensor in zip(graph.outputs.values(), body.outputs.values(), strict=True):
        node = output.node
        last = len(node.steps) - 1
        if node.steps and _is_added(node.steps[last], calls.get((tensor.layer, tensor.call))):
            last -= 1
        waiting.append((_result(graph, node, last), tensor))
    for name, loss in body.losses.items():
        stated = graph.losses[name]
        waiting.append((_result(graph, stated.node, len(stated.node.steps) - 1 - stated.ending), loss.tensor))
    seen: dict[tuple[int, int], tuple[str, int]] = {}
    while waiting:
        result, tensor = waiting.pop()
        if isinstance(result, str):
            if tensor.layer not in body.inputs or writer.input_name(tensor.layer) != result:
                raise DifferentWiringError(f"`{result}` is taken where `{tensor.layer}` is")
            continue
        key = (id(result.node), result.step)
        place = (tensor.layer, tensor.call)
        if key in seen:
            if seen[key] != place:
                raise DifferentWiringError(f"`{tensor.layer}` is computed twice")
            continue
        seen[key] = place
        call = calls.get(place)
        if call is None:
            raise DifferentWiringError(f"`{tensor.layer}` is computed where it is an input")
        step = result.node.steps[result.step]
        taken = list(_taken(graph, result))
        operands = writer.operands_of(call)
        if len(taken) != len(operands):
            raise DifferentWiringError(f"`{tensor.layer}` takes other tensors")
        yield step, call
        waiting += list(zip(taken, operands, strict=True))


def _is_added(step: Step, call: Call | None) -> bool:
    """Return whether a step is the `Identity` that the language puts behind an output."""
    name = getattr(step.layer, "class_name", "")
    return name == "Identity" and (call is None or call.layer.class_name != "Identity")


def _result(graph: Graph, node: Node, step: int) -> _Result | str:
    """Return the result of a step; of the operand of the node where it has no such step."""
    if step >= 0:
        return _Result(node, step)
    reference = node.feed.tensors[0]
    return _referred(graph, reference)


def _referred(graph: Graph, reference: Reference) -> _Result | str:
    if reference.name in graph.inputs:
        return reference.name
    node = graph.nodes[reference.name]
    return _result(graph, node, len(node.steps) - 1)


def _taken(graph: Graph, result: _Result) -> Iterator[_Result | str]:
    """Yield what a step takes: operands, then tensors among the arguments of its call."""
    if result.step:
        yield _Result(result.node, result.step - 1)
    else:
        for reference in result.node.feed.tensors:
            yield _referred(graph, reference)
    for reference in result.node.steps[result.step].references():
        yield _referred(graph, reference)
