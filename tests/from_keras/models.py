"""Models of Keras that use what a spec has to write in a way of its own."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import Input, Model, ops
from keras import layers as L  # noqa: N812

MODELS: dict[str, Callable[[], Model]] = {}


def _model(function: Callable[[], Model]) -> Callable[[], Model]:
    MODELS[function.__name__] = function
    return function


@_model
def arithmetic() -> Model:
    """Operators on tensors and numbers, from both sides."""
    x, y = Input((4, 6), name="x"), Input((4, 6), name="y")
    outputs = [x + 1, 1 - x, 2.5 / (x * x + 1), x**2, -x, abs(x) - y, x @ ops.transpose(y, (0, 2, 1)), x // 2, x % 3]
    outputs += [ops.cast(x > 0, "float32"), ops.where(x > y, x, 0.0), ops.where(x > 0, 1.0, y)]
    return Model([x, y], outputs)


@_model
def slices() -> Model:
    """Indices, ranges, new dimensions and an ellipsis."""
    x = Input((4, 6, 3), name="x")
    outputs = [x[:, 0], x[..., None, 1:3], x[:, ::-1], x[:, 1:-1, -2:], x[:, 0, 1], x[:, None], x[:, 2, ..., 1]]
    return Model(x, outputs)


@_model
def operations() -> Model:
    """Operations with lists of tensors, constants, axes, dtypes, and several results."""
    x, m = Input((4, 6), name="x"), Input((4,), dtype="bool", name="m")
    parts, turned = ops.split(x, 2, axis=1), ops.transpose(x, (0, 2, 1))
    return Model(
        [x, m],
        [
            ops.concatenate([x * 2, ops.relu(x)], axis=-1),
            ops.einsum("bij,bkj->bik", x, x),
            ops.reshape(x, (-1, 24)),
            parts[1] + parts[0],
            ops.mean(x, axis=1, keepdims=True),
            ops.cast(m, "float32"),
            ops.stack([x, x + 1], axis=1),
            x * ops.convert_to_tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            x * np.arange(6),
            ops.take(x, [0, 2], axis=2),
            ops.pad(x, [[0, 0], [1, 1], [0, 0]]),
            ops.softmax(x, axis=1),
            ops.clip(x, 0, 1),
            ops.one_hot(ops.cast(ops.argmax(x, -1), "int32"), 6),
            ops.matmul(x, turned),
            ops.sum(x),
            ops.logical_not(m),
            ops.expand_dims(x, 1),
            ops.repeat(x, 2, axis=1),
            ops.max(x, axis=(1, 2)),
            ops.image.resize(ops.expand_dims(x, -1), (8, 8)),
        ],
    )


@_model
def attention() -> Model:
    """Layers of several operands, by position and by keyword, with a mask that an operation computes."""
    x, m = Input((4, 6), name="x"), Input((4,), dtype="bool", name="m")
    a = L.MultiHeadAttention(2, 3, name="mha")(x, x, attention_mask=m[:, None, :])
    b, c = L.Attention()([x, a]), L.AdditiveAttention()([x, x, a])
    d, scores = L.MultiHeadAttention(2, 3)(query=x, value=a, key=c, return_attention_scores=True)
    return Model({"x": x, "m": m}, {"d": d, "scores": scores, "b": b})


@_model
def recurrent() -> Model:
    """States that go from layer to layer, masks of an `Embedding` and of an operation, cells, both directions."""
    words = Input((5,), dtype="int32", name="words")
    e = L.Embedding(20, 4, mask_zero=True)(words)
    y, h, c = L.LSTM(3, return_state=True, return_sequences=True)(e)
    return Model(
        words,
        [
            L.LSTM(3)(y, initial_state=[h, c]),
            L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="sum")(e),
            L.RNN([L.LSTMCell(2), L.GRUCell(3)])(e),
            L.Bidirectional(L.LSTM(2), backward_layer=L.GRU(2, go_backwards=True))(e),
            L.SimpleRNN(2)(e, mask=ops.greater(words, 1)),
        ],
    )


@_model
def masks() -> Model:
    """A mask of `Masking`, and one that is passed where Keras passes none: beside an initial state."""
    x, words = Input((5, 4), name="x"), Input((5,), dtype="int32", name="words")
    state = L.LSTM(3)(L.Dropout(0.1)(L.LSTM(3, return_sequences=True)(L.Masking(0.5)(x))))
    e = L.Embedding(20, 3, mask_zero=True)(words)
    return Model([x, words], L.GRU(3)(e, initial_state=state, mask=ops.not_equal(words, 0)))


@_model
def shared() -> Model:
    """A layer and a model that are applied several times."""
    a, b = Input((3,), name="a"), Input((3,), name="b")
    dense = L.Dense(4, activation="relu")
    tower = keras.Sequential([Input((4,)), L.Dense(2), L.Dropout(0.5)], name="tower")
    merged = L.Concatenate()([tower(dense(a)), tower(dense(b)), dense(a)])
    return Model([a, b], L.Dense(1, name="out")(merged))


@_model
def nested() -> Model:
    """Models in models: of several outputs, of several inputs, of mappings, and one that a wrapper holds."""
    i = Input((8, 8, 1))
    vision = Model(i, [L.Flatten()(L.Conv2D(2, 3)(i)), L.GlobalMaxPooling2D()(i)], name="vision")
    frame = Model(i, L.Flatten()(L.Conv2D(2, 3)(i)), name="frame")
    left, right = Input((4,), name="l"), Input((4,), name="r")
    join = Model([left, right], L.Add()([left, right]), name="join")
    named = Model({"u": left, "w": right}, {"o": L.Subtract()([left, right]), "s": left * 2}, name="named")
    frames, image = Input((3, 8, 8, 1), name="frames"), Input((8, 8, 1), name="image")
    p, q = vision(image)
    e, f = L.Dense(4)(p), L.Dense(4)(q)
    o = named({"u": e, "w": f})
    return Model([frames, image], [join([e, f]), o["o"], o["s"], L.TimeDistributed(frame)(frames)])


@_model
def unsorted() -> Model:
    """Nested models with mappings of inputs and outputs whose keys are not in the order of the alphabet."""
    left, right = Input((4,), name="left"), Input((4,), name="right")
    inner = Model(
        {"z": left, "c": right},
        {"s": L.Dense(4, name="first")(left), "o": [L.Dense(4, name="second")(right), L.Dense(4, name="third")(left)]},
        name="inner",
    )
    x, y = Input((4,), name="x"), Input((4,), name="y")
    made = inner({"z": x, "c": y})
    again = inner({"c": made["o"][0], "z": made["s"]})
    outputs = {"b": again["o"][1], "a": L.Subtract(name="difference")([made["o"][1], again["s"]]), "c": made["o"][0]}
    return Model({"y": y, "x": x}, outputs)


@_model
def names() -> Model:
    """Names that the language does not allow, or reads as something else."""
    x = Input((3,), name="x.1")
    y = L.Dense(2, name="no")(L.Dense(2, name="1st")(L.Dense(2, name="a b")(x)))
    return Model(x, [L.Dense(2, name="out.1")(y), L.Dense(3, name="true")(y)])


@_model
def mixed_precision() -> Model:
    """A dtype policy, and a layer of another dtype."""
    x = Input((3,), name="x")
    y = L.Dense(4, activation="gelu", dtype="mixed_bfloat16")(x)
    return Model(x, L.Dense(2, dtype="float32")(y))


@_model
def frozen() -> Model:
    """A frozen model, and a frozen layer."""
    i = Input((4,))
    base = Model(i, L.Dense(2)(L.BatchNormalization()(i)), name="base")
    base.trainable = False
    dense = L.Dense(4)
    dense.trainable = False
    x = Input((4,), name="x")
    return Model(x, L.Dense(1)(base(dense(x))))


@_model
def regularized() -> Model:
    """Objects among the arguments of layers, and arguments by axis."""
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
    constant = keras.initializers.Constant(0.5)
    return Model(x, L.Dense(3, activation="softmax", bias_initializer=constant)(L.Flatten()(y)))


@_model
def preprocessing() -> Model:
    """Layers that have adapted to data, or have their vocabulary as an argument."""
    t, i = Input((1,), dtype="string", name="t"), Input((1,), dtype="int64", name="i")
    n = Input((3,), name="n")
    random = np.random.default_rng(0)
    words = L.StringLookup(output_mode="one_hot", name="words")
    words.adapt(list("abcdefghijklmnopqrst"))
    text = L.TextVectorization(output_sequence_length=4, name="text")
    text.adapt(["a b", "c d"])
    weighed = L.TextVectorization(output_mode="tf_idf", name="weighed")
    weighed.adapt(["a b", "c d", "a a"])
    numbers = L.IntegerLookup(output_mode="one_hot")
    numbers.adapt([3, 4, 7])
    masked = L.StringLookup(vocabulary=["a", "b"], num_oov_indices=2, mask_token="")(t)
    scaled = L.Normalization(name="scaled")
    scaled.adapt(random.random((10, 3)))
    bins = L.Discretization(num_bins=4)
    bins.adapt(random.random((100, 1)))
    outputs = [ops.cast(words(t), "float32"), text(t), weighed(t), ops.cast(numbers(i), "float32"), scaled(n), bins(n)]
    return Model([t, n, i], [*outputs, masked, L.Hashing(5)(t), L.CategoryEncoding(6, output_mode="multi_hot")(masked)])


@_model
def sequential() -> Model:
    """A Sequential model, compiled by names."""
    dense = [L.Dense(4, activation="relu"), L.Dense(4, activation="relu")]
    model = keras.Sequential([Input((6,)), *dense, L.Dropout(0.1), L.Dense(2)], name="seq")
    model.compile("adam", "mse", metrics=["mae"])
    return model


@_model
def compiled() -> Model:
    """Losses, weights and metrics by the names of outputs, which are not those of their layers."""
    x = Input((4,), name="x")
    outputs = {"a": L.Dense(1, name="a")(x), "b": L.Dense(3, activation="softmax", name="bb")(x)}
    model = Model(x, outputs)
    model.compile(
        keras.optimizers.Adam(1e-3, clipnorm=1.0),
        loss={"a": "mse", "b": keras.losses.SparseCategoricalCrossentropy()},
        loss_weights={"a": 0.3},
        metrics={"b": ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)]},
    )
    return model


@_model
def deep_chain() -> Model:
    """Twelve equal steps, each added to what it takes."""
    x = Input((4,), name="x")
    y = x
    for k in range(12):
        y = L.Add()([y, L.Dense(4, name=f"blk_{k}_dense")(L.LayerNormalization(name=f"blk_{k}_norm")(y))])
    return Model(x, y)


@_model
def repeated_output() -> Model:
    """An output twice, and an input that is one."""
    x = Input((4,), name="x")
    y = L.Dense(4)(x)
    return Model(x, [y, y, x])


@_model
def einsum_dense() -> Model:
    """A None among the arguments of a layer."""
    x = Input((4, 6), name="x")
    return Model(x, L.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d")(x))


@_model
def reshaped() -> Model:
    """Layers whose first argument is a shape."""
    x = Input((4,), name="x")
    return Model(x, L.Softmax()(L.Reshape((2, 2))(L.Permute((1,))(x))))


@_model
def images() -> Model:
    """Augmentation, scaling, and convolutions of several kinds."""
    x = Input((16, 16, 3), name="x")
    y = L.CenterCrop(6, 6)(L.Resizing(8, 8)(L.Rescaling(1 / 255.0)(L.RandomFlip("horizontal", seed=1)(x))))
    y = L.DepthwiseConv2D(3, depth_multiplier=2)(L.SeparableConv2D(4, 3)(y))
    return Model(x, L.GlobalAveragePooling2D(keepdims=True)(y))


@_model
def fixed_batch() -> Model:
    """A batch of a fixed size, and a layer that keeps its state."""
    x = Input(batch_shape=(2, 5, 3), name="x")
    return Model(x, L.LSTM(3, stateful=True)(x))
