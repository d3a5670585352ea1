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


def grn_vsn(
    words: tuple[int, ...] = (9, 52, 17, 7, 24, 5), numbers: int = 4, width: int = 16, dropout: float = 0.15
) -> keras.Model:
    """A gated residual network for each feature of a row, and one that weighs the features."""

    def gated_residual(x: Any, *, projected: bool = False) -> Any:
        new = layers.Dense(width, activation="elu")(x)
        new = layers.Dense(width)(new)
        new = layers.Dropout(dropout)(new)
        linear = layers.Dense(width)(new)
        gate = layers.Dense(width, activation="sigmoid")(new)
        gated = layers.Multiply()([linear, gate])
        if projected:
            x = layers.Dense(width)(x)
        x = layers.Add()([x, gated])
        return layers.LayerNormalization()(x)

    categories = keras.Input((len(words),), dtype="int32", name="categories")
    given = keras.Input((numbers,), name="numbers")
    vectors = []
    for number, size in enumerate(words):
        embedding = layers.Embedding(size, width)
        vectors.append(embedding(categories[:, number]))
    for number in range(numbers):
        projection = layers.Dense(width)
        vectors.append(projection(given[:, number : number + 1]))
    shares = layers.Concatenate()(vectors)
    shares = gated_residual(shares, projected=True)
    shares = layers.Dense(len(vectors), activation="softmax")(shares)
    known = []
    for vector in vectors:
        known.append(gated_residual(vector))
    features = ops.stack(known, axis=1)
    x = ops.einsum("bf,bfw->bw", shares, features)
    earns_more = layers.Dense(1, activation="sigmoid", name="earns_more")(x)
    return keras.Model({"categories": categories, "numbers": given}, {"earns_more": earns_more})


SEEN = ((0, 3, 5, 6, 9, 11), (1, 2, 4, 6, 7, 10), (0, 2, 5, 8, 9, 10))


def neural_forest(
    features: int = 12, seen: tuple[tuple[int, ...], ...] = SEEN, depth: int = 5, classes: int = 2
) -> keras.Model:
    """The mean of trees of soft decisions, each of which sees some of the features."""

    def tree(x: Any, seen: tuple[int, ...]) -> Any:
        leaves = 2**depth
        x = ops.take(x, tuple(seen), axis=1)
        left = layers.Dense(leaves, activation="sigmoid")(x)
        right = ops.subtract(1.0, left)
        decisions = ops.stack([left, right], axis=2)
        levels = []
        for level in range(depth):
            decision = decisions[:, 2**level : 2 ** (level + 1)]
            decision = layers.Flatten()(decision)
            levels.append(ops.repeat(decision, 2 ** (depth - level - 1), axis=1))
        reached = layers.Multiply()(levels)
        votes = layers.Embedding(leaves, classes, embeddings_initializer="random_normal")
        votes = votes(fixed(np.arange(leaves, dtype="int32"), row))
        votes = layers.Softmax()(votes)
        return ops.matmul(reached, votes)

    row = keras.Input((features,), name="row")
    x = layers.BatchNormalization()(row)
    trees = []
    for each in seen:
        trees.append(tree(x, each))
    earns_more = layers.Average(name="earns_more")(trees)
    return keras.Model({"row": row}, {"earns_more": earns_more})


def behavior_sequence_transformer(
    movies: int = 3952,
    genres: int = 18,
    seen: int = 3,
    width: int = 62,
    heads: int = 3,
    words: tuple[int, ...] = (7, 21),
    units: tuple[int, ...] = (256, 128),
    dropout: float = 0.1,
) -> keras.Model:
    """Attention between the movies that a user rated and the next one."""
    user = keras.Input((len(words),), dtype="int32", name="user")
    movie_numbers = keras.Input((seen,), dtype="int32", name="movies")
    kinds = keras.Input((seen, genres), name="genres")
    ratings = keras.Input((seen, 1), name="ratings")
    next_movie = keras.Input((1,), dtype="int32", name="next_movie")
    next_genres = keras.Input((1, genres), name="next_genres")
    movie = layers.Embedding(movies, width)
    mix = layers.Dense(width, activation="relu")

    def described(number: Any, kinds: Any) -> Any:
        code = layers.Concatenate()([movie(number), kinds])
        return mix(code)

    positions = layers.Embedding(seen, width)(fixed(np.arange(seen, dtype="int32"), user))
    x = described(movie_numbers, kinds)
    x = ops.add(x, positions)
    x = ops.multiply(x, ratings)
    following = described(next_movie, next_genres)
    x = layers.Concatenate(axis=1)([x, following])
    attended = layers.MultiHeadAttention(heads, width)(x, x)
    attended = layers.Dropout(dropout)(attended)
    known = layers.Add()([x, attended])
    known = layers.LayerNormalization()(known)
    new = layers.LeakyReLU()(known)
    new = layers.Dense(width)(new)
    new = layers.Dropout(dropout)(new)
    x = layers.Add()([known, new])
    x = layers.LayerNormalization()(x)
    x = layers.Flatten()(x)
    traits = []
    for number, size in enumerate(words):
        embedding = layers.Embedding(size, round(size**0.5))
        traits.append(embedding(user[:, number]))
    x = layers.Concatenate()([x, *traits])
    for size in units:
        x = layers.Dense(size)(x)
        x = layers.BatchNormalization()(x)
        x = layers.LeakyReLU()(x)
        x = layers.Dropout(dropout)(x)
    rating = layers.Dense(1, name="rating")(x)
    inputs = {
        "user": user,
        "movies": movie_numbers,
        "genres": kinds,
        "ratings": ratings,
        "next_movie": next_movie,
        "next_genres": next_genres,
    }
    return keras.Model(inputs, {"rating": rating})


ORACLES: dict[str, Callable[..., keras.Model]] = {
    "tab_transformer": tab_transformer,
    "grn_vsn": grn_vsn,
    "neural_forest": neural_forest,
    "behavior_sequence_transformer": behavior_sequence_transformer,
}

SMALL: dict[str, dict[str, Any]] = {
    "tab_transformer": {"words": [4, 3], "numbers": 2, "width": 6, "heads": 2, "depth": 1, "units": [5, 4]},
    "grn_vsn": {"words": [4], "numbers": 1, "width": 5},
    "neural_forest": {"features": 5, "seen": [[0, 2, 3], [1, 3, 4]], "depth": 2, "classes": 3},
    "behavior_sequence_transformer": {
        "movies": 9, "genres": 4, "width": 6, "heads": 2, "words": [4, 5], "units": [5, 4],
    },
}  # fmt: skip
"""Sizes at which a model is built in an instant."""
