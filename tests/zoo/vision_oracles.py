"""The image models of the zoo as a Keras user writes them by hand: one layer a statement, as Keras' examples do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from .oracles import fixed, table


def vit(
    size: int = 72,
    patch: int = 6,
    width: int = 64,
    heads: int = 4,
    depth: int = 8,
    head: int = 1024,
    classes: int = 100,
    dropout: float = 0.1,
    head_dropout: float = 0.5,
) -> keras.Model:
    """Self-attention between the patches of an image."""

    def mlp(x: Any, units: int, rate: float) -> Any:
        x = layers.Dense(units, activation="gelu")(x)
        return layers.Dropout(rate)(x)

    image = keras.Input((size, size, 3), name="image")
    count = (size // patch) ** 2
    x = ops.image.extract_patches(image, patch)
    x = layers.Reshape((count, 3 * patch**2))(x)
    x = layers.Dense(width)(x)
    x = ops.add(x, table(count, width, image))
    for _ in range(depth):
        calm = layers.LayerNormalization(epsilon=1e-6)(x)
        seen = layers.MultiHeadAttention(heads, width, dropout=dropout)(calm, calm)
        known = layers.Add()([x, seen])
        new = layers.LayerNormalization(epsilon=1e-6)(known)
        new = mlp(new, 2 * width, dropout)
        new = mlp(new, width, dropout)
        x = layers.Add()([known, new])
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(head_dropout)(x)
    x = mlp(x, 2 * head, head_dropout)
    x = mlp(x, head, head_dropout)
    label = layers.Dense(classes, activation="softmax", name="label")(x)
    return keras.Model({"image": image}, {"label": label})


def mlp_mixer(
    size: int = 64,
    patch: int = 8,
    width: int = 256,
    depth: int = 4,
    classes: int = 100,
    dropout: float = 0.2,
) -> keras.Model:
    """Dense layers across the patches of an image, and along them."""

    def mlp(x: Any, units: int) -> Any:
        x = layers.Dense(units, activation="gelu")(x)
        x = layers.Dense(units)(x)
        return layers.Dropout(dropout)(x)

    image = keras.Input((size, size, 3), name="image")
    count = (size // patch) ** 2
    x = ops.image.extract_patches(image, patch)
    x = layers.Reshape((count, 3 * patch**2))(x)
    x = layers.Dense(width)(x)
    for _ in range(depth):
        normalize = layers.LayerNormalization(epsilon=1e-6)
        across = normalize(x)
        across = layers.Permute((2, 1))(across)
        across = mlp(across, count)
        across = layers.Permute((2, 1))(across)
        x = layers.Add()([x, across])
        along = normalize(x)
        along = mlp(along, width)
        x = layers.Add()([x, along])
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dropout(dropout)(x)
    label = layers.Dense(classes, activation="softmax", name="label")(x)
    return keras.Model({"image": image}, {"label": label})


def deeplab(size: int = 512, classes: int = 20, width: int = 256, edges: int = 48) -> keras.Model:
    """DeepLabV3+ over two inner layers of ResNet50."""

    def conv(x: Any, filters: int = width, kernel_size: int = 3, rate: int = 1, use_bias: bool = False) -> Any:
        x = layers.Conv2D(
            filters,
            kernel_size,
            dilation_rate=rate,
            padding="same",
            use_bias=use_bias,
            kernel_initializer=keras.initializers.HeNormal(),
        )(x)
        x = layers.BatchNormalization()(x)
        return layers.ReLU()(x)

    resnet = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(size, size, 3))
    taps = ("conv2_block3_2_relu", "conv4_block6_2_relu", "conv5_block3_out")
    backbone = keras.Model(resnet.input, {name: resnet.get_layer(name).output for name in taps})
    photo = keras.Input((size, size, 3), name="photo")
    x = ops.flip(photo, -1)
    x = ops.subtract(x, np.array([103.939, 116.779, 123.68], "float32"))
    seen = backbone(x)
    deep = seen["conv4_block6_2_relu"]
    whole = layers.AveragePooling2D(size // 16)(deep)
    whole = conv(whole, kernel_size=1, use_bias=True)
    whole = layers.UpSampling2D(size // 16, interpolation="bilinear")(whole)
    near = conv(deep, kernel_size=1)
    far = [conv(deep, rate=rate) for rate in (6, 12, 18)]
    regions = layers.Concatenate()([whole, near, *far])
    regions = conv(regions, kernel_size=1)
    regions = layers.UpSampling2D(4, interpolation="bilinear")(regions)
    lines = conv(seen["conv2_block3_2_relu"], filters=edges, kernel_size=1)
    x = layers.Concatenate()([regions, lines])
    x = conv(x)
    x = conv(x)
    x = layers.UpSampling2D(4, interpolation="bilinear")(x)
    part = layers.Conv2D(classes, 1, name="part")(x)
    return keras.Model({"photo": photo}, {"part": part})


def swin(
    size: int = 32,
    patch: int = 2,
    width: int = 64,
    heads: int = 8,
    window: int = 2,
    shift: int = 1,
    depth: int = 1,
    classes: int = 100,
    dropout: float = 0.03,
) -> keras.Model:
    """Attention within windows of patches, which every other block shifts."""
    side = size // patch
    count = side // window
    image = keras.Input((size, size, 3), name="image")

    def cut(x: Any, window: int = window) -> Any:
        count = side // window
        x = layers.Reshape((count, window, count, window, width))(x)
        x = layers.Permute((1, 3, 2, 4, 5))(x)
        return layers.Reshape((count**2, window**2, width))(x)

    def drop(x: Any) -> Any:
        return layers.Dropout(dropout, noise_shape=(None, 1, 1, 1))(x)

    def position_bias() -> Any:
        rows, columns = np.meshgrid(np.arange(window), np.arange(window), indexing="ij")
        places = np.stack([rows.flatten(), columns.flatten()])
        distances = places[:, :, None] - places[:, None, :] + window - 1
        index = distances[0] * (2 * window - 1) + distances[1]
        x = table((2 * window - 1) ** 2, heads, image, initializer="zeros")
        x = ops.take(x, fixed(index.astype("int32"), image), axis=0)
        return ops.transpose(x, (2, 0, 1))

    def mask(shift: int) -> Any:
        regions = np.zeros((side, side))
        regions[-shift:] += 2
        regions[:, -shift:] += 1
        regions = regions.reshape(count, window, count, window)
        regions = regions.transpose(0, 2, 1, 3)
        regions = regions.reshape(count**2, 1, 1, window**2)
        apart = regions != regions.transpose(0, 1, 3, 2)
        return np.where(apart, -100.0, 0.0).astype("float32")

    def attend(x: Any, shift: int = 0) -> Any:
        windows = layers.LayerNormalization(epsilon=1e-5)(x)
        if shift:
            windows = ops.roll(windows, (-shift, -shift), axis=(1, 2))
        windows = cut(windows)
        query, key, value = (
            layers.Reshape((count**2, window**2, heads, width // heads))(layers.Dense(width)(windows)) for _ in range(3)
        )
        scores = ops.einsum("bwqhd,bwkhd->bwhqk", query, key)
        scores = ops.multiply(scores, (width // heads) ** -0.5)
        scores = ops.add(scores, position_bias())
        if shift:
            scores = ops.add(scores, mask(shift))
        weights = layers.Softmax()(scores)
        weights = layers.Dropout(dropout)(weights)
        seen = ops.einsum("bwhqk,bwkhd->bwqhd", weights, value)
        seen = layers.Reshape((count, count, window, window, width))(seen)
        seen = layers.Permute((1, 3, 2, 4, 5))(seen)
        seen = layers.Reshape((side, side, width))(seen)
        if shift:
            seen = ops.roll(seen, (shift, shift), axis=(1, 2))
        seen = layers.Dense(width)(seen)
        known = layers.Add()([x, drop(seen)])
        new = layers.LayerNormalization(epsilon=1e-5)(known)
        new = layers.Dense(4 * width, activation="gelu")(new)
        new = layers.Dense(width)(new)
        return layers.Add()([known, drop(new)])

    x = layers.Conv2D(width, patch, strides=patch)(image)
    for _ in range(depth):
        x = attend(x)
        x = attend(x, shift)
    x = cut(x, 2)
    x = layers.Reshape(((side // 2) ** 2, 4 * width))(x)
    x = layers.Dense(2 * width, use_bias=False)(x)
    x = layers.GlobalAveragePooling1D()(x)
    label = layers.Dense(classes, activation="softmax", name="label")(x)
    return keras.Model({"image": image}, {"label": label})


ORACLES: dict[str, Callable[..., keras.Model]] = {
    "vit": vit,
    "mlp_mixer": mlp_mixer,
    "deeplab": deeplab,
    "swin": swin,
}

SMALL: dict[str, dict[str, int]] = {
    "vit": {"size": 8, "patch": 4, "width": 6, "heads": 2, "depth": 1, "head": 5, "classes": 3},
    "mlp_mixer": {"size": 8, "patch": 4, "width": 6, "depth": 1, "classes": 3},
    "deeplab": {"size": 32, "classes": 3, "width": 4, "edges": 3},
    "swin": {"size": 8, "patch": 1, "width": 6, "heads": 2, "window": 4, "shift": 2, "classes": 3},
}
"""Sizes at which a model is built in an instant."""
