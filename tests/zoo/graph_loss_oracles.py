"""Models of the zoo with losses of the graph as Keras' own examples write them by hand, one layer a statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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


def pointnet(points: int = 2048, width: int = 32, classes: int = 10, dropout: float = 0.3) -> keras.Model:
    """Networks on each point alone, the largest over all points, and two matrices that turn the points."""

    def conv(x: Any, filters: int) -> Any:
        x = layers.Conv1D(filters, 1)(x)
        x = layers.BatchNormalization(momentum=0.0)(x)
        return layers.ReLU()(x)

    def dense(x: Any, units: int) -> Any:
        x = layers.Dense(units)(x)
        x = layers.BatchNormalization(momentum=0.0)(x)
        return layers.ReLU()(x)

    def turn(x: Any, size: int) -> tuple[Any, Any]:
        change = conv(x, width)
        change = conv(change, 2 * width)
        change = conv(change, 16 * width)
        change = layers.GlobalMaxPooling1D()(change)
        change = dense(change, 8 * width)
        change = dense(change, 4 * width)
        change = layers.Dense(size**2, kernel_initializer="zeros")(change)
        change = layers.Reshape((size, size))(change)
        matrix = ops.add(change, np.eye(size, dtype="float32"))
        return ops.matmul(x, matrix), matrix

    def skewness(matrix: Any, name: str) -> Any:
        square = ops.einsum("bij,bkj->bik", matrix, matrix)
        excess = ops.subtract(square, np.eye(matrix.shape[1], dtype="float32"))
        return graph_loss(ops.sum(ops.square(excess), axis=(1, 2)), name, 0.001)

    cloud = keras.Input((points, 3), name="cloud")
    x, matrix = turn(cloud, 3)
    placing = skewness(matrix, "placing")
    x = conv(x, width)
    x = conv(x, width)
    x, matrix = turn(x, width)
    facing = skewness(matrix, "facing")
    x = conv(x, width)
    x = conv(x, 2 * width)
    x = conv(x, 16 * width)
    x = layers.GlobalMaxPooling1D()(x)
    x = dense(x, 8 * width)
    x = layers.Dropout(dropout)(x)
    x = dense(x, 4 * width)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(classes, activation="softmax")(x)
    thing = layers.Identity(name="thing")([x, placing, facing])[0]
    return keras.Model({"cloud": cloud}, {"thing": thing})


ORACLES: dict[str, Callable[..., keras.Model]] = {
    "vq_vae": vq_vae,
    "pointnet": pointnet,
}

SMALL: dict[str, dict[str, int]] = {
    "vq_vae": {"filters": 3, "latent": 4, "vectors": 5},
    "pointnet": {"points": 7, "width": 2, "classes": 3},
}
"""Sizes at which a model is built in an instant."""
