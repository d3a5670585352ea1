"""The order of nodes in a function: that of the spec, each after its operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphspec.language.feed import Reference
from graphspec.language.graph import Step
from graphspec.language.source_nodes import SourceNode, SourceUse


def order_of(
    nodes: dict[str, SourceNode], wanted: Sequence[str], extra: Callable[[SourceNode], list[Reference]]
) -> list[str]:
    """Return the names of the nodes that the wanted ones depend on, each after its operands.

    Args:
        nodes: The nodes by name.
        wanted: The names of the outputs.
        extra: Returns the references of a node besides its operands.
    """
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in needed:
            needed.add(name)
            waiting += [each.name for each in (*nodes[name].feed.tensors, *extra(nodes[name]))]
    order: dict[str, None] = {}
    for start in nodes:
        stack = [(start, False)] if start in needed else []
        while stack:
            name, is_done = stack.pop()
            if is_done:
                order[name] = None
            elif name in nodes and name not in order:
                stack.append((name, True))
                operands = [each.name for each in (*nodes[name].feed.tensors, *extra(nodes[name]))]
                stack += [(each, False) for each in reversed(operands) if each in nodes and each not in order]
    return list(order)


def call_references(node: SourceNode) -> list[Reference]:
    """Return the references among the call arguments of a node, and those of the inputs of blocks that `call` gives."""
    found: list[Reference] = []
    for item in node.items:
        found += item.references() if isinstance(item, Step) else [item.inputs[key] for key in sorted(item.called)]
    return found


def references_of(node: SourceNode) -> list[Reference]:
    """Return every tensor that a node takes in."""
    uses = [item for item in node.items if isinstance(item, SourceUse)]
    return [*node.feed.tensors, *call_references(node), *(each for use in uses for each in use.inputs.values())]
