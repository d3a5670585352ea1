"""Write the models of Keras 1 and 2 that the tests read, with what they compute for known inputs.

No older Keras is a dependency. The files in tests/from_keras/data/legacy were written by Keras 1.2.2, Keras 2.1.6 and
tf_keras 2.21.0, all on TensorFlow 2.21, in an environment of graphspec's with `pip install --no-deps tf_keras`:

    pip download keras==1.2.2 --no-deps --no-binary :all: && tar xzf Keras-1.2.2.tar.gz
    pip download keras==2.1.6 --no-deps --no-binary :all: && tar xzf Keras-2.1.6.tar.gz
    python scripts/make_old_models.py keras1 --source Keras-1.2.2
    python scripts/make_old_models.py keras2 --source Keras-2.1.6
    python scripts/make_old_models.py tf_keras

Each model is a whole-model HDF5 file, compressed. Inputs follow from `inputs_of` and the shapes in the file;
`outputs.npz` has the outputs by the name of the file. Weights are drawn anew, so that no bias is 0 and no scale 1.
"""

from __future__ import annotations

import argparse
import collections
import collections.abc
import gzip
import importlib
import inspect
import json
import os
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "tests" / "from_keras" / "data" / "legacy"
OUTPUTS = "outputs.npz"
BATCH = 2


def inputs_of(shapes: list[tuple[int, ...]], dtypes: list[str]) -> list[Any]:
    """Return the inputs of a model by the shapes of one sample: numbers of [0, 1), or indices of [0, 5)."""
    rng = np.random.default_rng(14)
    return [
        rng.random((BATCH, *shape), dtype="float32")
        if dtype.startswith("float")
        else rng.integers(0, 5, (BATCH, *shape))
        for shape, dtype in zip(shapes, dtypes, strict=True)
    ]


