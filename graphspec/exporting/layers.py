"""What a model holds that some formats have no place for, found by the names of its layers and inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from graphspec.to_keras.keras_internals import flattened_layers, lookup_layer

TABLES: dict[type[Any], str] = {
    keras.layers.TextVectorization: "splits text and looks its words up in a table",
    keras.layers.StringLookup: "looks words up in a table",
    keras.layers.IntegerLookup: "looks numbers up in a table",
    keras.layers.Hashing: "hashes text",
    keras.layers.HashedCrossing: "hashes text",
}
"""The layers that work on text or hold a table, and what each does."""


def every_layer(model: keras.Model) -> Iterator[Any]:
    """Every layer inside `model`, at any depth, but for the tables inside `TextVectorization`."""
    layers = flattened_layers(model, include_self=False)
    tables = {id(lookup_layer(each)) for each in layers if isinstance(each, keras.layers.TextVectorization)}
    yield from (each for each in layers if id(each) not in tables)


def with_tables(model: keras.Model, title: str) -> Iterator[str]:
    """Why `title`, which knows no text and no tables, has no place for layers of `model`, or else for its inputs."""
    found = [(layer, does) for layer in every_layer(model) for kind, does in TABLES.items() if isinstance(layer, kind)]
    for layer, does in found:
        yield f"the layer `{layer.name}` ({type(layer).__name__}) {does}, which {title} does not"
    for name, tensor in model.input.items():
        if tensor.dtype == "string" and not found:
            yield f"the input `{name}` is text, of which {title} does not know"


def sparse_inputs(model: keras.Model) -> Iterator[str]:
    """A sentence for each sparse input: signatures hold dense tensors."""
    for name, tensor in model.input.items():
        if getattr(tensor, "sparse", False):
            yield f"the input `{name}` is sparse, and what is exported takes dense tensors"


def is_in_16_bit(model: keras.Model) -> bool:
    """Whether a layer computes in float16 or bfloat16."""
    return any(layer.compute_dtype in ("float16", "bfloat16") for layer in every_layer(model))
