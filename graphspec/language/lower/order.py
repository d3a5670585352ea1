"""Sort nodes topologically and report cycles."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from graphspec.diagnostics import Label, Report
from graphspec.diagnostics.rules import CYCLE
from graphspec.language.graph import Node

_MAX_SHOWN = 20
_MAX_CYCLES = 50


def in_order(inputs: Iterable[str], nodes: dict[str, Node], report: Report) -> dict[str, Node]:
    """Return `nodes` in topological order. Each cycle is reported, and the node that starts it becomes faulty.

    Each cycle costs one more pass over all nodes, so at most _MAX_CYCLES are reported.
    """
    known = set(inputs)
    operands = {
        name: [each.name for each in node.references() if each.name not in known and each.name in nodes]
        for name, node in nodes.items()
    }
    for _ in range(_MAX_CYCLES):
        try:
            return {name: nodes[name] for name in TopologicalSorter(operands).static_order()}
        except CycleError as error:
            cycle: list[str] = error.args[1]
            cycle = cycle[::-1] if len(cycle) > 2 else cycle
            _refuse(cycle, nodes, report)
            nodes[cycle[0]].is_faulty, operands[cycle[0]] = True, []
    for node in nodes.values():
        node.is_faulty = True
    return nodes


def _refuse(cycle: list[str], nodes: dict[str, Node], report: Report) -> None:
    """Report a cycle, each edge at its reference. cycle: each node is an operand of the one before it."""
    edges = []
    for taker, taken in pairwise(cycle):
        reference = next((each for each in nodes[taker].references() if each.name == taken), None)
        if reference is not None:
            edges.append((taker, taken, reference.span))
    start = edges[0]
    report.add(
        CYCLE,
        f"nodes depend on each other in a cycle: {_listed(cycle[::-1])}"
        if len(cycle) > 2
        else f"`{cycle[0]}` depends on itself",
        start[2],
        expected=f"`{start[0]}` depends on `{start[1]}`",
        help="a graph has no cycles; for a loop over time use a recurrent layer",
        labels=[Label(span, f"`{taker}` depends on `{taken}`") for taker, taken, span in edges[1:_MAX_SHOWN]],
    )


def _listed(cycle: list[str]) -> str:
    """Return the nodes of a cycle as text, shortened if there are many."""
    if len(cycle) > _MAX_SHOWN:
        cycle = [*cycle[: _MAX_SHOWN // 2], f"({len(cycle) - _MAX_SHOWN} more)", *cycle[-_MAX_SHOWN // 2 :]]
    return " → ".join(cycle)
