"""The layers and inputs of a model that some formats do not support."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from graphspec.to_keras.generators import drawing_layers
from graphspec.to_keras.keras_internals import call_behind, flattened_layers, lookup_layer, operation_behind

TABLES: dict[type[Any], str] = {
    keras.layers.TextVectorization: "splits text and looks its words up in a table",
    keras.layers.StringLookup: "looks words up in a table",
    keras.layers.IntegerLookup: "looks numbers up in a table",
    keras.layers.Hashing: "hashes text",
    keras.layers.HashedCrossing: "hashes text",
}
"""The layers that process text or hold a table, and what each does."""


def every_layer(model: keras.Model) -> Iterator[Any]:
    """Yield every layer inside `model`, at any depth, except the tables inside `TextVectorization`."""
    layers = flattened_layers(model, include_self=False)
    tables = {id(lookup_layer(each)) for each in layers if isinstance(each, keras.layers.TextVectorization)}
    yield from (each for each in layers if id(each) not in tables)


def unsupported_tables(model: keras.Model, title: str) -> Iterator[str]:
    """Yield a sentence for each layer that needs text or tables, or else for each text input.

    Args:
        model: The model to export.
        title: Name of a format without text and tables.
    """
    users = [(layer, does) for layer in every_layer(model) for kind, does in TABLES.items() if isinstance(layer, kind)]
    for layer, does in users:
        yield f"the layer `{layer.name}` ({type(layer).__name__}) {does}, which {title} does not support"
    for name, tensor in model.input.items():
        if tensor.dtype == "string" and not users:
            yield f"the input `{name}` is text, which {title} does not support"


def unsupported_draws(model: keras.Model, title: str) -> Iterator[str]:
    """Yield a sentence for each layer that draws random numbers: without states, a format draws the same each time.

    Args:
        model: The model to export.
        title: Name of a format without states.
    """
    for layer in drawing_layers(model):
        yield f"`{layer.name}` draws random numbers, which {title} does not support"


def unsupported_sparse_inputs(model: keras.Model) -> Iterator[str]:
    """Yield a sentence for each sparse input: signatures hold dense tensors."""
    for name, tensor in model.input.items():
        if getattr(tensor, "sparse", False):
            yield f"the input `{name}` is sparse, but exports take dense tensors"


def is_in_16_bit(model: keras.Model) -> bool:
    """Return whether a layer computes in float16 or bfloat16."""
    return any(layer.compute_dtype in ("float16", "bfloat16") for layer in every_layer(model))


def without_losses(model: keras.Model) -> keras.Model:
    """Return a model without the losses that its graph computes: converters fail on what no output depends on.

    The first output of such a model ends in an `Identity` that takes the losses in beside it.
    """
    outputs = {}
    for name, tensor in model.output.items() if isinstance(model.output, dict) else ():
        taken = call_behind(tensor).arguments.args
        anchor = operation_behind(tensor)
        if isinstance(anchor, keras.layers.Identity) and taken and isinstance(taken[0], list):
            outputs[name] = keras.layers.Identity(name=anchor.name, dtype=anchor.dtype_policy)(taken[0][0])
    return keras.Model(model.input, {**model.output, **outputs}, name=model.name) if outputs else model
