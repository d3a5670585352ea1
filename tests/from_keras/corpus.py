"""Keras models of every kind that decompiling knows, small enough to be built and mutated by the thousand."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import Input, Model, ops
from keras import layers as L  # noqa: N812

from tests.known_uses import CASES
from tests.to_keras.test_every_layer import APPLIED, make, tensors

Make = Callable[[], keras.Model]


def arithmetic() -> Model:
    """Return a model of the arithmetic of Python on tensors."""
    x, y = Input((4, 6), name="x"), Input((4, 6), name="y")
    one = [x + 1, 1 - x, 2.5 / (x * x + 1), x**2, -x, abs(x) - y, x @ ops.transpose(y, (0, 2, 1))]
    return Model([x, y], [*one, ops.cast(x > 0, "float32"), x // 2, x % 3, ops.where(x > y, x, 0.0)])


def slices() -> Model:
    """Return a model of slices with numbers, steps, `None` and an ellipsis."""
    x = Input((4, 6, 3), name="x")
    return Model(x, [x[:, 0], x[..., None, 1:3], x[:, ::-1], x[:, 1:-1, -2:], x[:, 0, 1], x[:, None], x[:, 2, ..., 1]])


def operations() -> Model:
    """Return a model of operations with constants, lists of tensors and several results."""
    x, m = Input((4, 6), name="x"), Input((4,), dtype="bool", name="m")
    parts = ops.split(x, 2, axis=1)
    shaped = [ops.reshape(x, (-1, 24)), ops.expand_dims(x, 1), ops.repeat(x, 2, axis=1), ops.take(x, [0, 2], axis=2)]
    joined = [ops.concatenate([x * 2, ops.relu(x)], axis=-1), ops.stack([x, x + 1], axis=1), parts[1] + parts[0]]
    arrays = [x * ops.convert_to_tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), x * np.arange(6), ops.clip(x, 0, 1)]
    reduced = [ops.mean(x, axis=1, keepdims=True), ops.sum(x), ops.max(x, axis=(1, 2)), ops.logical_not(m)]
    others = [
        ops.einsum("bij,bkj->bik", x, x),
        ops.pad(x, [[0, 0], [1, 1], [0, 0]]),
        ops.one_hot(ops.cast(ops.argmax(x, -1), "int32"), 6),
        ops.image.resize(ops.expand_dims(x, -1), (8, 8)),
    ]
    return Model([x, m], [*shaped, *joined, *arrays, *reduced, *others, ops.cast(m, "float32")])


def attention() -> Model:
    """Return a model of calls with several tensors and keywords, with dicts of inputs and outputs."""
    x, m = Input((4, 6), name="x"), Input((4,), dtype="bool", name="m")
    a = L.MultiHeadAttention(2, 3, name="mha")(x, x, attention_mask=m[:, None, :])
    b = L.Attention()([x, a])
    c = L.AdditiveAttention()([x, x, b])
    d, s = L.MultiHeadAttention(2, 3)(query=x, value=a, key=c, return_attention_scores=True)
    return Model({"x": x, "m": m}, {"d": d, "s": s, "b": b})


def recurrent() -> Model:
    """Return a model of recurrent layers with masks, states and cells."""
    x = Input((5,), dtype="int32", name="words")
    e = L.Embedding(20, 4, mask_zero=True)(x)
    _, h, c = L.LSTM(3, return_state=True, return_sequences=True)(e)
    g = L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="sum")(e)
    r = L.RNN([L.LSTMCell(2), L.GRUCell(3)])(e)
    k = L.Bidirectional(L.LSTM(2), backward_layer=L.GRU(2, go_backwards=True), merge_mode="concat")(e)
    q = L.SimpleRNN(2)(e, mask=ops.greater(x, 1))
    return Model(x, [L.LSTM(3)(e, initial_state=[h, c]), g, r, k, q])


def shared() -> Model:
    """Return a model that shares a layer and a Sequential model."""
    a, b = Input((3,), name="a"), Input((3,), name="b")
    dense = L.Dense(4, activation="relu")
    tower = keras.Sequential([Input((4,)), L.Dense(2), L.Dropout(0.5)], name="tower")
    x, y = tower(dense(a)), tower(dense(b))
    return Model([a, b], L.Dense(1, name="out")(L.Concatenate()([x, y, dense(a)])))


def nested() -> Model:
    """Return a model of models: of several inputs, of several outputs, and below a wrapper."""
    image = Input((8, 8, 1))
    vision = Model(image, [L.Flatten()(L.Conv2D(2, 3)(image)), L.GlobalMaxPooling2D()(image)], name="vision")
    frames, picture = Input((3, 8, 8, 1), name="frames"), Input((8, 8, 1), name="im")
    one = Model(image, L.Flatten()(L.Conv2D(2, 3)(image)), name="one")
    p, q = vision(picture)
    left, right = Input((4,), name="l"), Input((4,), name="r")
    join = Model([left, right], L.Add()([left, right]), name="join")
    both = Model({"u": left, "w": right}, {"o": L.Subtract()([left, right]), "s": left * 2}, name="both")
    e, f = L.Dense(4)(p), L.Dense(4)(q)
    o = both({"u": e, "w": f})
    return Model([frames, picture], [join([e, f]), o["o"], o["s"], L.TimeDistributed(one)(frames)])


def deep() -> Model:
    """Return a model in a model in a model."""
    x = Input((4,), name="x")
    inner = Model(x, L.Dense(2)(x), name="inner")
    middle = Model(x, L.Dense(4)(inner(x)), name="middle")
    return Model(x, L.Dense(1)(middle(middle(x))), name="outer")


def names() -> Model:
    """Return a model whose names are none of the language."""
    x = Input((3,), name="x.1")
    w = L.Dense(2, name="no")(L.Dense(2, name="1st")(L.Dense(2, name="a b")(x)))
    return Model(x, [L.Dense(2, name="out.1")(w), L.Dense(3, name="true")(w)])


def mixed() -> Model:
    """Return a model of mixed precision."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        x = Input((3,), name="x")
        return Model(x, L.Dense(2, dtype="float32")(L.Dense(4, activation="gelu")(x)))
    finally:
        keras.config.set_dtype_policy(policy)


