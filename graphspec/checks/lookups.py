"""Check that an `Embedding` has a vector for each index that a layer before it gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec import catalog
from graphspec.checks.context import CheckContext
from graphspec.checks.embeddings import embeddings
from graphspec.checks.files import VOCABULARY, vocabulary_path
from graphspec.diagnostics import Diagnostic, Label, Span
from graphspec.diagnostics.rules import INDEX_RANGE
from graphspec.files import read_text
from graphspec.language.graph import Graph, KerasLayer, Node
from graphspec.shapes.layers.lookup import SpecialEntries

_PASSING = ("Flatten", "Identity", "Permute", "RepeatVector", "Reshape")
"""Layers between a lookup and its `Embedding` that keep the indices."""

_MAX_BYTES = 64 * 2**20
"""Bytes of a file of words that are read to count them."""


def check_lookups(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every `Embedding` with fewer vectors than the layer before it has indices."""
    yield from _check(context, reads_files=False)


def check_lookup_files(context: CheckContext) -> Iterator[Diagnostic]:
    """Report the same for layers whose words are in a file."""
    yield from _check(context, reads_files=True)


def _check(context: CheckContext, *, reads_files: bool) -> Iterator[Diagnostic]:
    for graph in context.graphs:
        for node in graph.nodes.values():
            for number, step in enumerate(node.steps):
                layer = step.layer
                if not isinstance(layer, KerasLayer) or isinstance(layer.arguments.get(VOCABULARY), str) != reads_files:
                    continue
                count = _indices(layer)
                for size, span in _embeddings_after(graph, node, number) if count is not None else ():
                    if count is not None and size < count:
                        yield _too_small(layer, count, size, span)


def _embeddings_after(graph: Graph, node: Node, number: int) -> Iterator[tuple[int, Span]]:
    """Yield size and place of each `Embedding` that takes the result of a step."""
    for step in node.steps[number + 1 :]:
        size = step.layer.arguments.get("input_dim")
        if isinstance(step.layer, KerasLayer) and step.layer.class_name == "Embedding" and isinstance(size, int):
            yield size, step.layer.object.span_of("input_dim")
        if step.layer.class_name not in _PASSING:
            return
    yield from dict.fromkeys(embeddings(graph, node.name))


def _indices(layer: KerasLayer) -> int | None:
    """Return the number of indices that a layer gives; None if it gives others, or their number is unknown."""
    entry = catalog.find("layers", layer.class_name)
    arguments: dict[str, Any] = {**(entry.arguments if entry is not None else {}), **layer.arguments}
    if arguments.get("output_mode") != "int" or arguments.get("invert"):
        return None
    if layer.class_name in ("Hashing", "HashedCrossing"):
        return _whole(arguments["num_bins"])
    if layer.class_name == "Discretization":
        edges = arguments["bin_boundaries"]
        return len(edges) + 1 if isinstance(edges, list) else _whole(arguments["num_bins"])
    if layer.class_name == "TextVectorization":
        special = SpecialEntries.of("int", mask="", oov="[UNK]", spare=1)
    elif layer.class_name in ("IntegerLookup", "StringLookup"):
        mask, oov, spare = (arguments[name] for name in ("mask_token", "oov_token", "num_oov_indices"))
        special = SpecialEntries.of("int", mask=mask, oov=oov, spare=max(_whole(spare) or 0, 0))
    else:
        return None
    words = _words(layer)
    return special.count + len(special.words_after(words)) if words else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _words(layer: KerasLayer) -> list[Any] | None:
    """Return the words of a vocabulary; None before it is adapted, or where its file cannot be read."""
    path = vocabulary_path(layer.object)
    if path is None:
        words = layer.arguments.get(VOCABULARY)
        return words if isinstance(words, list) else None
    try:
        return read_text(path, _MAX_BYTES, "replace").removesuffix("\n").split("\n")
    except OSError:
        return None


def _too_small(layer: KerasLayer, count: int, size: int, span: Span) -> Diagnostic:
    return Diagnostic(
        INDEX_RANGE,
        f"`{layer.type_name}` gives indices from 0 to {count - 1:,}, but `Embedding` has {size:,}",
        span,
        expected=f"{count:,} or more",
        help=f"write `input_dim: {count}`: one for each word, and one for each mask and unknown word"
        if layer.class_name in ("IntegerLookup", "StringLookup", "TextVectorization")
        else f"write `input_dim: {count}`, one for each bin",
        labels=(Label(layer.span, f"it gives {count:,} indices"),),
    )
