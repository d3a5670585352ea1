"""The image models of the zoo as a Keras user writes them by hand: one layer a statement, as Keras' examples do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    classes: int = 100,
    dropout: float = 0.1,
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
    x = layers.Dropout(5 * dropout)(x)
    x = mlp(x, 32 * width, 5 * dropout)
    x = mlp(x, 16 * width, 5 * dropout)
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

    resnet = keras.applications.ResNet50(weights=None, include_top=False)
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
        regions: Any = np.zeros((side, side))
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
    x = attend(x)
    x = attend(x, window // 2)
    x = cut(x, 2)
    x = layers.Reshape(((side // 2) ** 2, 4 * width))(x)
    x = layers.Dense(2 * width, use_bias=False)(x)
    x = layers.GlobalAveragePooling1D()(x)
    label = layers.Dense(classes, activation="softmax", name="label")(x)
    return keras.Model({"image": image}, {"label": label})


def positions(count: int, width: int, image: Any) -> Any:
    """What is learned of each of so many places."""
    return layers.Embedding(count, width)(fixed(np.arange(count, dtype="int32"), image))


def cct(
    size: int = 32,
    filters: Sequence[int] = (64, 128),
    heads: int = 2,
    classes: int = 10,
    dropout: float = 0.1,
    skip: float = 0.1,
) -> keras.Model:
    """A transformer of tokens that convolutions make, with stochastic depth and a pooling by attention."""

    def mlp(x: Any) -> Any:
        x = layers.Dense(width, activation="gelu")(x)
        return layers.Dropout(dropout)(x)

    width = filters[-1]
    count = (size // 4) ** 2
    photo = keras.Input((size, size, 3), name="photo")
    x = layers.Rescaling(1 / 255)(photo)
    for each in filters:
        x = layers.Conv2D(each, 3, use_bias=False, activation="relu", kernel_initializer=keras.initializers.HeNormal())(
            x
        )
        x = layers.ZeroPadding2D()(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.Reshape((count, width))(x)
    x = ops.add(x, positions(count, width, photo))
    for rate in (0.0, skip):
        keep = layers.Dropout(rate, noise_shape=(None, 1, 1))
        calm = layers.LayerNormalization(epsilon=1e-5)(x)
        seen = layers.MultiHeadAttention(heads, width, dropout=dropout)(calm, calm)
        seen = keep(seen)
        known = layers.Add()([x, seen])
        new = layers.LayerNormalization(epsilon=1e-5)(known)
        new = mlp(new)
        new = mlp(new)
        new = keep(new)
        x = layers.Add()([known, new])
    x = layers.LayerNormalization(epsilon=1e-5)(x)
    weights = layers.Dense(1)(x)
    weights = layers.Softmax(axis=1)(weights)
    x = ops.einsum("bpi,bpc->bc", weights, x)
    shown = layers.Dense(classes, name="shown")(x)
    return keras.Model({"photo": photo}, {"shown": shown})


def eanet(
    size: int = 32,
    patch: int = 2,
    width: int = 64,
    heads: int = 4,
    depth: int = 8,
    classes: int = 100,
    dropout: float = 0.2,
) -> keras.Model:
    """Attention of patches to memories that all images share."""
    count = (size // patch) ** 2

    def attend(x: Any) -> Any:
        x = layers.Dense(4 * width)(x)
        x = layers.Reshape((count, 4 * heads, width // heads))(x)
        x = layers.Permute((2, 1, 3))(x)
        x = layers.Dense(width // 4)(x)
        x = layers.Softmax(axis=2)(x)
        total = ops.sum(x, axis=-1, keepdims=True)
        total = ops.add(total, 1e-9)
        x = ops.divide(x, total)
        x = layers.Dropout(dropout)(x)
        x = layers.Dense(width // heads)(x)
        x = layers.Permute((2, 1, 3))(x)
        x = layers.Reshape((count, 4 * width))(x)
        x = layers.Dense(width)(x)
        return layers.Dropout(dropout)(x)

    def mlp(x: Any) -> Any:
        x = layers.Dense(width, activation="gelu")(x)
        x = layers.Dropout(dropout)(x)
        x = layers.Dense(width)(x)
        return layers.Dropout(dropout)(x)

    image = keras.Input((size, size, 3), name="image")
    x = ops.image.extract_patches(image, patch)
    x = layers.Reshape((count, 3 * patch**2))(x)
    x = layers.Dense(width)(x)
    x = ops.add(x, positions(count, width, image))
    for _ in range(depth):
        seen = layers.LayerNormalization(epsilon=1e-5)(x)
        seen = attend(seen)
        known = layers.Add()([seen, x])
        new = layers.LayerNormalization(epsilon=1e-5)(known)
        new = mlp(new)
        x = layers.Add()([new, known])
    x = layers.GlobalAveragePooling1D()(x)
    label = layers.Dense(classes, activation="softmax", name="label")(x)
    return keras.Model({"image": image}, {"label": label})


def mobilevit(
    size: int = 256,
    filters: Sequence[int] = (16, 24, 48, 64, 80, 320),
    widths: Sequence[int] = (64, 80, 96),
    depths: Sequence[int] = (2, 4, 3),
    classes: int = 5,
    dropout: float = 0.1,
) -> keras.Model:
    """Inverted residuals, and transformers of patches between convolutions."""

    def conv(x: Any, filters: int, kernel_size: int = 3, strides: int = 1) -> Any:
        return layers.Conv2D(filters, kernel_size, strides=strides, activation="silu", padding="same")(x)

    def residual(x: Any, filters: int, strides: int = 1) -> Any:
        new = layers.Conv2D(2 * x.shape[-1], 1, padding="same", use_bias=False)(x)
        new = layers.BatchNormalization()(new)
        new = layers.Activation("silu")(new)
        if strides > 1:
            new = layers.ZeroPadding2D(((0, 1), (0, 1)))(new)
        padding = "same" if strides == 1 else "valid"
        new = layers.DepthwiseConv2D(3, strides=strides, padding=padding, use_bias=False)(new)
        new = layers.BatchNormalization()(new)
        new = layers.Activation("silu")(new)
        new = layers.Conv2D(filters, 1, padding="same", use_bias=False)(new)
        new = layers.BatchNormalization()(new)
        if x.shape[-1] == filters and strides == 1:
            return layers.Add()([new, x])
        return new

    def mlp(x: Any, units: int) -> Any:
        x = layers.Dense(units, activation="silu")(x)
        return layers.Dropout(dropout)(x)

    def transformer(x: Any) -> Any:
        width = x.shape[-1]
        calm = layers.LayerNormalization(epsilon=1e-6)(x)
        seen = layers.MultiHeadAttention(2, width, dropout=dropout)(calm, calm)
        known = layers.Add()([seen, x])
        new = layers.LayerNormalization(epsilon=1e-6)(known)
        new = mlp(new, 2 * width)
        new = mlp(new, width)
        return layers.Add()([new, known])

    def vit(x: Any, width: int, depth: int) -> Any:
        far = conv(x, width)
        far = conv(far, width, kernel_size=1)
        height, breadth = far.shape[1:3]
        far = layers.Reshape((4, height * breadth // 4, width))(far)
        for _ in range(depth):
            far = transformer(far)
        far = layers.Reshape((height, breadth, width))(far)
        far = conv(far, x.shape[-1], kernel_size=1)
        x = layers.Concatenate()([x, far])
        return conv(x, width)

    photo = keras.Input((size, size, 3), name="photo")
    x = layers.Rescaling(1 / 255)(photo)
    x = conv(x, filters[0], strides=2)
    x = residual(x, filters[0])
    x = residual(x, filters[1], strides=2)
    x = residual(x, filters[1])
    x = residual(x, filters[1])
    for number in range(3):
        x = residual(x, filters[2 + number], strides=2)
        x = vit(x, widths[number], depths[number])
    x = conv(x, filters[5], kernel_size=1)
    x = layers.GlobalAveragePooling2D()(x)
    flower = layers.Dense(classes, activation="softmax", name="flower")(x)
    return keras.Model({"photo": photo}, {"flower": flower})


ORACLES: dict[str, Callable[..., keras.Model]] = {
    "vit": vit,
    "mlp_mixer": mlp_mixer,
    "deeplab": deeplab,
    "swin": swin,
    "cct": cct,
    "eanet": eanet,
    "mobilevit": mobilevit,
}

SMALL: dict[str, dict[str, Any]] = {
    "vit": {"size": 8, "patch": 4, "width": 6, "heads": 2, "depth": 1, "classes": 3},
    "mlp_mixer": {"size": 8, "patch": 4, "width": 6, "depth": 1, "classes": 3},
    "deeplab": {"size": 32, "classes": 3, "width": 4, "edges": 3},
    "swin": {"size": 8, "patch": 1, "width": 6, "heads": 2, "window": 4, "classes": 3},
    "cct": {"size": 8, "filters": [4, 6], "classes": 3},
    "eanet": {"size": 8, "patch": 4, "width": 8, "heads": 2, "depth": 1, "classes": 3},
    "mobilevit": {"size": 64, "filters": [2, 3, 4, 5, 6, 7], "widths": [4, 5, 6], "depths": [1, 1, 1], "classes": 3},
}
"""Sizes at which a model is built in an instant."""
