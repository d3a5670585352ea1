"""How many indices an input may hold: the sizes of the `Embedding` layers that look it up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.diagnostics import Span
from graphspec.graph import Graph, Object, Reference


def embeddings(graph: Graph, name: str, depth: int = 0) -> Iterator[tuple[int, Span]]:
    """`input_dim` of every `Embedding` that looks up the tensor `name`, also inside models, with its place."""
    for node in graph.nodes.values() if depth < 30 else ():
        fed = [each for each in _fed(node.feed) if each[1].name == name and each[1].index is None]
        if not fed:
            continue
        what = node.steps[0].layer.what if node.steps else None
        if what is None:
            yield from embeddings(graph, node.name, depth + 1)
        elif isinstance(what, Object):
            count = what.arguments.get("input_dim")
            if what.name == "Embedding" and isinstance(count, int):
                yield count, what.span_of("input_dim")
        elif isinstance(what, Graph):
            for place, _ in fed:
                inner = place if isinstance(place, str) else list(what.inputs)[place : place + 1]
                for each in [inner] if isinstance(inner, str) else inner:
                    yield from embeddings(what, each, depth + 1)


def _fed(feed: Any) -> list[tuple[int | str, Reference]]:
    if isinstance(feed, Reference):
        return [(0, feed)]
    return list(feed.items()) if isinstance(feed, dict) else list(enumerate(feed))
