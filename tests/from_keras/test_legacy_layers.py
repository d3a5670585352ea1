"""Names and values of Keras 1 and 2, one by one: translated where the meaning is the same, else found."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

from graphspec import catalog
from graphspec.from_keras.legacy.names import LAYERS, MERGE_MODES, NOT_IN_CONFIGURATIONS, REFUSED_LAYERS
from graphspec.from_keras.legacy.objects import KERAS_1_INITIALIZERS
from graphspec.from_keras.legacy.weights import Converter, WeightsError

from .legacy_models import layer, layers, upgraded

ERA_1 = "1.2.2"


def only(document: dict[str, Any], codes: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the last layer of an upgraded `Sequential`, after the diagnostics `codes`."""
    model, report = upgraded(document)
    assert [each.rule.code for each in report] == list(codes), str(report)
    assert model is not None
    last: dict[str, Any] = model["config"]["layers"][-1]
    return last


@pytest.mark.parametrize(
    ("written", "version", "class_name", "expected"),
    [
        (layer("Dense", output_dim=3, init="uniform", bias=True), ERA_1, "Dense", {"units": 3, "use_bias": True}),
        (layer("Dropout", p=0.3), ERA_1, "Dropout", {"rate": 0.3}),
        (layer("GaussianNoise", sigma=0.3), ERA_1, "GaussianNoise", {"stddev": 0.3}),
        (layer("TimeDistributedDense", output_dim=3), ERA_1, "Dense", {"units": 3}),
        (layer("RepeatVector", n=3), ERA_1, "RepeatVector", {"n": 3}),
        (layer("UpSampling1D", length=3), ERA_1, "UpSampling1D", {"size": 3}),
        (
            layer("Embedding", input_dim=5, output_dim=3, input_length=4, dropout=0.0),
            ERA_1,
            "Embedding",
            {"input_dim": 5, "output_dim": 3},
        ),
        (
            layer(
                "Convolution2D",
                nb_filter=3,
                nb_row=1,
                nb_col=2,
                subsample=[2, 1],
                border_mode="same",
                dim_ordering="th",
            ),
            ERA_1,
            "Conv2D",
            {
                "filters": 3,
                "kernel_size": [1, 2],
                "strides": [2, 1],
                "padding": "same",
                "data_format": "channels_first",
            },
        ),
        (
            layer("AtrousConvolution1D", nb_filter=3, filter_length=2, atrous_rate=2, subsample_length=1),
            ERA_1,
            "Conv1D",
            {"filters": 3, "kernel_size": 2, "dilation_rate": 2, "strides": 1},
        ),
        (layer("MaxPooling1D", pool_length=2, stride=1), ERA_1, "MaxPooling1D", {"pool_size": 2, "strides": 1}),
        (layer("ZeroPadding2D", padding=[1, 2, 3, 4]), ERA_1, "ZeroPadding2D", {"padding": [[1, 2], [3, 4]]}),
        (layer("ZeroPadding1D", padding={"left_pad": 1, "right_pad": 2}), ERA_1, "ZeroPadding1D", {"padding": [1, 2]}),
        (
            layer(
                "LSTM", output_dim=3, inner_activation="sigmoid", forget_bias_init="zero", dropout_W=0.1, dropout_U=0.2
            ),
            ERA_1,
            "LSTM",
            {"recurrent_activation": "sigmoid", "unit_forget_bias": False, "dropout": 0.1, "recurrent_dropout": 0.2},
        ),
        (layer("GRU", units=3, recurrent_activation="sigmoid"), "2.1.6", "GRU", {"reset_after": False}),
        (layer("CuDNNGRU", units=3), "2.2.4", "GRU", {"reset_after": True, "recurrent_activation": "sigmoid"}),
        (layer("CuDNNLSTM", units=3), "2.2.4", "LSTM", {"activation": "tanh", "recurrent_activation": "sigmoid"}),
        (layer("LeakyReLU", alpha=0.30000001192092896), "2.9.0", "LeakyReLU", {"negative_slope": 0.3}),
        (layer("LeakyReLU", alpha={"type": "ndarray", "value": 0.5}), "2.0.8", "LeakyReLU", {"negative_slope": 0.5}),
        (layer("ELU", alpha=0.5), "2.9.0", "ELU", {"alpha": 0.5}),
        (layer("ThresholdedReLU", theta=0.5), "2.9.0", "ReLU", {"threshold": 0.5}),
        (layer("BatchNormalization", axis=[1], fused=True, renorm=False), "2.3.0", "BatchNormalization", {"axis": 1}),
        (
            layer("BatchNormalizationV1", axis=-1, virtual_batch_size=None),
            "2.2.4-tf",
            "BatchNormalization",
            {"axis": -1},
        ),
        (layer("SyncBatchNormalization", axis=-1), "2.9.0", "BatchNormalization", {"synchronized": True}),
        (layer("DepthwiseConv2D", kernel_size=[2, 2], groups=1, filters=None), "2.9.0", "DepthwiseConv2D", {}),
        (
            layer("CategoryEncoding", max_tokens=3, output_mode="binary"),
            "2.4.0",
            "CategoryEncoding",
            {"num_tokens": 3, "output_mode": "multi_hot"},
        ),
        (layer("Discretization", bins=[0.5]), "2.4.0", "Discretization", {"bin_boundaries": [0.5]}),
        (
            layer("Activation", activation={"class_name": "function", "config": "relu6"}),
            "2.9.0",
            "Activation",
            {"activation": "relu6"},
        ),
        (layer("Activation", activation="swish"), "2.9.0", "Activation", {"activation": "silu"}),
        (
            layer("Dense", units=3, dtype={"class_name": "Policy", "config": {"name": "mixed_float16"}}),
            "2.4.0",
            "Dense",
            {"dtype": "mixed_float16"},
        ),
        (
            layer("Bidirectional", layer=layer("LSTM", units=3, recurrent_activation="sigmoid"), merge_mode="sum"),
            "2.9.0",
            "Bidirectional",
            {"merge_mode": "sum"},
        ),
    ],
    ids=lambda each: each["class_name"] if isinstance(each, dict) and "class_name" in each else None,
)
def test_layer_is_translated(written: dict[str, Any], version: str, class_name: str, expected: dict[str, Any]) -> None:
    """A layer by an older name, with older arguments, has the names of Keras 3 and arguments that it takes."""
    found = only(layers(written, shape=[None, 4, 4], version=version))
    assert found["class_name"] == class_name
    assert found["module"] == "keras.layers"
    assert {key: found["config"].get(key) for key in expected} == expected
    entry = catalog.find("layers", class_name)
    assert entry is not None
    assert set(found["config"]) <= set(entry.arguments)


