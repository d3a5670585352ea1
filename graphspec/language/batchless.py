"""Tell which tensors of a graph have no batch axis, because they come from no input."""

from __future__ import annotations

from enum import IntEnum

from graphspec.language.feed import Reference
from graphspec.language.graph import Graph, Node, Step


class Kind(IntEnum):
    """The kind of tensors that a tensor depends on; a step on several has the highest of their kinds.

    CONSTANT: arguments alone, so that it is known when the model is built. BATCHLESS: weights or random numbers, so
    that the model computes it, once for all samples. BATCHED: inputs, so that its first axis is the batch.
    """

    CONSTANT = 0
    BATCHLESS = 1
    BATCHED = 2


class Kinds:
    """The kinds of the tensors of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._steps: dict[str, list[Kind]] = {}
        for name, node in graph.nodes.items():
            self._steps[name] = self._results(node)

    def of(self, reference: Reference) -> Kind:
        """Return the kind of a tensor; inputs are BATCHED, and so is what depends on a fault."""
        return self.of_node(reference.name)

    def of_node(self, name: str) -> Kind:
        """Return the kind of the result of a node."""
        results = self._steps.get(name)
        return results[-1] if results else Kind.BATCHED

    def operands(self, node: Node, number: int) -> list[Kind]:
        """Return the kinds of the tensors that a step takes: those of `from` or of the step before, then of `call`."""
        first = [self.of(each) for each in node.feed.tensors] if number == 0 else [self._steps[node.name][number - 1]]
        return first + [self.of(each) for each in node.steps[number].references()]

    def _results(self, node: Node) -> list[Kind]:
        if node.is_faulty:
            return [Kind.BATCHED] * max(1, len(node.steps))
        before = [self.of(each) for each in node.feed.tensors]
        if not node.steps:
            return [max(before, default=Kind.BATCHED)]
        results: list[Kind] = []
        for step in node.steps:
            results.append(_result(step, [*before, *(self.of(each) for each in step.references())]))
            before = results[-1:]
        return results


def _result(step: Step, operands: list[Kind]) -> Kind:
    """Return the kind of the result of a step. Layers and random operations compute in the model, whatever comes in."""
    kind = max(operands, default=Kind.CONSTANT)
    return kind if step.layer.is_operation and not step.layer.is_random else max(kind, Kind.BATCHLESS)
