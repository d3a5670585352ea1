"""Traversals of a graph and its nested models: plugins, layers, paths and sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.catalog.refused import COPYING_WRAPPERS
from graphspec.language.graph import Graph, Layer, NestedModel, Plugin, argument_layers, wrapped_layers
from graphspec.language.objects import Object


def size_of(value: Any) -> int:
    """Return the number of values in a value or layer. Ten characters of text count as one."""
    if isinstance(value, str):
        return len(value) // 10
    if isinstance(value, dict):
        return len(value) + sum(map(size_of, value.values()))
    if isinstance(value, list | tuple):
        return len(value) + sum(map(size_of, value))
    return 1 + size_of(value.arguments) if isinstance(value, Object | Layer) else 0


def every_plugin(graph: Graph) -> Iterator[Plugin]:
    """Return the plugins of the spec and of the specs nested in it."""
    for body in (graph, *graph.models()):
        yield from body.plugins


def every_layer(graph: Graph) -> Iterator[Layer]:
    """Return every layer of `graph`, its wrappers and its nested models, each once."""
    called = [layer for body in (graph, *graph.models()) for layer in body.called_layers()]
    yield from dict.fromkeys(each for layer in called for each in (layer, *wrapped_layers(layer)))


def layer_paths(graph: Graph, *, needed: bool = False) -> Iterator[tuple[str, Layer]]:
    """Return every layer, or each that outputs are computed from, with its path, such as `encoder/dense`.

    A declared layer inside a wrapper has two: `frames/vision` and `vision`. A layer inside a wrapper that copies it
    has none, because the copies belong to the wrapper.
    """
    for layer in graph.needed_layers() if needed else graph.called_layers():
        yield from _paths(layer, "", needed)


def _paths(layer: Layer, prefix: str, needed: bool) -> Iterator[tuple[str, Layer]]:
    if layer.is_operation:
        return
    path = prefix + layer.name
    yield path, layer
    if isinstance(layer, NestedModel):
        for inner in layer.graph.needed_layers() if needed else layer.graph.called_layers():
            yield from _paths(inner, f"{path}/", needed)
    elif layer.class_name not in COPYING_WRAPPERS:
        for inner in argument_layers(layer):
            yield from _paths(inner, f"{path}/", needed)
            if inner.declared:
                yield from _paths(inner, prefix, needed)
