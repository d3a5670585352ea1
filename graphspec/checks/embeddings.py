"""How many indices an input may hold: the sizes of the `Embedding` layers that look it up."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.diagnostics import Span
from graphspec.language.graph import Graph, NestedModel, ObjectLayer

_MOST_FOLLOWED = 200
"""Tensors that an input may be known by: each is looked for in a whole graph."""


def embeddings(graph: Graph, name: str, followed: set[tuple[int, str]] | None = None) -> Iterator[tuple[int, Span]]:
    """`input_dim` of every `Embedding` that looks up the tensor `name`, also inside models, with its place.

    followed: the tensors, of which graph, that have been followed: many ways may lead to one.
    """
    followed = followed if followed is not None else set()
    if (id(graph), name) in followed or len(followed) > _MOST_FOLLOWED:
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
            model = layer.graph
            for place, _ in fed:
                inner = place if isinstance(place, str) else list(model.inputs)[place : place + 1]
                for each in [inner] if isinstance(inner, str) else inner:
                    yield from embeddings(model, each, followed)