def frozen() -> Model:
    """Return a model with a frozen model and a frozen layer."""
    i, x, dense = Input((4,)), Input((4,), name="x"), L.Dense(4)
    base = Model(i, L.Dense(2)(L.BatchNormalization()(i)), name="base")
    base.trainable = dense.trainable = False
    return Model(x, L.Dense(1)(base(dense(x))))


def regular() -> Model:
    """Return a model whose layers hold initializers, regularizers, constraints and layers as activations."""
    x = Input((8, 8, 3), name="x")
    y = L.Conv2D(
        4,
        (3, 1),
        strides=(2, 1),
        padding="same",
        kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2),
        kernel_initializer=keras.initializers.HeNormal(seed=3),
        kernel_constraint=keras.constraints.MaxNorm(2),
        activation=L.LeakyReLU(negative_slope=0.2),
    )(x)
    y = L.PReLU(shared_axes=[1, 2])(L.ZeroPadding2D(((1, 2), (0, 1)))(y))
    y = L.UpSampling2D((2, 1), interpolation="bilinear")(L.Activation(keras.activations.swish)(y))
    y = L.LayerNormalization(axis=[1, 2])(L.GroupNormalization(2)(L.SpatialDropout2D(0.2)(y)))
    y = L.Dense(3, activation="softmax", bias_initializer=keras.initializers.Constant(0.5))(L.Flatten()(y))
    return Model(x, y)


