"""Tensors without a batch axis in the code of a module: where they need a call of a helper to go into a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.diagnostics import Span
from graphspec.language.batchless import Kind, Kinds
from graphspec.language.feed import Reference
from graphspec.language.graph import Graph, Layer, Step
from graphspec.language.source_nodes import SourceUse
from graphspec.shapes.ops.operands import ARRAY_OPERATIONS
from graphspec.to_python.calls import Operand
from graphspec.to_python.source import Call, Expression, Items, Text, flat


class Batchless:
    """The kinds of the tensors that the steps of several graphs take."""

    def __init__(self, graphs: list[Graph]) -> None:
        self._kinds = {id(graph): Kinds(graph) for graph in graphs}
        self._steps: dict[tuple[Layer, Span], list[Kind]] = {}
        for graph in graphs:
            for node in graph.nodes.values():
                for number, step in enumerate(node.steps):
                    found = self._kinds[id(graph)].operands(node, number)
                    if found and min(found) < Kind.BATCHED:
                        self._steps.setdefault((step.layer, step.span), found)

    @property
    def is_used(self) -> bool:
        """Return whether a step takes a tensor without a batch."""
        return bool(self._steps)

    def operands(self, step: Step) -> list[Kind]:
        """Return the kinds of the tensors that a step takes; none where all have a batch."""
        return self._steps.get((step.layer, step.span), [])

    def constants_of(self, use: SourceUse, graph: Graph | None) -> set[str]:
        """Return the inputs of a use of a block that are known when the model is built."""
        kinds = self._kinds.get(id(graph))
        if kinds is None:
            return set()
        return {name for name, reference in use.inputs.items() if kinds.of(reference) == Kind.CONSTANT}


def as_constant(value: Expression, source: str) -> Expression:
    """Return a constant as a tensor of the model that the variable `source` belongs to."""
    return Call(Text("constant"), (value, Text(source)), ())


def for_step(
    step: Step, kinds: list[Kind], value: Operand, call: dict[str, Expression], *, source: str
) -> tuple[Operand, dict[str, Expression]]:
    """Return what a step takes, with the calls of helpers that it needs.

    Args:
        step: The step.
        kinds: The kinds of its tensors: those of `value`, then those of `call`.
        value: Its operands.
        call: The further arguments of its call.
        source: A variable of a tensor of the model.
    """
    layer = step.layer
    is_computed = max(kinds, default=0) == Kind.CONSTANT and not layer.is_random
    takes_arrays = layer.is_operation and (layer.class_name in ARRAY_OPERATIONS or is_computed)
    if not kinds or takes_arrays:
        return value, call
    values = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    tensors = [*values, *_tensors(step, call)]
    batched = next((each for each, kind in zip(tensors, kinds, strict=True) if kind == Kind.BATCHED), None)
    waiting = iter(kinds)

    def convert(each: Expression) -> Expression:
        kind = next(waiting)
        if kind < Kind.BATCHED and batched is not None and not layer.is_operation:
            return Call(Text("for_each_sample"), (each, batched), ())
        is_tensor = kind != Kind.CONSTANT or flat(each) == source  # a block gets its inputs as tensors
        return each if is_tensor else as_constant(each, source)

    converted = [convert(each) for each in values]
    taken: Operand = converted[0]
    if isinstance(value, dict):
        taken = dict(zip(value, converted, strict=True))
    elif isinstance(value, list):
        taken = converted
    return taken, {name: _convert(step.call[name], each, convert) for name, each in call.items()}


def _tensors(step: Step, call: dict[str, Expression]) -> Iterator[Expression]:
    for name, each in call.items():
        yield from _of(step.call[name], each)


def _of(written: Any, expression: Expression) -> Iterator[Expression]:
    if isinstance(written, Reference):
        yield expression
    elif isinstance(written, list) and isinstance(expression, Items):
        for item, inner in zip(written, expression.items, strict=True):
            yield from _of(item, inner)


def _convert(written: Any, expression: Expression, convert: Any) -> Expression:
    if isinstance(written, Reference):
        converted: Expression = convert(expression)
        return converted
    if isinstance(written, list) and isinstance(expression, Items):
        pairs = zip(written, expression.items, strict=True)
        return Items(tuple(_convert(item, inner, convert) for item, inner in pairs))
    return expression