def test_new_names_are_of_keras() -> None:
    """Every layer that another name stands for is one of Keras 3."""
    assert all(catalog.find("layers", name) is not None for name in LAYERS.values())


@pytest.mark.parametrize("name", sorted(REFUSED_LAYERS))
def test_layer_without_equivalent_is_found(name: str) -> None:
    """A layer that Keras 3 does not have is a diagnostic, which says what replaced it."""
    assert catalog.find("layers", name) is None
    model, report = upgraded(layers(layer(name), shape=[None, 4, 4]))
    (found,) = report
    assert (found.rule.code, found.help) == ("GS711", REFUSED_LAYERS[name])
    assert found.message == f"layer `{name.lower()}`: `{name}` is not in Keras 3 (at `config.layers[1]`)"
    assert model is None


@pytest.mark.parametrize(
    ("written", "place"),
    [
        (layer("LSTM", units=3, time_major=True), "time_major"),
        (layer("LSTM", units=3, activation="hard_sigmoid"), "activation"),
        (layer("Conv1D", nb_filter=3, filter_length=2, border_mode="full"), "border_mode"),
        (layer("BatchNormalization", mode=1), "mode"),
        (layer("BatchNormalization", virtual_batch_size=4), "virtual_batch_size"),
        (layer("Embedding", input_dim=3, output_dim=2, dropout=0.2), "dropout"),
        (layer("Dense", units=3, activation="my_activation"), "activation"),
        (layer("Dense", units=3, activation=layer("LeakyReLU", alpha=0.1)), "activation"),
        (layer("Dense", units=3, kernel_initializer={"class_name": "Mine", "config": {}}), "kernel_initializer"),
        (layer("Dense", units=3, W_regularizer={"name": "EigenvalueRegularizer", "k": 0.1}), "W_regularizer"),
        (
            layer("Dense", units=3, kernel_constraint={"class_name": "RadialConstraint", "config": {}}),
            "kernel_constraint",
        ),
        (layer("Dense", units=3, nb_epoch=3), "nb_epoch"),
        (layer("Dense", units=3, groups=2), "groups"),
        (layer("StringLookup", vocabulary=None, vocabulary_size=7), "vocabulary"),
        (layer("MaxoutDense", output_dim=3, nb_feature=2, W_constraint={"name": "MaxNorm", "m": 2}), "W_constraint"),
        (layer("RNN", cell=layer("LSTMCell", units=3, activation="hard_sigmoid")), "cell.config.activation"),
        (
            layer("Bidirectional", layer=layer("SimpleRNN", units=3, activation="hard_sigmoid")),
            "layer.config.activation",
        ),
    ],
)
def test_argument_without_equivalent_is_found(written: dict[str, Any], place: str) -> None:
    """An argument, or a value, that Keras 3 has not is a diagnostic at its path with the name of the layer."""
    model, report = upgraded(layers(written, shape=[None, 4, 4], version=ERA_1 if "W_" in place else "2.9.0"))
    errors = report.errors
    assert [each.rule.code for each in errors] == ["GS712"]
    assert errors[0].message.endswith(f"(at `config.layers[1].config.{place}`)")
    assert errors[0].message.startswith(f"layer `{written['class_name'].lower()}`: ")
    assert model is None