def preprocessing() -> Model:
    """Return a model of preprocessing layers with what they have learnt."""
    text, number, integer = Input((1,), dtype="string", name="t"), Input((3,), name="n"), Input((1,), dtype="int64")
    words = L.StringLookup(output_mode="one_hot", name="words")
    words.adapt(list("abcdefghijklmnopqrst"))
    vector = L.TextVectorization(output_sequence_length=4, name="text")
    vector.adapt(["a b", "c d"])
    weighted = L.TextVectorization(output_mode="tf_idf", name="tfi")
    weighted.adapt(["a b", "c d", "a a"])
    whole = L.IntegerLookup(output_mode="one_hot")
    whole.adapt([3, 4, 7])
    masked = L.StringLookup(vocabulary=["a", "b"], num_oov_indices=2, mask_token="")
    norm = L.Normalization(name="nn")
    norm.adapt(np.linspace(0, 1, 30).reshape(10, 3))
    bins = L.Discretization(num_bins=4)
    bins.adapt(np.linspace(0, 1, 100)[:, None])
    counted = [words(text), vector(text), weighted(text), whole(integer), bins(number), masked(text)]
    counted += [L.Hashing(5)(text), L.CategoryEncoding(6, output_mode="multi_hot")(masked(text))]
    return Model([text, number, integer], [*(ops.cast(each, "float32") for each in counted), norm(number)])


def sequential() -> Model:
    """Return a compiled Sequential model."""
    layers = [Input((6,)), L.Dense(4, activation="relu"), L.Dense(4, activation="relu"), L.Dropout(0.1), L.Dense(2)]
    model = keras.Sequential(layers, name="seq")
    model.compile("adam", "mse", metrics=["mae"])
    return model


def compiled() -> Model:
    """Return a model with losses, weights and metrics by output, and an optimizer with a schedule."""
    x = Input((4,), name="x")
    model = Model(x, {"a": L.Dense(1, name="a")(x), "b": L.Dense(3, activation="softmax", name="bb")(x)})
    schedule = keras.optimizers.schedules.ExponentialDecay(1e-3, 100, 0.9)
    model.compile(
        keras.optimizers.Adam(schedule, clipnorm=1.0),
        loss={"a": "mse", "b": keras.losses.SparseCategoricalCrossentropy()},
        loss_weights={"a": 0.3},
        metrics={"b": ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)]},
    )
    return model


def repeated() -> Model:
    """Return a model whose layers repeat, so that blocks are found."""
    x = Input((4,), name="x")
    y = x
    for number in range(6):
        y = L.Add()([y, L.Dense(4, name=f"blk_{number}_dense")(L.LayerNormalization(name=f"blk_{number}_norm")(y))])
    return Model(x, y)


def outputs() -> Model:
    """Return a model that gives one tensor twice, and its input."""
    x = Input((4,), name="x")
    y = L.Dense(4)(x)
    return Model(x, [y, y, x])


def image() -> Model:
    """Return a model of layers for images."""
    x = Input((16, 16, 3), name="x")
    y = L.Resizing(8, 8)(L.Rescaling(1 / 255.0)(L.RandomFlip("horizontal", seed=1)(x)))
    y = L.DepthwiseConv2D(3, depth_multiplier=2)(L.SeparableConv2D(4, 3)(L.CenterCrop(6, 6)(y)))
    return Model(x, L.GlobalAveragePooling2D(keepdims=True)(y))


def stateful() -> Model:
    """Return a model with a size of its batches."""
    x = Input(batch_shape=(2, 5, 3), name="x")
    return Model(x, L.LSTM(3, stateful=True)(x))


MODELS: dict[str, Make] = {
    make.__name__: make
    for make in (
        *(arithmetic, slices, operations, attention, recurrent, shared, nested, deep, names, mixed, frozen, regular),
        *(preprocessing, sequential, compiled, repeated, outputs, image, stateful),
    )
}
"""The models by their names."""


def of_layers() -> dict[str, Make]:
    """Return a model of each layer of the catalogue."""

    def of_layer(name: str) -> Make:
        def build() -> Model:
            inputs = tensors(CASES[name].inputs, CASES[name].dtype)
            call = {key: tensors(each) for key, each in CASES[name].call.items()}
            outputs = keras.tree.flatten(make(name, CASES[name])(inputs, **call))
            return Model(keras.tree.flatten([inputs, call]), outputs)

        return build

    return {f"layer {name}": of_layer(name) for name in APPLIED if not isinstance(CASES[name].inputs, dict)}


def applications() -> dict[str, Make]:
    """Return two models of `keras.applications`, without weights."""
    return {
        "MobileNet": lambda: keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), alpha=0.25),
        "ResNet50": lambda: keras.applications.ResNet50(weights=None, input_shape=(32, 32, 3), include_top=False),
    }
