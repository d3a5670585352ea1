"""Nodes in an order in which each comes after what it takes in."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from graphspec.diagnostics import Label, Report
from graphspec.diagnostics.rules import CYCLE
from graphspec.language.graph import Node

_MOST_SHOWN = 20
_MOST_CIRCLES = 50


def in_order(inputs: Iterable[str], nodes: dict[str, Node], report: Report) -> dict[str, Node]:
    """`nodes` in the order of computation. A circle is a finding, and the node that it starts from becomes faulty.

    Each circle takes one more look at all nodes; where there are very many, the others are left unsaid.
    """
    known = set(inputs)
    taken = {
        name: [each.name for each in node.references() if each.name not in known and each.name in nodes]
        for name, node in nodes.items()
    }
    for _ in range(_MOST_CIRCLES):
        try:
            return {name: nodes[name] for name in TopologicalSorter(taken).static_order()}
        except CycleError as error:
            circle: list[str] = error.args[1]
            circle = circle[::-1] if len(circle) > 2 else circle
            _refuse(circle, nodes, report)
            nodes[circle[0]].is_faulty, taken[circle[0]] = True, []
    for node in nodes.values():
        node.is_faulty = True
    return nodes


def _refuse(circle: list[str], nodes: dict[str, Node], report: Report) -> None:
    """Name the whole circle, each edge at the reference that makes it. circle: each is taken in by the one before."""
    edges = []
    for taker, taken in pairwise(circle):
        reference = next((each for each in nodes[taker].references() if each.name == taken), None)
        if reference is not None:
            edges.append((taker, taken, reference.span))
    start = edges[0]
    report.add(
        CYCLE,
        f"nodes depend on each other in a cycle: {_listed(circle[::-1])}"
        if len(circle) > 2
        else f"`{circle[0]}` depends on itself",
        start[2],
        expected=f"`{start[0]}` depends on `{start[1]}`",
        help="a graph has no cycles; for a loop over time use a recurrent layer",
        labels=[Label(span, f"`{taker}` depends on `{taken}`") for taker, taken, span in edges[1:_MOST_SHOWN]],
    )


def _listed(circle: list[str]) -> str:
    """The nodes of a circle; of a long one the first and the last."""
    if len(circle) > _MOST_SHOWN:
        circle = [*circle[: _MOST_SHOWN // 2], f"({len(circle) - _MOST_SHOWN} more)", *circle[-_MOST_SHOWN // 2 :]]
    return " → ".join(circle)
