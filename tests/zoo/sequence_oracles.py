"""Models of sequences of the zoo as Keras' own examples write them by hand, one layer a statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from .oracles import fixed


def ctc_recognition(
    columns: int = 128, rows: int = 32, filters: int = 32, width: int = 64, letters: int = 78, dropout: float = 0.2
) -> keras.Model:
    """Convolutions, whose columns are moments for two recurrent layers."""
    photo = keras.Input((columns, rows, 1), name="photo")
    x = layers.Rescaling(1 / 255)(photo)
    x = layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer="he_normal")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(2 * filters, 3, padding="same", activation="relu", kernel_initializer="he_normal")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Reshape((columns // 4, rows // 4 * 2 * filters))(x)
    x = layers.Dense(width, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Bidirectional(layers.LSTM(2 * width, return_sequences=True, dropout=0.25))(x)
    x = layers.Bidirectional(layers.LSTM(width, return_sequences=True, dropout=0.25))(x)
    return keras.Model({"photo": photo}, {"letters": layers.Dense(letters + 1, name="letters")(x)})


def ner(
    words: int = 20_000,
    length: int = 128,
    width: int = 32,
    heads: int = 4,
    units: int = 64,
    tags: int = 10,
    dropout: float = 0.1,
) -> keras.Model:
    """One block of a transformer, and a class for each word."""
    text = keras.Input((length,), dtype="int32", name="text")
    embedded = layers.Embedding(words, width)(text)
    positions = layers.Embedding(length, width)(fixed(np.arange(length, dtype="int32"), text))
    placed = ops.add(embedded, positions)
    seen = layers.MultiHeadAttention(heads, width)(placed, placed)
    seen = layers.Dropout(dropout)(seen)
    known = layers.Add()([placed, seen])
    known = layers.LayerNormalization(epsilon=1e-6)(known)
    new = layers.Dense(units, activation="relu")(known)
    new = layers.Dense(width)(new)
    new = layers.Dropout(dropout)(new)
    x = layers.Add()([known, new])
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(32, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    tagged = layers.Dense(tags, activation="softmax", name="tags")(x)
    return keras.Model({"text": text}, {"tags": tagged})


def traffic(steps: int = 12, ahead: int = 3, filters: int = 10, units: int = 64) -> keras.Model:
    """A convolution over the graph of roads near each other, and a recurrent layer over the moments of each."""
    kilometres = (
        (0.0, 1.5, 2.9, 6.1, 8.0, 4.2),
        (1.5, 0.0, 1.4, 4.7, 6.6, 3.0),
        (2.9, 1.4, 0.0, 3.3, 5.2, 2.5),
        (6.1, 4.7, 3.3, 0.0, 1.9, 2.2),
        (8.0, 6.6, 5.2, 1.9, 0.0, 4.0),
        (4.2, 3.0, 2.5, 2.2, 4.0, 0.0),
    )
    distances = np.array(kilometres, "float32")
    near = (np.exp(-(distances**2) / 10.0) >= 0.5).astype("float32")
    shares = near / near.sum(axis=1, keepdims=True)
    look = layers.Dense(filters, use_bias=False)
    speeds = keras.Input((steps, 6, 1), name="speeds")
    here = look(speeds)
    around = ops.einsum("rn,btnf->btrf", fixed(shares, speeds), speeds)
    around = look(around)
    x = layers.Concatenate()([here, around])
    x = layers.ReLU()(x)
    x = layers.Permute((2, 1, 3))(x)
    x = layers.TimeDistributed(layers.LSTM(units))(x)
    x = layers.Dense(ahead)(x)
    next_speeds = layers.Permute((2, 1), name="next_speeds")(x)
    return keras.Model({"speeds": speeds}, {"next_speeds": next_speeds})


def nmt(
    words: int = 15_000, length: int = 20, width: int = 256, units: int = 2048, heads: int = 8, depth: int = 1
) -> keras.Model:
    """A transformer that reads a sentence, and one that writes its translation."""

    def placed(text: Any) -> Any:
        embedded = layers.Embedding(words, width)(text)
        positions = layers.Embedding(length, width)(fixed(np.arange(length, dtype="int32"), source))
        return ops.add(embedded, positions)

    def attended(x: Any, value: Any, **masks: Any) -> Any:
        seen = layers.MultiHeadAttention(heads, width)(x, value, **masks)
        x = layers.Add()([x, seen])
        return layers.LayerNormalization()(x)

    def feed_forward(x: Any) -> Any:
        new = layers.Dense(units, activation="relu")(x)
        new = layers.Dense(width)(new)
        x = layers.Add()([x, new])
        return layers.LayerNormalization()(x)

    source = keras.Input((length,), dtype="int32", name="source")
    target = keras.Input((length,), dtype="int32", name="target")
    present = ops.not_equal(source, 0)
    read = placed(source)
    for _ in range(depth):
        read = attended(read, read, value_mask=present)
        read = feed_forward(read)
    x = placed(target)
    for _ in range(depth):
        x = attended(x, x, use_causal_mask=True)
        x = attended(x, read, value_mask=present)
        x = feed_forward(x)
    x = layers.Dropout(0.5)(x)
    next_word = layers.Dense(words, activation="softmax", name="next_word")(x)
    return keras.Model({"source": source, "target": target}, {"next_word": next_word})


ORACLES: dict[str, Callable[..., keras.Model]] = {
    "ctc_recognition": ctc_recognition,
    "ner": ner,
    "traffic": traffic,
    "nmt": nmt,
}

SMALL: dict[str, dict[str, int]] = {
    "ctc_recognition": {"columns": 16, "rows": 8, "filters": 2, "width": 3, "letters": 5},
    "ner": {"words": 30, "length": 9, "width": 6, "heads": 2, "units": 5, "tags": 4},
    "traffic": {"steps": 4, "ahead": 2, "filters": 3, "units": 4},
    "nmt": {"words": 30, "length": 7, "width": 6, "units": 8, "heads": 2},
}
"""Sizes at which a model is built in an instant."""
