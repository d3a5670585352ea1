"""Models of the zoo with losses of the graph as Keras' own examples write them by hand, one layer a statement."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import layers, ops

from .oracles import fixed, graph_loss


def vq_vae(filters: int = 32, latent: int = 16, vectors: int = 64, beta: float = 0.25) -> keras.Model:
    """An encoder, its code rounded to vectors of a codebook, and a decoder."""
    digit = keras.Input((8, 8, 1), name="digit")
    x = layers.Rescaling(0.0625)(digit)
    x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2D(2 * filters, 3, strides=2, padding="same", activation="relu")(x)
    code = layers.Conv2D(latent, 1)(x)
    book = layers.Embedding(vectors, latent, embeddings_initializer="random_uniform")
    codebook = book(fixed(np.arange(vectors, dtype="int32"), digit))
    away = ops.sum(ops.square(codebook), axis=1)
    likeness = ops.multiply(ops.matmul(code, ops.transpose(codebook)), 2.0)
    indices = ops.argmax(ops.subtract(likeness, away), axis=-1)
    nearest = ops.one_hot(indices, vectors)
    rounded = ops.matmul(nearest, codebook)
    commitment = layers.Subtract()([ops.stop_gradient(rounded), code])
    commitment = ops.mean(ops.square(commitment), axis=(1, 2, 3))
    commitment = graph_loss(commitment, "commitment", beta)
    gap = layers.Subtract()([rounded, ops.stop_gradient(code)])
    gap = ops.mean(ops.square(gap), axis=(1, 2, 3))
    gap = graph_loss(gap, "codebook_gap")
    step = layers.Subtract()([rounded, code])
    x = layers.Add()([code, ops.stop_gradient(step)])
    x = layers.Conv2DTranspose(2 * filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(1, 3, padding="same")(x)
    restored = layers.Identity(name="restored")([x, commitment, gap])[0]
    return keras.Model({"digit": digit}, {"restored": restored})


ORACLES: dict[str, Callable[..., keras.Model]] = {
    "vq_vae": vq_vae,
}

SMALL: dict[str, dict[str, int]] = {
    "vq_vae": {"filters": 3, "latent": 4, "vectors": 5},
}
"""Sizes at which a model is built in an instant."""
