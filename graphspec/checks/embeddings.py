"""Sizes of the `Embedding` layers that look up an input, which bound its indices."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.diagnostics import Span
from graphspec.language.graph import Graph, NestedModel, ObjectLayer

_MAX_FOLLOWED = 200
"""Tensors to follow for one input; each takes a scan of a whole graph."""


def embeddings(graph: Graph, name: str, followed: set[tuple[int, str]] | None = None) -> Iterator[tuple[int, Span]]:
    """Yield `input_dim` and its span for every `Embedding` of a tensor, in nested models too.

    Args:
        graph: the graph to search.
        name: the input or node whose tensor is looked up.
        followed: the tensors already followed, by the id of their graph and their name.
    """
    followed = followed if followed is not None else set()
    if (id(graph), name) in followed or len(followed) > _MAX_FOLLOWED:
        return
    followed.add((id(graph), name))
    for node in graph.nodes.values():
        fed = [each for each in node.feed.items() if each[1].name == name and each[1].index is None]
        if not fed:
            continue
        layer = node.steps[0].layer if node.steps else None
        if layer is None:
            yield from embeddings(graph, node.name, followed)
        elif isinstance(layer, ObjectLayer):
            count = layer.arguments.get("input_dim")
            if layer.class_name == "Embedding" and isinstance(count, int):
                yield count, layer.object.span_of("input_dim")
        elif isinstance(layer, NestedModel):
            for key, _ in fed:
                inputs = [key] if isinstance(key, str) else list(layer.graph.inputs)[key : key + 1]
                for each in inputs:
                    yield from embeddings(layer.graph, each, followed)
