"""Which nodes of a graph are one box: lowering makes several of a node that uses blocks, and a reader knows one.

Nodes that follow one another, and of which nothing else takes the earlier, are one where they are parts of one node of
the spec. A node that is only another name for a tensor has no box: it is where the tensor is made.
"""

from __future__ import annotations

import re
from collections import Counter

from graphspec.language.graph import Graph, Node, Reference


def fold(graph: Graph) -> dict[str, list[Node]]:
    """The nodes that are one box, in order, by the name of each node in it; a mere name with those that it names."""
    users = Counter(name for node in graph.nodes.values() for name in {each.name for each in node.references()})
    found: dict[str, list[Node]] = {}
    for node in graph.nodes.values():
        earlier = _only_tensor(graph, node)
        if earlier is None:
            found[node.name] = [node]
        elif users[earlier.name] == 1 and earlier.name not in graph.outputs and _are_parts(earlier.label, node.label):
            found[node.name] = found[earlier.name]
            found[node.name].append(node)
        elif not node.steps and node.name not in graph.outputs:
            found[node.name] = found[earlier.name]
        else:
            found[node.name] = [node]
    return found


def title(nodes: list[Node]) -> str:
    """The name in the spec of nodes that are one box."""
    return min((node.label for node in nodes), key=len)


def _only_tensor(graph: Graph, node: Node) -> Node | None:
    """The node whose whole result is all that `node` takes in; None where it takes something else, or more."""
    taken = list(node.references())
    if len(taken) != 1 or not isinstance(node.feed, Reference) or node.feed.index is not None or node.feed.output:
        return None
    return graph.nodes.get(node.feed.name)


def _are_parts(earlier: str, later: str) -> bool:
    return earlier == later or _is_inside(earlier, later) or _is_inside(later, earlier)


def _is_inside(inner: str, outer: str) -> bool:
    """Whether `inner` is a node of a block that `outer` uses: `stage__output`, `stage_1__output`."""
    return re.match(rf"{re.escape(outer)}(_\d+)?__", inner) is not None