@pytest.mark.parametrize(
    ("before", "axis", "expected"),
    [
        ([], 2, -1),
        ([layer("Flatten")], 1, -1),
        ([layer("Conv1D", filters=3, kernel_size=2), layer("Activation", activation="relu")], 2, -1),
        ([layer("Reshape", target_shape=[2, 2, 4])], 3, -1),
        ([layer("GlobalMaxPooling1D", keepdims=True)], 2, -1),
        ([layer("LSTM", units=3, recurrent_activation="sigmoid")], 1, 1),
        ([], 1, 1),
    ],
)
def test_last_axis_is_the_default(before: list[dict[str, Any]], axis: int, expected: int) -> None:
    """The last axis of a normalization, which Keras 2 counts from the first, is -1 where that is sure."""
    found = only(layers(*before, layer("BatchNormalization", axis=[axis]), shape=[None, 4, 4]))
    assert found["config"]["axis"] == expected


def test_missing_argument_is_found() -> None:
    """A layer without an argument that it needs is a diagnostic."""
    _, report = upgraded(layers(layer("Dense"), shape=[None, 4]))
    assert [each.rule.code for each in report] == ["GS712"]
    assert "lacks its argument `units`" in next(iter(report)).message


@pytest.mark.parametrize("name", sorted(NOT_IN_CONFIGURATIONS))
def test_arguments_of_fit_are_explained(name: str) -> None:
    """An argument of `fit` of Keras 1 is no part of a model, and the help says where a spec has it."""
    document = {**layers(layer("Dense", units=1), shape=[None, 4]), name: 3}
    _, report = upgraded(document)
    assert [NOT_IN_CONFIGURATIONS[name] in each.message for each in report] == [True]


@pytest.mark.parametrize("shape", [(200, 300), (3, 3, 40, 50)])
@pytest.mark.parametrize("name", sorted(KERAS_1_INITIALIZERS))
def test_initial_weights_of_keras_1_have_the_same_scale(name: str, shape: tuple[int, ...]) -> None:
    """An initializer of Keras 1 is drawn from the same distribution: its standard deviation is that of Keras 1."""
    if name == "identity" and len(shape) > 2:
        pytest.skip("a matrix only")
    fan_in, fan_out = (math.prod(shape[:-2]) * each for each in shape[-2:])
    scales = {
        "uniform": 0.1 / math.sqrt(12),
        "normal": 0.05,
        "glorot_normal": math.sqrt(2 / (fan_in + fan_out)),
        "he_normal": math.sqrt(2 / fan_in),
        "zero": 0.0,
        "one": 0.0,
    }
    found = only(layers(layer("Dense", output_dim=3, init=name), shape=[None, 4], version=ERA_1))
    initializer = keras.initializers.deserialize(found["config"]["kernel_initializer"])
    keras.utils.set_random_seed(0)
    values = np.asarray(initializer((20, 20) if name == "identity" else shape))
    if name in scales:
        assert values.std() == pytest.approx(scales[name], rel=0.05, abs=1e-9)
    elif name == "identity":
        np.testing.assert_array_equal(values, np.eye(20))
    else:
        flat = values.reshape(-1, values.shape[-1])
        product = flat.T @ flat if flat.shape[0] > flat.shape[1] else flat @ flat.T
        np.testing.assert_allclose(product, 1.1**2 * np.eye(len(product)), atol=1e-5)


@pytest.mark.parametrize("mode", ["sum", "mul", "ave", "max", "concat", "dot", "cos"])
def test_merge_modes_of_keras_1(mode: str) -> None:
    """A `Merge` of Keras 1 computes what its mode says."""
    a, b = np.random.default_rng(0).random((2, 3, 4), dtype="float32")
    model, report = upgraded(merge_document({"mode": mode, "dot_axes": 1}))
    assert model is not None, str(report)
    got = np.asarray(keras.saving.deserialize_keras_object(model)([a, b]))
    dot = (a * b).sum(1, keepdims=True)
    expected = {
        "sum": a + b,
        "mul": a * b,
        "ave": (a + b) / 2,
        "max": np.maximum(a, b),
        "concat": np.concatenate([a, b], 1),
        "dot": dot,
        "cos": (dot[:, 0] / np.sqrt((a * a).sum(1) * (b * b).sum(1)))[:, None, None],
    }
    assert set(expected) == set(MERGE_MODES)
    np.testing.assert_allclose(got, expected[mode], rtol=1e-6)


