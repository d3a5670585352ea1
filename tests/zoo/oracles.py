"""The architectures of the zoo as a Keras user writes them by hand, with the sizes that the specs state.

Inputs and outputs are dictionaries keyed by the names the specs use; each output ends in a layer of its name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops


def resnet18(size: int = 224, classes: int = 1000, width: int = 64) -> keras.Model:
    """Four stages of two residual blocks each."""

    def conv(x: Any, filters: int, kernel_size: int = 3, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, kernel_size, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    def residual(x: Any, filters: int, strides: int = 1) -> Any:
        detour = conv(layers.ReLU()(conv(x, filters, strides=strides)), filters)
        shortcut = conv(x, filters, 1, strides) if strides > 1 else x
        return layers.ReLU()(layers.Add()([detour, shortcut]))

    image = keras.Input((size, size, 3), name="image")
    x = layers.ReLU()(conv(image, width, 7, 2))
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for stage in range(4):
        x = residual(x, width * 2**stage, strides=2 if stage else 1)
        x = residual(x, width * 2**stage)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model({"image": image}, {"label": layers.Dense(classes, activation="softmax", name="label")(x)})


def unet(size: int = 128, width: int = 64) -> keras.Model:
    """Four ways down, four ways up, joined at every resolution."""

    def convs(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        return x

    image = keras.Input((size, size, 3), name="image")
    seen = [convs(image, width)]
    for depth in range(1, 5):
        seen.append(convs(layers.MaxPooling2D(2)(seen[-1]), width * 2**depth))
    x = layers.Dropout(0.5)(seen.pop())
    for across in reversed(seen):
        filters = across.shape[-1]
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = convs(layers.Concatenate()([across, x]), filters)
    return keras.Model({"image": image}, {"mask": layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x)})


def siamese_cosine(size: int = 28, code: int = 64) -> keras.Model:
    """One encoder on two images, and the cosine between its codes."""
    image = keras.Input((size, size, 1))
    x = layers.MaxPooling2D(2)(layers.Conv2D(32, 3, activation="relu")(image))
    x = layers.MaxPooling2D(2)(layers.Conv2D(64, 3, activation="relu")(x))
    encoder = keras.Model(image, layers.Dense(code)(layers.Flatten()(x)))
    left, right = (keras.Input((size, size, 1), name=name) for name in ("left", "right"))
    cosine = layers.Dot(axes=-1, normalize=True)([encoder(left), encoder(right)])
    same = layers.Dense(1, activation="sigmoid", name="same")(cosine)
    return keras.Model({"left": left, "right": right}, {"same": same})


def two_tower(users: int = 100_000, items: int = 20_000, width: int = 64) -> keras.Model:
    """Two towers of the same build, each with weights of its own, and the product of their ends."""

    def tower(ids: int, number: Any, features: Any) -> Any:
        x = layers.Concatenate()([layers.Embedding(ids, width)(number), features])
        return layers.Dense(width)(layers.Dense(2 * width, activation="relu")(x))

    inputs = {
        "user_id": keras.Input((), dtype="int32", name="user_id"),
        "user_features": keras.Input((12,), name="user_features"),
        "item_id": keras.Input((), dtype="int32", name="item_id"),
        "item_features": keras.Input((30,), name="item_features"),
    }
    user = tower(users, inputs["user_id"], inputs["user_features"])
    item = tower(items, inputs["item_id"], inputs["item_features"])
    picked = layers.Activation("sigmoid", name="picked")(layers.Dot(axes=-1)([user, item]))
    return keras.Model(inputs, {"picked": picked})


def wide_and_deep(crosses: int = 5000, words: int = 1000, width: int = 256) -> keras.Model:
    """A linear model and a deep one, added."""
    crossed = keras.Input((crosses,), name="crossed")
    categories = keras.Input((8,), dtype="int32", name="categories")
    numbers = keras.Input((6,), name="numbers")
    wide = layers.Dense(1)(crossed)
    embedded = layers.Flatten()(layers.Embedding(words, 32)(categories))
    x = layers.Concatenate()([embedded, numbers])
    x = layers.Dense(width, activation="relu")(x)
    x = layers.Dense(width // 2, activation="relu")(x)
    installed = layers.Activation("sigmoid", name="installed")(layers.Add()([wide, layers.Dense(1)(x)]))
    return keras.Model({"crossed": crossed, "categories": categories, "numbers": numbers}, {"installed": installed})


def multi_task(size: int = 96, width: int = 32) -> keras.Model:
    """A trunk with three heads."""
    face = keras.Input((size, size, 3), name="face")
    x = layers.Rescaling(1 / 255)(face)
    x = layers.MaxPooling2D(2)(layers.Conv2D(width, 3, activation="relu")(x))
    x = layers.MaxPooling2D(2)(layers.Conv2D(2 * width, 3, activation="relu")(x))
    x = layers.Conv2D(4 * width, 3, activation="relu")(x)
    trunk = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    age = layers.Dense(1, name="age")(layers.Dense(64, activation="relu")(trunk))
    expression = layers.Dense(7, activation="softmax", name="expression")(layers.Dense(64, activation="relu")(trunk))
    smiles = layers.Dense(1, activation="sigmoid", name="smiles")(trunk)
    return keras.Model({"face": face}, {"age": age, "expression": expression, "smiles": smiles})


def wavenet(levels: int = 256, filters: int = 32, skip_filters: int = 128) -> keras.Model:
    """Ten gated convolutions, whose skips are added up."""
    samples = keras.Input((None,), dtype="int32", name="samples")
    x = layers.Embedding(levels, filters)(samples)
    skips = []
    for dilation in (2**layer for layer in range(10)):
        signal, gate = (
            layers.Conv1D(filters, 2, padding="causal", dilation_rate=dilation, activation=activation)(x)
            for activation in ("tanh", "sigmoid")
        )
        kept = layers.Multiply()([signal, gate])
        skips.append(layers.Conv1D(skip_filters, 1)(kept))
        if len(skips) < 10:
            x = layers.Add()([x, layers.Conv1D(filters, 1)(kept)])
    x = layers.ReLU()(layers.Add()(skips))
    x = layers.Conv1D(skip_filters, 1, activation="relu")(x)
    next_sample = layers.Conv1D(levels, 1, activation="softmax", name="next_sample")(x)
    return keras.Model({"samples": samples}, {"next_sample": next_sample})


def seq2seq(source_words: int = 20_000, target_words: int = 20_000, width: int = 256) -> keras.Model:
    """An encoder whose states the decoder starts from."""
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    x = layers.Embedding(source_words, width, mask_zero=True)(source)
    _, hidden, carry = layers.LSTM(width, return_state=True)(x)
    x = layers.Embedding(target_words, width, mask_zero=True)(target)
    present = keras.ops.not_equal(target, 0)
    x = layers.LSTM(width, return_sequences=True)(x, initial_state=[hidden, carry], mask=present)
    next_word = layers.Dense(target_words, activation="softmax", name="next_word")(x)
    return keras.Model({"source": source, "target": target}, {"next_word": next_word})


def transformer_encoder(
    words: int = 20_000, topics: int = 4, length: int = 256, width: int = 128, heads: int = 4, dropout: float = 0.1
) -> keras.Model:
    """Self-attention with normalisation after each sum, over words that are not padding."""
    text = keras.Input((None,), dtype="int32", name="text")
    present = ops.not_equal(text, 0)
    places = ops.cumsum(ops.ones_like(text), 1)
    x = layers.Add()([layers.Embedding(words, width)(text), layers.Embedding(length + 1, width)(places)])
    x = layers.Dropout(dropout)(x)
    for _ in range(2):
        seen = layers.MultiHeadAttention(heads, width // heads, dropout=dropout)(x, x, value_mask=present)
        known = layers.LayerNormalization()(layers.Add()([x, seen]))
        new = layers.Dense(width)(layers.Dense(4 * width, activation="gelu")(known))
        x = layers.LayerNormalization()(layers.Add()([known, layers.Dropout(dropout)(new)]))
    x = layers.GlobalAveragePooling1D()(x, mask=present)
    return keras.Model({"text": text}, {"topic": layers.Dense(topics, activation="softmax", name="topic")(x)})


def causal_lm(words: int = 32_000, length: int = 512, width: int = 384, heads: int = 6, depth: int = 6) -> keras.Model:
    """Self-attention to the past, with normalisation before each part."""
    text = keras.Input((None,), dtype="int32", name="text")
    places = ops.cumsum(ops.ones_like(text), 1)
    x = layers.Add()([layers.Embedding(words, width)(text), layers.Embedding(length + 1, width)(places)])
    for _ in range(depth):
        calm = layers.LayerNormalization()(x)
        seen = layers.MultiHeadAttention(heads, width // heads)(calm, calm, use_causal_mask=True)
        known = layers.Add()([x, seen])
        new = layers.Dense(4 * width, activation="gelu")(layers.LayerNormalization()(known))
        x = layers.Add()([known, layers.Dense(width)(new)])
    next_word = layers.Dense(words, name="next_word")(layers.LayerNormalization()(x))
    return keras.Model({"text": text}, {"next_word": next_word})


def dcn_v2(fields: int = 26, words: int = 40_000, code: int = 16, counts: int = 13, width: int = 256) -> keras.Model:
    """Three crosses beside a deep network."""
    categories = keras.Input((fields,), dtype="int32", name="categories")
    numbers = keras.Input((counts,), name="counts")
    embedded = layers.Flatten()(layers.Embedding(words, code)(categories))
    first = crossed = layers.Concatenate()([embedded, numbers])
    for _ in range(3):
        mixed = layers.Dense(first.shape[-1])(crossed)
        crossed = layers.Add()([layers.Multiply()([first, mixed]), crossed])
    deep = layers.Dense(width, activation="relu")(layers.Dense(width, activation="relu")(first))
    x = layers.Concatenate()([crossed, deep])
    clicked = layers.Dense(1, activation="sigmoid", name="clicked")(x)
    return keras.Model({"categories": categories, "counts": numbers}, {"clicked": clicked})


def deepfm(fields: int = 39, words: int = 40_000, code: int = 16, width: int = 256) -> keras.Model:
    """Linear terms, products of pairs and a deep network, added."""
    categories = keras.Input((fields,), dtype="int32", name="categories")
    linear = ops.sum(layers.Embedding(words, 1)(categories), 1)
    vectors = layers.Embedding(words, code)(categories)
    squares = layers.Subtract()([ops.square(ops.sum(vectors, 1)), ops.sum(ops.square(vectors), 1)])
    pairs = ops.multiply(ops.sum(squares, axis=1, keepdims=True), 0.5)
    x = layers.Flatten()(vectors)
    x = layers.Dense(width, activation="relu")(layers.Dense(width, activation="relu")(x))
    x = layers.Add()([linear, pairs, layers.Dense(1)(x)])
    return keras.Model({"categories": categories}, {"clicked": layers.Activation("sigmoid", name="clicked")(x)})


def graph_loss(value: Any, name: str, weight: float = 1.0) -> Any:
    """A mean that Keras adds to the loss, by stock layers alone."""
    return layers.Rescaling(weight, activity_regularizer=keras.regularizers.L1(1.0), name=name)(ops.mean(value))


def normal_like(codes: Any) -> Any:
    """Numbers of a standard normal distribution in the shape of codes, new in every call, by stock layers alone."""
    zeros = ops.zeros_like(codes, dtype="float32")
    rows = ops.reshape(ops.size(ops.sum(zeros, axis=[1])), (1,))
    shape = ops.concatenate([rows, np.array([codes.shape[1]], "int32"), np.array([1], "int32")])
    drawn = keras.initializers.RandomNormal(0.0, 1.0, keras.random.SeedGenerator())
    numbers = ops.cast(layers.Activation(drawn, dtype="float32")(shape), "float32")
    return ops.sum(ops.subtract(numbers, ops.expand_dims(zeros, -1)), axis=-1)


def vae(width: int = 128, latent: int = 8) -> keras.Model:
    """An encoder to a normal distribution, a sample of it, a decoder, and the divergence as a loss."""
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Dense(width, activation="relu")(layers.Flatten()(layers.Rescaling(0.0625)(image)))
    mean, log_variance = layers.Dense(latent)(x), layers.Dense(latent)(x)
    noise = normal_like(mean)
    deviation = ops.exp(ops.multiply(log_variance, 0.5))
    code = layers.Add()([mean, layers.Multiply()([deviation, noise])])
    x = layers.Dense(64, activation="sigmoid")(layers.Dense(width, activation="relu")(code))
    restored = layers.Reshape((8, 8, 1))(x)
    surplus = layers.Add()([ops.square(mean), ops.exp(log_variance)])
    terms = ops.subtract(layers.Subtract()([surplus, log_variance]), 1.0)
    kl = graph_loss(ops.multiply(ops.sum(terms, axis=1), 0.5), "kl", 1 / 64)
    return keras.Model({"image": image}, {"restored": layers.Identity(name="restored")([restored, kl])[0]})


def distillation(width: int = 128, code: int = 64) -> keras.Model:
    """A trained teacher that stays as it is, a student, and the mean square of the difference as a loss."""
    file = Path(__file__).resolve().parents[2] / "specs" / "zoo" / "data" / "digit_codes.keras"
    teacher = keras.saving.load_model(file, compile=False)
    teacher.trainable = False
    digit = keras.Input((8, 8, 1), name="digit")
    (taught,) = keras.tree.flatten(teacher(digit))
    x = layers.Dense(width, activation="relu")(layers.Flatten()(layers.Rescaling(0.0625)(digit)))
    learned = layers.Dense(code)(x)
    gap = graph_loss(ops.mean(ops.square(layers.Subtract()([learned, taught])), axis=-1), "gap")
    given = layers.Identity()(learned)
    return keras.Model({"digit": digit}, {"code": layers.Identity(name="code")([given, gap])[0]})


def contrastive(filters: int = 16, code: int = 32) -> keras.Model:
    """One encoder on two views of each image; each is to be more like its other view than like those of the others."""
    image = keras.Input((8, 8, 1))
    x = layers.RandomTranslation(0.125, 0.125, fill_mode="constant")(layers.Rescaling(0.0625)(image))
    x = layers.GaussianNoise(0.2)(x)
    x = layers.MaxPooling2D(2)(layers.Conv2D(filters, 3, padding="same", activation="relu")(x))
    x = layers.Conv2D(2 * filters, 3, padding="same", activation="relu")(x)
    encoder = keras.Model(image, layers.UnitNormalization()(layers.Dense(code)(layers.Flatten()(x))))
    digit = keras.Input((8, 8, 1), name="digit")
    view, other = encoder(digit), encoder(digit)
    likeness = ops.multiply(ops.matmul(view, ops.transpose(other)), 5.0)
    own = ops.multiply(ops.sum(layers.Multiply()([view, other]), axis=1), 5.0)
    contrast = graph_loss(ops.subtract(ops.logsumexp(likeness, axis=(1,)), own), "contrast")
    given = layers.Identity()(view)
    return keras.Model({"digit": digit}, {"code": layers.Identity(name="code")([given, contrast])[0]})


def anomaly(width: int = 64, code: int = 16) -> keras.Model:
    """An autoencoder whose error is its output and its loss."""
    image = keras.Input((8, 8, 1), name="image")
    pixels = layers.Flatten()(layers.Rescaling(0.0625)(image))
    x = layers.Dense(width, activation="relu")(layers.GaussianNoise(0.1)(pixels))
    x = layers.Dense(width, activation="relu")(layers.Dense(code)(x))
    restored = layers.Dense(64, activation="sigmoid")(x)
    error = ops.mean(ops.square(layers.Subtract()([restored, pixels])), axis=1, keepdims=True)
    restoring = graph_loss(error, "restoring")
    given = layers.Identity()(error)
    return keras.Model({"image": image}, {"error": layers.Identity(name="error")([given, restoring])[0]})


def frozen_backbone(width: int = 32, classes: int = 10) -> keras.Model:
    """A trained model from its file, without training, and a new head."""
    file = Path(__file__).resolve().parents[2] / "specs" / "zoo" / "data" / "digit_codes.keras"
    backbone = keras.saving.load_model(file, compile=False)
    backbone.trainable = False
    digit = keras.Input((8, 8, 1), name="digit")
    (code,) = keras.tree.flatten(backbone(digit))  # the file keeps its output in a list
    x = layers.Dropout(0.2)(layers.Dense(width, activation="relu")(code))
    return keras.Model({"digit": digit}, {"label": layers.Dense(classes, activation="softmax", name="label")(x)})


def fixed(values: Any, tensor: Any) -> Any:
    """Values as a tensor of the model that `tensor` belongs to."""
    return ops.add(values, ops.cast(ops.multiply(ops.size(tensor), 0), str(values.dtype)))


def for_each_sample(values: Any, batched: Any) -> Any:
    """A matrix without a batch, once for each sample of `batched`."""
    zeros = ops.zeros_like(batched[:, 0:1, 0:1], dtype="float32")
    return ops.add(values, ops.reshape(zeros, (-1, 1, 1)))


def table(rows: int, columns: int, tensor: Any, initializer: Any = None) -> Any:
    """A trainable weight: all rows of an embedding."""
    initializer = initializer or keras.initializers.RandomNormal(stddev=0.02)
    embedding = layers.Embedding(rows, columns, embeddings_initializer=initializer)
    return embedding(fixed(np.arange(rows, dtype="int32"), tensor))


def switch_transformer(
    words: int = 20_000, length: int = 200, width: int = 32, heads: int = 2, experts: int = 10, dropout: float = 0.1
) -> keras.Model:
    """One block of a transformer, in which each word asks the expert with the largest gate."""

    def expert(x: Any) -> Any:
        return layers.Dense(width)(layers.Dense(width, activation="relu")(x))

    text = keras.Input((length,), dtype="int32", name="text")
    positions = layers.Embedding(length, width)(fixed(np.arange(length, dtype="int32"), text))
    placed = ops.add(layers.Embedding(words, width)(text), positions)
    seen = layers.Dropout(dropout)(layers.MultiHeadAttention(heads, width)(placed, placed))
    known = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([placed, seen]))
    gates = layers.Dense(experts, activation="softmax")(known)
    weights = ops.multiply(gates, ops.one_hot(ops.argmax(gates, axis=-1), experts))
    answers = ops.stack([expert(known) for _ in range(experts)], axis=-1)
    mixed = layers.Dropout(dropout)(ops.einsum("btwe,bte->btw", answers, weights))
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([known, mixed]))
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling1D()(x))
    x = layers.Dense(width, activation="relu")(x)
    return keras.Model({"text": text}, {"good": layers.Dense(2, activation="softmax", name="good")(x)})


def graph_attention(
    nodes: int = 270, features: int = 143, units: int = 100, heads: int = 8, depth: int = 3, classes: int = 7
) -> keras.Model:
    """Attention of several heads over the edges of a graph, with a sum around each."""
    papers = keras.Input((nodes, features), name="papers")
    cites = keras.Input((nodes, nodes), dtype="bool", name="cites")

    def head(x: Any) -> Any:
        sent = layers.Dense(units, use_bias=False)(x)
        from_here = layers.Dense(1, use_bias=False)(sent)
        from_there = layers.Reshape((1, nodes))(layers.Dense(1, use_bias=False)(sent))
        scores = layers.LeakyReLU(0.2)(ops.add(from_here, from_there))
        return ops.matmul(layers.Softmax()(ops.where(cites, scores, -1e9)), sent)

    x = layers.Dense(units * heads, activation="relu")(papers)
    for _ in range(depth):
        x = layers.Add()([x, layers.ReLU()(layers.Concatenate()([head(x) for _ in range(heads)]))])
    subject = layers.Dense(classes, activation="softmax", name="subject")(x)
    return keras.Model({"papers": papers, "cites": cites}, {"subject": subject})


def perceiver(
    size: int = 32, patch: int = 2, latents: int = 64, width: int = 64, heads: int = 4, depth: int = 2,
    classes: int = 10, dropout: float = 0.2,
) -> keras.Model:  # fmt: skip
    """Latents that look at the patches of a photo, and at each other."""

    def feed_forward(x: Any) -> Any:
        new = layers.Dense(width)(layers.Dense(width, activation="gelu")(x))
        return layers.LayerNormalization()(layers.Add()([x, layers.Dropout(dropout)(new)]))

    photo = keras.Input((size, size, 3), name="photo")
    count = (size // patch) ** 2
    patches = layers.Reshape((count, width))(layers.Conv2D(width, patch, strides=patch)(photo))
    placed = ops.add(patches, table(count, width, photo))
    x = table(latents, width, photo)
    for number in range(depth):
        seen = layers.MultiHeadAttention(1, width)(x if number else for_each_sample(x, placed), placed)
        x = x if number else for_each_sample(x, seen)
        x = feed_forward(layers.LayerNormalization()(layers.Add()([x, seen])))
        thought = layers.MultiHeadAttention(heads, width // heads)(x, x)
        x = feed_forward(layers.LayerNormalization()(layers.Add()([x, thought])))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model({"photo": photo}, {"shown": layers.Dense(classes, activation="softmax", name="shown")(x)})


ORACLES: dict[str, Callable[..., keras.Model]] = {
    each.__name__: each
    for each in (
        resnet18, unet, siamese_cosine, two_tower, wide_and_deep, multi_task, wavenet, seq2seq,
        transformer_encoder, causal_lm, dcn_v2, deepfm, vae, frozen_backbone, switch_transformer, graph_attention,
        perceiver,
        distillation, contrastive, anomaly,
    )
}  # fmt: skip

SMALL: dict[str, dict[str, int]] = {
    "resnet18": {"size": 32, "classes": 5, "width": 4},
    "unet": {"size": 32, "width": 2},
    "siamese_cosine": {"size": 14, "code": 6},
    "two_tower": {"users": 50, "items": 40, "width": 4},
    "wide_and_deep": {"crosses": 20, "words": 30, "width": 8},
    "multi_task": {"size": 24, "width": 4},
    "wavenet": {"levels": 16, "filters": 3, "skip_filters": 5},
    "seq2seq": {"source_words": 30, "target_words": 20, "width": 6},
    "transformer_encoder": {"words": 30, "length": 20, "width": 8},
    "causal_lm": {"words": 30, "length": 20, "width": 12, "depth": 2},
    "dcn_v2": {"fields": 3, "words": 30, "code": 4, "counts": 2, "width": 8},
    "deepfm": {"fields": 4, "words": 30, "code": 4, "width": 8},
    "vae": {"width": 8, "latent": 3},
    "distillation": {"width": 8},
    "contrastive": {"filters": 2, "code": 6},
    "anomaly": {"width": 8, "code": 3},
    "frozen_backbone": {"width": 6, "classes": 3},
    "switch_transformer": {"words": 30, "length": 12, "width": 8, "experts": 3},
    "graph_attention": {"nodes": 9, "features": 5, "units": 3, "heads": 2, "depth": 2, "classes": 3},
    "perceiver": {"size": 8, "latents": 5, "width": 8, "heads": 2, "classes": 3},
}
"""Sizes at which a model is built in an instant."""