def write(name: str, model: Any, outputs: dict[str, Any]) -> None:
    """Write a model with weights of its own, and keep what it computes."""
    rng = np.random.default_rng(sum(name.encode()))
    for layer in leaf_layers(model):
        values = []
        for weight, value in zip(layer.weights, layer.get_weights(), strict=True):
            low = 0.1 if "variance" in weight.name or "running_std" in weight.name else -0.35
            values.append(np.asarray(rng.random(value.shape) * 0.8 + low, dtype=value.dtype))
        layer.set_weights(values)
    tensors = model.inputs
    shapes = [tuple(tensor.shape)[1:] for tensor in tensors]
    found = model.predict(inputs_of(shapes, [str(getattr(tensor.dtype, "name", tensor.dtype)) for tensor in tensors]))
    for number, output in enumerate(found if isinstance(found, list) else [found]):
        outputs[f"{name}/{number}"] = np.asarray(output)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.{'keras' if name.endswith('_archive') else 'h5'}"
        model.save(str(path))
        if name == "tf_keras_cudnn":
            importlib.import_module("cudnn_file").as_cudnn(path)
        (DATA / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def leaf_layers(model: Any) -> list[Any]:
    """Return the layers of a model and of the models in it."""
    inner = [(layer, getattr(layer, "layers", None)) for layer in model.layers]
    return [each for layer, layers in inner for each in (leaf_layers(layer) if layers else [layer])]


def keep(outputs: dict[str, Any], prefix: str) -> None:
    """Write outputs beside those of the other Keras."""
    path = DATA / OUTPUTS
    others = dict(np.load(path)) if path.exists() else {}
    np.savez_compressed(path, **{key: value for key, value in others.items() if not key.startswith(prefix)}, **outputs)


# Keras 1


def import_older(source: str) -> Any:
    """Import Keras 1 or 2 from its source, on the interface that TensorFlow 2 keeps of TensorFlow 1."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import packaging.version
    import tensorflow
    from tensorflow.python.ops import control_flow_ops

    tensorflow.compat.v1.disable_v2_behavior()
    control_flow_ops.while_loop = tensorflow.compat.v1.while_loop  # where older Keras looks for it
    for name in [name for name in sys.modules if name.partition(".")[0] == "keras"]:
        del sys.modules[name]
    sys.modules["tensorflow"] = tensorflow.compat.v1
    resources = types.ModuleType("pkg_resources")
    resources.parse_version = packaging.version.parse  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = resources
    collections.Iterable = collections.abc.Iterable  # type: ignore[attr-defined]
    inspect.getargspec = _getargspec  # type: ignore[attr-defined]
    sys.path.insert(0, source)
    return importlib.import_module("keras")


_ArgSpec = collections.namedtuple("_ArgSpec", "args varargs keywords defaults")


def _getargspec(function: Any) -> Any:
    spec = inspect.getfullargspec(function)
    return _ArgSpec(*spec[:4])


def models_of_keras_1() -> dict[str, Callable[[], Any]]:
    keras = sys.modules["keras"]
    layers, sequential, functional = keras.layers, keras.models.Sequential, keras.models.Model
    tensor = layers.Input

    def dense() -> Any:
        parts = [
            layers.Dense(
                5, input_dim=4, init="glorot_normal", activation="hard_sigmoid", W_regularizer="l2", bias=False
            ),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            layers.MaxoutDense(3, nb_feature=4),
            layers.LeakyReLU(0.2),
            layers.Dense(2, init="orthogonal", b_constraint="maxnorm", activity_regularizer="activity_l2"),
            layers.Activation("softmax"),
        ]
        model = sequential(parts)
        model.compile(keras.optimizers.SGD(lr=0.1, decay=0.01, momentum=0.9, nesterov=True), "categorical_crossentropy")
        return model

    def convolutions() -> Any:
        x = tensor((12, 12, 2), name="image")
        y = layers.Convolution2D(4, 3, 2, subsample=(2, 1), border_mode="same", init="he_normal", name="first")(x)
        y = layers.ZeroPadding2D((1, 2))(y)
        y = layers.AtrousConvolution2D(3, 2, 2, atrous_rate=(2, 2), activation="relu", name="atrous")(y)
        y = layers.SeparableConvolution2D(4, 2, 2, depth_multiplier=2, name="separable")(y)
        y = layers.MaxPooling2D((2, 2), border_mode="same")(y)
        y = layers.UpSampling2D((2, 1))(y)
        z = layers.merge([y, layers.Activation("tanh")(y)], mode="mul", name="product")
        z = layers.merge([z, y], mode="concat", concat_axis=-1, name="both")
        z = layers.Cropping2D(((1, 0), (0, 1)))(z)
        return functional(x, [layers.GlobalAveragePooling2D(name="average")(z), layers.Flatten(name="flat")(z)])

    def sequences() -> Any:
        model = sequential(
            [
                layers.Embedding(6, 4, input_length=7, init="uniform", name="words"),
                layers.SpatialDropout1D(0.1),
                layers.Convolution1D(5, 3, border_mode="valid", subsample_length=1, name="conv"),
                layers.MaxPooling1D(pool_length=2, stride=1),
                layers.LSTM(3, return_sequences=True, inner_activation="hard_sigmoid", consume_less="cpu", name="cpu"),
                layers.GRU(3, return_sequences=True, consume_less="mem", name="mem"),
                layers.LSTM(3, return_sequences=True, inner_activation="sigmoid", consume_less="gpu", name="gpu"),
                layers.Bidirectional(
                    layers.LSTM(2, return_sequences=True, dropout_W=0.1, dropout_U=0.2), merge_mode="concat"
                ),
                layers.TimeDistributed(layers.Dense(4, activation="hard_sigmoid"), name="each"),
                layers.TimeDistributedDense(3, name="each_too"),
                layers.SimpleRNN(3, name="simple"),
            ]
        )
        model.compile("rmsprop", {"simple": "mse"}, metrics=["accuracy"])
        return model

    def branches() -> Any:
        left = sequential([layers.Dense(4, input_dim=3, name="a")], name="left")
        right = sequential([layers.Dense(4, input_dim=5, name="b"), layers.Activation("relu", name="c")], name="right")
        return sequential(
            [layers.Merge([left, right], mode="cos", name="merged"), layers.Flatten(), layers.Dense(2, name="last")]
        )

    def nested() -> Any:
        u = tensor((4,), name="u")
        inner = functional(u, layers.BatchNormalization(name="norm")(layers.Dense(4, name="within")(u)), name="inner")
        chain = sequential([layers.Dense(4, input_dim=4, name="one"), layers.PReLU(name="two")], name="chain")
        x = tensor((4,), name="x")
        shared = layers.Dense(4, name="shared")
        y = inner(shared(inner(x)))
        z = chain(shared(y))
        return functional(
            x,
            [
                layers.merge([y, z], mode="dot", dot_axes=1, name="dotted"),
                layers.merge([y, z, x], mode="ave", name="mean"),
            ],
        )

    def time_images() -> Any:
        return sequential(
            [
                layers.ConvLSTM2D(
                    3, 2, 2, input_shape=(3, 5, 5, 2), border_mode="same", return_sequences=True, name="first"
                ),
                layers.ConvLSTM2D(2, 2, 2, inner_activation="sigmoid", name="second"),
                layers.Deconvolution2D(3, 2, 2, output_shape=(None, 8, 8, 3), subsample=(2, 2), name="larger"),
            ]
        )

    def volumes() -> Any:
        return sequential(
            [
                layers.Convolution3D(3, 2, 2, 2, input_shape=(5, 5, 5, 2), name="conv"),
                layers.AveragePooling3D(),
                layers.ThresholdedReLU(theta=0.2),
                layers.Permute((2, 1, 3, 4)),
                layers.Reshape((-1, 3)),
            ]
        )

    return {each.__name__: each for each in (dense, convolutions, sequences, branches, nested, time_images, volumes)}


# Keras 2


def models_of_keras_2() -> dict[str, Callable[[], Any]]:
    keras = sys.modules["keras"]
    layers, sequential, functional = keras.layers, keras.models.Sequential, keras.models.Model
    tensor = layers.Input

    def dense() -> Any:
        parts = [
            layers.Embedding(5, 4, input_length=6, embeddings_initializer="he_normal", name="words"),
            layers.Conv1D(4, 2, kernel_regularizer="l2", name="conv"),
            *(layers.LeakyReLU(0.2), layers.ELU(0.3), layers.PReLU(), layers.ThresholdedReLU(0.1)),
            layers.LSTM(3, return_sequences=True, name="lstm"),
            layers.GRU(3, return_sequences=True, recurrent_activation="sigmoid", name="gru"),
            layers.Bidirectional(layers.LSTM(2)),
            layers.Dense(2, activation="hard_sigmoid", bias_constraint=keras.constraints.MaxNorm(2.0), name="last"),
        ]
        model = sequential(parts)
        model.compile(keras.optimizers.Nadam(lr=0.01), "logcosh", metrics=["acc"], loss_weights=[0.5])
        return model

    def nested() -> Any:
        x = tensor((4,), name="x")
        chain = sequential(
            [layers.Dense(4, input_shape=(4,), name="one"), layers.BatchNormalization(name="two")], name="chain"
        )
        inner = functional(x, chain(chain(x)), name="inner")
        y = tensor((4,), name="y")
        other = layers.Dense(4, activation="selu", name="other")
        z = layers.concatenate([inner(other(y)), other(inner(y))], name="both")
        return functional([y], [z, layers.multiply([other(z_) for z_ in (y, inner(y))], name="product")], name="outer")

    return {each.__name__: each for each in (dense, nested)}


# tf_keras


def models_of_tf_keras() -> dict[str, Callable[[], Any]]:
    import tensorflow as tf

    keras = importlib.import_module("tf_keras")
    layers, sequential, functional, tensor = keras.layers, keras.Sequential, keras.Model, keras.Input

    def dense() -> Any:
        x = tensor((6,), name="x")
        y = layers.Dense(5, activation="hard_sigmoid", kernel_regularizer=keras.regularizers.l1_l2(0.1, 0.2), name="a")(
            x
        )
        y = layers.LeakyReLU(alpha=0.2)(layers.BatchNormalization(name="norm")(y))
        y = layers.ThresholdedReLU(theta=0.1)(layers.LayerNormalization(name="layer_norm")(y))
        ends = [
            layers.Dense(2, activation="hard_sigmoid", name="hard")(y),
            layers.Dense(3, activation="softmax", name="soft")(y),
        ]
        model = functional(x, ends, name="dense")
        model.compile(
            keras.optimizers.legacy.Adam(learning_rate=0.01, decay=0.1),
            loss={"hard": keras.losses.BinaryCrossentropy(label_smoothing=0.1), "soft": "kullback_leibler_divergence"},
            loss_weights={"hard": 0.5, "soft": 1.0},
            metrics={"hard": [keras.metrics.AUC(name="area")], "soft": "accuracy"},
        )
        model.fit(np.zeros((2, 6)), [np.zeros((2, 2)), np.ones((2, 3)) / 3], verbose=0)
        return model

    def recurrent() -> Any:
        x, h, c = tensor((6, 4), name="x"), tensor((3,), name="h"), tensor((3,), name="c")
        y = layers.LSTM(3, recurrent_activation="hard_sigmoid", return_sequences=True, name="hard")(
            x, initial_state=[h, c]
        )
        y = layers.GRU(3, reset_after=False, return_sequences=True, name="before")(y)
        y = layers.GRU(3, recurrent_activation="hard_sigmoid", return_sequences=True, name="after")(y)
        y = layers.Bidirectional(layers.LSTM(2, return_sequences=True), merge_mode="ave", name="both")(y)
        y = layers.RNN(
            [layers.LSTMCell(3, recurrent_activation="hard_sigmoid"), layers.GRUCell(2)],
            return_sequences=True,
            name="cells",
        )(y)
        z = layers.Attention(use_scale=True, name="attention")([y, y])
        z = layers.MultiHeadAttention(2, 3, name="heads")(z, y, use_causal_mask=True)
        return functional([x, h, c], layers.TimeDistributed(layers.Dense(2, activation="hard_sigmoid"), name="each")(z))

    def functions() -> Any:
        x = tensor((4,), name="x")
        y = tf.concat([x[:, 1:], tf.expand_dims(tf.reduce_mean(x * 2 - 1, axis=1), -1)], axis=-1)
        y = tf.nn.relu(1 - y) + tf.math.squared_difference(y, x) / 3
        y = tf.where(y > 0.5, y, tf.math.l2_normalize(y, axis=1))
        left, right = tf.split(y, 2, axis=1)
        y = tf.matmul(tf.stack([left, right], axis=1), tf.reshape(x, [-1, 2, 2]), transpose_b=True)
        return functional(
            x, [y, tf.argmax(x, axis=1), layers.Dense(2, name="last")(tf.pad(x, [[0, 0], [1, 0]]))], name="functions"
        )

    def nested() -> Any:
        u = tensor((4,), name="u")
        y = layers.Dense(4, name="fixed", trainable=False)(u)
        y = layers.BatchNormalization(name="norm")(y)
        inner = functional(u, [layers.Dense(4, name="within")(y), layers.Dense(2, name="other")(y)], name="inner")
        chain = sequential(
            [layers.Dense(4, input_shape=(4,), name="one"), layers.BatchNormalization(name="two")], name="chain"
        )
        x = tensor((4,), name="x")
        first, _ = inner(x)
        second, other = inner(chain(first))
        return functional({"x": x}, [layers.Add(name="sum")([first, second]), other, chain(second)], name="outer")

    def images() -> Any:
        return sequential(
            [
                layers.Rescaling(2.0, -1, input_shape=(9, 8, 3)),
                layers.Conv2D(4, 3, strides=2, padding="same", name="block/conv"),
                layers.BatchNormalization(axis=-1, name="block/norm"),
                layers.DepthwiseConv2D(2, depth_multiplier=2, name="depthwise"),
                layers.SeparableConv2D(3, 2, padding="same", name="separable"),
                layers.Conv2DTranspose(2, 3, strides=2, name="larger"),
                layers.UpSampling2D(2, interpolation="bilinear"),
                layers.GlobalMaxPooling2D(),
            ],
            name="images",
        )

    def lambdas() -> Any:
        x = tensor((6, 4), name="x")
        y = layers.Lambda(lambda value: value + 1, name="code")(x)
        y = layers.LocallyConnected1D(2, 2, name="local")(y)
        return functional(x, layers.LSTM(3, time_major=True, name="time")(y))

    def cudnn() -> Any:
        parts = [
            layers.LSTM(3, return_sequences=True, input_shape=(5, 4), name="lstm"),
            layers.Bidirectional(layers.GRU(3, return_sequences=True), name="both"),
            layers.GRU(2, name="gru"),
        ]
        return sequential(parts, name="cudnn")  # `as_cudnn` writes the file as the layers of cuDNN would

    def archive() -> Any:
        u = tensor((4,), name="u")
        inner = functional(u, layers.BatchNormalization(name="norm")(layers.Dense(4, name="within")(u)), name="inner")
        x = tensor((6, 4), name="x")
        y = layers.Bidirectional(
            layers.LSTM(2, recurrent_activation="hard_sigmoid", return_sequences=True), name="both"
        )(x)
        y = layers.RNN([layers.LSTMCell(4), layers.LSTMCell(4)], return_sequences=True, name="cells")(y)
        y = layers.MultiHeadAttention(2, 2, name="heads")(y, y)
        y = layers.GRU(4, name="gru")(layers.TimeDistributed(layers.Dense(4), name="each")(y))
        model = functional(x, layers.Dense(1, activation="hard_sigmoid", name="last")(inner(y)), name="archive")
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse", metrics=["mae"])
        return model  # which is written as a `.keras` file

    return {each.__name__: each for each in (dense, recurrent, functions, nested, images, lambdas, cudnn, archive)}


APPLICATIONS = ("MobileNetV3Small", "DenseNet121")


def write_applications() -> None:
    """Write configurations of applications, compressed, with the number of their parameters."""
    keras = importlib.import_module("tf_keras")

    for name in APPLICATIONS:
        model = getattr(keras.applications, name)(weights=None)
        document = {**json.loads(model.to_json()), "parameters": model.count_params()}
        (DATA / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(document).encode(), mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("keras", choices=["keras1", "keras2", "tf_keras"])
    parser.add_argument("--source", help="the folder of the source of Keras 1 or 2")
    arguments = parser.parse_args()
    DATA.mkdir(parents=True, exist_ok=True)
    outputs: dict[str, Any] = {}
    if arguments.source:
        import_older(arguments.source)
    makers = {"keras1": models_of_keras_1, "keras2": models_of_keras_2, "tf_keras": models_of_tf_keras}
    for name, model in makers[arguments.keras]().items():
        write(f"{arguments.keras}_{name}", model(), outputs)
    keep(outputs, f"{arguments.keras}_")
    if arguments.keras == "tf_keras":
        write_applications()


if __name__ == "__main__":
    main()