@pytest.mark.parametrize("config", [{"mode": "join"}, {"mode": "gQAAAA==", "mode_type": "lambda"}, {"mode": 3}])
def test_merge_without_equivalent_is_found(config: dict[str, Any]) -> None:
    """A `Merge` by a function, or of a mode that is none, is a diagnostic at its mode."""
    model, report = upgraded(merge_document(config))
    (found,) = report
    assert found.rule.code == "GS711"
    assert found.message.endswith("(at `config.layers[2].config.mode`)")
    assert found.help
    assert model is None


def merge_document(config: dict[str, Any]) -> dict[str, Any]:
    """Return a model of a `Merge` of two inputs, as Keras 1 writes it."""
    inputs: list[dict[str, Any]] = [
        {
            "class_name": "InputLayer",
            "name": name,
            "config": {"batch_input_shape": [None, 4], "input_dtype": "float32", "sparse": False, "name": name},
            "inbound_nodes": [],
        }
        for name in ("a", "b")
    ]
    merge = {
        "class_name": "Merge",
        "name": "m",
        "config": {"name": "m", "mode_type": "raw", "concat_axis": -1, "dot_axes": -1, "output_shape": None, **config},
        "inbound_nodes": [[["a", 0, 0], ["b", 0, 0]]],
    }
    body = {"name": "model_1", "layers": [*inputs, merge], "input_layers": [["a", 0, 0], ["b", 0, 0]],
            "output_layers": [["m", 0, 0]]}  # fmt: skip
    return {"class_name": "Model", "config": body, "keras_version": ERA_1}


def test_hard_sigmoid_is_that_of_older_keras() -> None:
    """`hard_sigmoid` has the slope of 1/5, behind a layer, within a wrapper and alone, and passes masks on."""
    x = np.linspace(-4, 4, 12, dtype="float32").reshape(1, 3, 4)
    for written in (
        layer("Activation", activation="hard_sigmoid"),
        layer("TimeDistributed", layer=layer("Activation", activation="hard_sigmoid")),
    ):
        model, report = upgraded(layers(layer("Masking", mask_value=0.0), written, shape=[None, 3, 4]))
        assert model is not None, str(report)
        built = keras.saving.deserialize_keras_object(model)
        np.testing.assert_array_equal(built(x), np.clip(np.float32(0.2) * x + np.float32(0.5), 0, 1))
        assert keras.src.backend.get_keras_mask(built(np.zeros((1, 3, 4)))) is not None


@pytest.mark.parametrize("data_format", ["tf", "th"])
@pytest.mark.parametrize("backend", ["tensorflow", "theano"])
def test_kernels_of_keras_1(backend: str, data_format: str) -> None:
    """Kernels of Theano are turned around, and those with channels first have the axes of Keras 3."""
    kernel = np.random.default_rng(0).random((3, 2, 4, 5), dtype="float32")  # rows, columns, channels, filters
    written = kernel[::-1, ::-1] if backend == "theano" else kernel
    written = written.transpose(3, 2, 0, 1) if data_format == "th" else written
    convolution = layer("Convolution2D", nb_filter=5, nb_row=3, nb_col=2, dim_ordering=data_format)
    found = Converter(1, backend).by_layer(convolution, [written, np.zeros(5)], "conv")
    np.testing.assert_array_equal(found["conv"][0], kernel)


@pytest.mark.parametrize(
    "class_name", ["CuDNNLSTM", "CuDNNGRU", "Convolution2D", "Convolution1D", "MaxoutDense", "LSTM"]
)
def test_weights_of_other_shapes_are_refused(class_name: str) -> None:
    """Weights whose shapes are not those of their layer are arrays or an error that says so, whatever they are."""
    written = layer(class_name, inner_activation="hard_sigmoid", dim_ordering="th")
    messages = set()
    for shape in ((), (0,), (1,), (2, 3), (1, 2, 3, 4, 5)):
        for count in (1, 3, 9, 12):
            try:
                found = Converter(1, "theano").by_layer(written, [np.zeros(shape)] * count, "x")
            except WeightsError as error:
                messages.add(str(error))
            else:
                assert all(isinstance(each, np.ndarray) for arrays in found.values() for each in arrays)
    assert messages <= {f"their shapes are not those of a `{class_name}`"}
