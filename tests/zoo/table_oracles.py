"""Models of tables of the zoo as a Keras user writes them by hand, one layer a statement, as Keras' own examples do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from .oracles import fixed


def tab_transformer(
    words: tuple[int, ...] = (9, 16, 7, 15, 6, 5, 3, 42),
    numbers: int = 5,
    width: int = 16,
    heads: int = 4,
    depth: int = 3,
    units: tuple[int, ...] = (256, 128),
    dropout: float = 0.2,
) -> keras.Model:
    """Attention between the embedded categories of a row, and a network on them and the numbers of the row."""
    categories = keras.Input((len(words),), dtype="int32", name="categories")
    given = keras.Input((numbers,), name="numbers")
    columns = []
    for number, size in enumerate(words):
        embedding = layers.Embedding(size, width)
        columns.append(embedding(categories[:, number]))
    x = ops.stack(columns, axis=1)
    names = layers.Embedding(len(words), width, embeddings_initializer=keras.initializers.RandomNormal(stddev=0.05))
    x = ops.add(x, names(fixed(np.arange(len(words), dtype="int32"), categories)))
    for _ in range(depth):
        attention = layers.MultiHeadAttention(heads, width, dropout=dropout)
        seen = attention(x, x)
        known = layers.Add()([x, seen])
        known = layers.LayerNormalization(epsilon=1e-6)(known)
        new = layers.Dense(width, activation="gelu")(known)
        new = layers.Dropout(dropout)(new)
        x = layers.Add()([known, new])
        x = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Flatten()(x)
    scaled = layers.LayerNormalization(epsilon=1e-6)(given)
    x = layers.Concatenate()([x, scaled])
    for size in units:
        x = layers.BatchNormalization()(x)
        x = layers.Dense(size, activation="selu")(x)
        x = layers.Dropout(dropout)(x)
    earns_more = layers.Dense(1, activation="sigmoid", name="earns_more")(x)
    return keras.Model({"categories": categories, "numbers": given}, {"earns_more": earns_more})


ORACLES: dict[str, Callable[..., keras.Model]] = {
    "tab_transformer": tab_transformer,
}

SMALL: dict[str, dict[str, Any]] = {
    "tab_transformer": {"words": [4, 3], "numbers": 2, "width": 6, "heads": 2, "depth": 1, "units": [5, 4]},
}
"""Sizes at which a model is built in an instant."""
