"""Models of any depth: Keras walks a graph by recursion, one Python call a layer (keras/src/ops/function.py,
`_build_map_helper`), so a chain of a thousand layers would end in a RecursionError.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from graphspec.language.graph import Graph

_OTHER_CALLS = 1_000


@contextmanager
def deep_enough_for(graph: Graph) -> Iterator[None]:
    """Within it, Python recurses as deep as Keras must to walk `graph`. These are calls of Python, not of C."""
    limit = sys.getrecursionlimit()
    steps = sum(1 + len(node.steps) for node in graph.nodes.values())
    sys.setrecursionlimit(max(limit, steps + _OTHER_CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
