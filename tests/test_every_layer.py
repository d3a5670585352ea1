"""Every layer of Keras in a spec, against the same layer written by hand: its class, its configuration, its shapes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphspec
from graphspec import catalog
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED
from graphspec.lower.merges import MERGES

Write = Callable[..., Path]
Shape = tuple[int | None, ...]

VECTOR: Shape = (6,)
STEPS: Shape = (8, 6)
IMAGE: Shape = (8, 8, 3)
VOLUME: Shape = (8, 8, 8, 3)
FILM: Shape = (4, 8, 8, 3)


@dataclass
class Case:
    """A layer in use: what the spec writes after its name, and what comes in.

    inputs: the shape of one input, a list of shapes, or shapes by keyword. dtype: of all inputs, or of each. call:
    further call arguments, nested lists of shapes. by_hand: makes the layer, where its arguments are not plain data.
    """

    written: Any = None
    inputs: Any = STEPS
    dtype: Any = "float32"
    call: dict[str, Any] = field(default_factory=dict)
    by_hand: Callable[[Any], Any] | None = None


def images(written: Any = None) -> Case:
    return Case(written, IMAGE)


def convolutions(suffix: str) -> dict[str, Case]:
    """The convolutions of one, two and three dimensions, whose names end in `suffix`."""
    arguments = {"filters": 4, "kernel_size": 3, "padding": "same", "kernel_regularizer": None}
    return {
        f"{stem}{dimensions}D{suffix}": Case(arguments, shape)
        for stem in ("Conv", "Convolution")
        for dimensions, shape in ((1, STEPS), (2, IMAGE), (3, VOLUME))
    }


def each_dimension(stem: str, written: Any) -> dict[str, Case]:
    return {f"{stem}{i}D": Case(written, shape) for i, shape in ((1, STEPS), (2, IMAGE), (3, VOLUME))}


CASES: dict[str, Case] = {
    "Activation": Case("relu"),
    "ActivityRegularization": Case({"l2": 0.01}),
    **each_dimension("AdaptiveAveragePooling", 2),
    **each_dimension("AdaptiveMaxPooling", 2),
    **{
        name: Case(None, [STEPS, STEPS]) for name in ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply")
    },
    "Subtract": Case(None, [STEPS, STEPS]),
    "Dot": Case({"axes": -1, "normalize": True}, [STEPS, STEPS]),
    "AdditiveAttention": Case({"dropout": 0.1}, [STEPS, STEPS]),
    "Attention": Case({"use_scale": True, "score_mode": "concat"}, [STEPS, STEPS, STEPS]),
    "MultiHeadAttention": Case({"num_heads": 2, "key_dim": 3}, {"query": STEPS, "value": STEPS}),
    "GroupQueryAttention": Case(
        {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}, {"query": STEPS, "value": STEPS, "key": STEPS}
    ),
    "AlphaDropout": Case({"rate": 0.1, "seed": 1}),
    "Dropout": Case({"rate": 0.1, "seed": 1, "noise_shape": [None, 1, 6]}),
    "GaussianDropout": Case({"rate": 0.1, "seed": 1}),
    "GaussianNoise": Case({"stddev": 0.1, "seed": 1}),
    **each_dimension("SpatialDropout", {"rate": 0.1, "seed": 1}),
    **each_dimension("AveragePooling", 2),
    **each_dimension("AvgPool", 2),
    **each_dimension("MaxPooling", {"pool_size": 2, "strides": 1}),
    **each_dimension("MaxPool", 2),
    **each_dimension("GlobalAveragePooling", {"keepdims": True}),
    **each_dimension("GlobalAvgPool", None),
    **each_dimension("GlobalMaxPooling", None),
    **each_dimension("GlobalMaxPool", None),
    **each_dimension("Cropping", 1),
    **each_dimension("UpSampling", 2),
    **each_dimension("ZeroPadding", 1),
    **convolutions(""),
    **convolutions("Transpose"),
    "DepthwiseConv1D": Case(3),
    "DepthwiseConv2D": Case(3, IMAGE),
    **{f"SeparableConv{kind}1D": Case({"filters": 4, "kernel_size": 3}) for kind in ("", "olution")},
    **{f"SeparableConv{kind}2D": Case({"filters": 4, "kernel_size": 3}, IMAGE) for kind in ("", "olution")},
    "ConvLSTM1D": Case({"filters": 4, "kernel_size": 3}, (4, 8, 3)),
    "ConvLSTM2D": Case({"filters": 4, "kernel_size": [3, 3], "return_state": True}, FILM),
    "ConvLSTM3D": Case({"filters": 2, "kernel_size": 3}, (2, *VOLUME)),
    "BatchNormalization": Case({"momentum": 0.9}),
    "GroupNormalization": Case({"groups": 3}),
    "LayerNormalization": Case({"axis": [1, 2]}),
    "RMSNormalization": Case(),
    "UnitNormalization": Case(-1),
    "SpectralNormalization": Case(
        {"layer": {"Conv2D": {"filters": 4, "kernel_size": 3}}, "power_iterations": 2},
        IMAGE,
        by_hand=lambda layers: layers.SpectralNormalization(layers.Conv2D(4, 3), power_iterations=2),
    ),
    "Dense": Case(
        {
            "units": 4,
            "activation": "gelu",
            "kernel_initializer": {"HeNormal": {"seed": 1}},
            "bias_regularizer": {"L2": 0.1},
        },
        by_hand=lambda layers: layers.Dense(
            4,
            activation="gelu",
            kernel_initializer=keras().initializers.HeNormal(1),
            bias_regularizer=keras().regularizers.L2(0.1),
        ),
    ),
    "EinsumDense": Case({"equation": "abc,cd->abd", "output_shape": [None, 4], "bias_axes": "d"}),
    "Embedding": Case({"input_dim": 9, "output_dim": 4, "mask_zero": True}, (7,), "int32"),
    "ReversibleEmbedding": Case({"input_dim": 9, "output_dim": 4}, (7,), "int32"),
    "ELU": Case(0.5),
    "LeakyReLU": Case(0.1),
    "PReLU": Case({"shared_axes": [1]}),
    "ReLU": Case({"max_value": 6.0}),
    "Softmax": Case(1),
    "Flatten": Case(),
    "Identity": Case(),
    "Masking": Case(0.0),
    "Permute": Case([2, 1]),
    "RepeatVector": Case(3, VECTOR),
    "Reshape": Case([4, -1]),
    "Rescaling": Case({"scale": 0.5, "offset": 1.0}),
    "GRU": Case({"units": 4, "return_state": True}),
    "LSTM": Case({"units": 4, "return_state": True, "return_sequences": True}),
    "SimpleRNN": Case(4),
    "GRUCell": Case(4, VECTOR, call={"states": (4,)}),
    "SimpleRNNCell": Case(4, VECTOR, call={"states": (4,)}),
    "LSTMCell": Case(4, VECTOR, call={"states": [(4,), (4,)]}),
    "StackedRNNCells": Case(
        {"cells": [{"LSTMCell": 4}, {"GRUCell": 5}]},
        VECTOR,
        call={"states": [[(4,), (4,)], (5,)]},
        by_hand=lambda layers: layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(5)]),
    ),
    "RNN": Case(
        {"cell": {"StackedRNNCells": {"cells": [{"LSTMCell": 4}, {"GRUCell": 5}]}}, "return_sequences": True},
        by_hand=lambda layers: layers.RNN(
            layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(5)]), return_sequences=True
        ),
    ),
    "Bidirectional": Case(
        {"layer": {"LSTM": 4}, "backward_layer": {"LSTM": {"units": 4, "go_backwards": True}}, "merge_mode": "sum"},
        by_hand=lambda layers: layers.Bidirectional(
            layers.LSTM(4), backward_layer=layers.LSTM(4, go_backwards=True), merge_mode="sum"
        ),
    ),
    "TimeDistributed": Case(
        {"layer": {"Conv2D": {"filters": 4, "kernel_size": 3}}},
        FILM,
        by_hand=lambda layers: layers.TimeDistributed(layers.Conv2D(4, 3)),
    ),
    "Pipeline": Case(
        {"layers": [{"Rescaling": 0.5}, {"RandomFlip": {"seed": 1}}]},
        IMAGE,
        by_hand=lambda layers: layers.Pipeline([layers.Rescaling(0.5), layers.RandomFlip(seed=1)]),
    ),
    "CategoryEncoding": Case({"num_tokens": 5, "output_mode": "count"}, (7,), "int32"),
    "Discretization": Case({"bin_boundaries": [0.0, 0.5, 1.0]}),
    "Hashing": Case({"num_bins": 5}, (7,), "int32"),
    "HashedCrossing": Case({"num_bins": 5}, [(1,), (1,)], "int32"),
    "IntegerLookup": Case({"vocabulary": [3, 5, 9]}, (7,), "int64"),
    "StringLookup": Case({"vocabulary": ["a", "b"], "output_mode": "multi_hot"}, (7,), "string"),
    "TextVectorization": Case({"vocabulary": ["good", "bad"], "output_sequence_length": 5}, (1,), "string"),
    "Normalization": Case({"mean": 0.5, "variance": 2.0}),
    "MelSpectrogram": Case({"sequence_length": 64, "sequence_stride": 32, "fft_length": 64, "num_mel_bins": 8}, (400,)),
    "STFTSpectrogram": Case({"frame_length": 64, "frame_step": 32, "fft_length": 64}, (400, 1)),
    "MaxNumBoundingBoxes": Case({"max_number": 3, "bounding_box_format": "xyxy"}, {"boxes": (5, 4), "labels": (5,)}),
    "CutMix": Case({"seed": 1}, {"images": IMAGE, "labels": (4,)}),
    "MixUp": Case({"seed": 1}, {"images": IMAGE, "labels": (4,)}),
    **{
        name: images(arguments)
        for name, arguments in {
            "AugMix": {"seed": 1},
            "AutoContrast": None,
            "CenterCrop": {"height": 4, "width": 4},
            "ContrastLimitedAdaptiveHistogramEqualization": None,
            "RandAugment": {"seed": 1},
            "RandomBrightness": {"factor": 0.1, "seed": 1},
            "RandomColorDegeneration": {"factor": 0.1, "seed": 1},
            "RandomColorJitter": {"brightness_factor": 0.1, "seed": 1},
            "RandomContrast": {"factor": 0.1, "seed": 1},
            "RandomCrop": {"height": 4, "width": 4, "seed": 1},
            "RandomElasticTransform": {"seed": 1},
            "RandomErasing": {"seed": 1},
            "RandomFlip": {"mode": "horizontal", "seed": 1},
            "RandomGaussianBlur": {"seed": 1},
            "RandomGrayscale": {"seed": 1},
            "RandomHue": {"factor": 0.1, "seed": 1},
            "RandomInvert": {"seed": 1},
            "RandomPerspective": {"seed": 1},
            "RandomPosterization": {"factor": 4, "seed": 1},
            "RandomRotation": {"factor": 0.1, "seed": 1},
            "RandomSaturation": {"factor": 0.1, "seed": 1},
            "RandomSharpness": {"factor": 0.1, "seed": 1},
            # Keras cannot load what it saves of one number here: it turns 0.1 into [-0.1, 0.1], and refuses -0.1.
            "RandomShear": {"x_factor": [0.0, 0.1], "seed": 1},
            "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1, "seed": 1},
            "RandomZoom": {"height_factor": 0.1, "seed": 1},
            "Resizing": {"height": 4, "width": 5, "crop_to_aspect_ratio": True},
            "Solarization": {"seed": 1},
        }.items()
    },
}


def keras() -> Any:
    import keras

    return keras


REFUSED = {"Equalization": "it hands Keras the tensor that came in, so that a model would lack it"}
APPLIED = [name for name in catalog.names("layers") if name not in {**CODE_CARRYING, **NOT_APPLIED, **REFUSED}]


def test_every_layer_has_a_case() -> None:
    """A layer that Keras has and this table lacks is one that nobody has tried in a spec."""
    assert sorted(CASES) == sorted(APPLIED)
    classes = {name: each for name, each in vars(keras().layers).items() if isinstance(each, type)}
    assert {name for name, each in classes.items() if issubclass(each, keras().Layer)} == set(catalog.names("layers"))


def spec_of(name: str, case: Case) -> dict[str, Any]:
    """The spec that applies the layer to inputs of the case's shapes."""
    inputs: dict[str, Any] = {}

    def source(shape: Any, label: str) -> Any:
        if isinstance(shape, dict):
            return {key: source(each, f"{label}_{key}") for key, each in shape.items()}
        if isinstance(shape, list):
            return [source(each, f"{label}_{number}") for number, each in enumerate(shape)]
        inputs[label] = {"shape": list(shape), "dtype": case.dtype}
        return label

    step: dict[str, Any] = {name: case.written}
    node = {"from": source(case.inputs, "in"), "apply": step}
    if case.call:
        step["call"] = source(case.call, "call")
    return {"graphspec": 1, "inputs": inputs, "graph": {"node": node}, "outputs": {"out": "node"}}


def make(name: str, case: Case) -> Any:
    """The layer as one writes it in Python."""
    layers = keras().layers
    if case.by_hand is not None:
        return case.by_hand(layers)
    if isinstance(case.written, dict):
        return getattr(layers, name)(**case.written)
    return getattr(layers, name)(*([] if case.written is None else [case.written]))


def tensors(shape: Any, dtype: str = "float32") -> Any:
    """Inputs of the shapes, in their structure."""
    if isinstance(shape, dict):
        return {key: tensors(each, dtype) for key, each in shape.items()}
    if isinstance(shape, list):
        return [tensors(each, dtype) for each in shape]
    return keras().Input(shape, dtype=dtype)


def without_names(config: Any) -> Any:
    """A configuration with the names of layers left out: graphspec gives its own."""
    if isinstance(config, dict):
        return {key: without_names(value) for key, value in config.items() if key not in ("name", "build_config")}
    return [without_names(each) for each in config] if isinstance(config, list | tuple) else config


@pytest.mark.parametrize("name", APPLIED)
def test_layer_of_a_spec_is_that_of_keras(name: str, write: Write) -> None:
    """The layer of a spec has the class, configuration and outputs of the one by hand, and plain Keras reloads it."""
    case = CASES[name]
    spec = spec_of(name, case)
    layer = make(name, case)

    given, call = tensors(case.inputs, case.dtype), {key: tensors(each) for key, each in case.call.items()}
    by_keyword = isinstance(given, dict) and "data" not in inspect.signature(layer.call).parameters
    expected = layer(**given, **call) if by_keyword else layer(given, **call)
    if len(keras().tree.flatten(expected)) > 1:
        spec["outputs"] = {"out": "node[0]"}
    path = write(json.dumps(spec), "spec.json")
    model = graphspec.build(path)
    (made,) = (each for each in model.layers if type(each) is type(layer) and each.name == "node")
    assert json.dumps(without_names(made.get_config()), default=str) == json.dumps(
        without_names(layer.get_config()), default=str
    )
    found, wanted = keras().tree.flatten(made.output), keras().tree.flatten(expected)
    assert [(each.shape, each.dtype) for each in found] == [(each.shape, each.dtype) for each in wanted]
    assert len(graphspec.summarize(path).root.rows) > 1
    again = keras().models.model_from_json(model.to_json()).get_layer("node")
    assert without_names(again.get_config()) == without_names(made.get_config())


@pytest.mark.parametrize("name", REFUSED)
def test_layer_that_keras_would_lose_is_refused(name: str, write: Write) -> None:
    """A layer that Keras traces to its own input would be missing from the model; in a pipeline it is not."""
    spec = spec_of(name, images())
    with pytest.raises(graphspec.SpecError) as error:
        graphspec.build(write(json.dumps(spec), "spec.json"))
    (finding,) = error.value.report
    assert finding.rule.code == "GS401"
    assert "without it" in finding.message
    spec["graph"]["node"]["apply"] = {"Pipeline": {"layers": [name]}}
    assert graphspec.build(write(json.dumps(spec), "spec.json")).get_layer("node").layers[0].__class__.__name__ == name


WORDS = {
    "sum": ("Add", {}),
    "sub": ("Subtract", {}),
    "mul": ("Multiply", {}),
    "ave": ("Average", {}),
    "max": ("Maximum", {}),
    "min": ("Minimum", {}),
    "concat": ("Concatenate", {"axis": 1}),
    "dot": ("Dot", {"axes": 2}),
    "cos": ("Dot", {"axes": -1, "normalize": True}),
}


def test_every_merge_word_has_a_case() -> None:
    """The words here are those of the language."""
    assert set(WORDS) == set(MERGES)


@pytest.mark.parametrize("word", WORDS)
def test_merge_word_is_its_layer_of_keras(word: str, write: Write) -> None:
    """A merge makes the layer that the language names, with its arguments, bare and as a mapping."""
    name, arguments = WORDS[word]
    layer = getattr(keras().layers, name)(**arguments)
    expected = layer([keras().Input(STEPS), keras().Input(STEPS)])
    written: Any = word if word == "cos" or not arguments else {word: arguments}
    spec = {
        "graphspec": 1,
        "inputs": {"a": list(STEPS), "b": list(STEPS)},
        "outputs": {"out": {"from": ["a", "b"], "merge": written}},
    }
    made = graphspec.build(write(json.dumps(spec), "spec.json")).get_layer("out")
    assert type(made) is type(layer)
    assert without_names(made.get_config()) == without_names(layer.get_config())
    assert made.output.shape == expected.shape


def test_call_arguments_and_several_results(write: Write) -> None:
    """States go from one recurrent layer to another, scores are picked, and layers are told not to train."""
    path = write(
        """
        graphspec: 1
        inputs: {source: [7, 6], target: [5, 6]}
        graph:
          read: {from: source, apply: {Bidirectional: {layer: {LSTM: {units: 4, return_state: true}}}}}
          written:
            from: target
            apply:
              Bidirectional: {layer: {LSTM: {units: 4, return_sequences: true}}}
              call: {initial_state: ["read[1]", "read[2]", "read[3]", "read[4]"]}
          attended:
            from: {query: written, value: source}
            apply:
              MultiHeadAttention: {num_heads: 2, key_dim: 3}
              call: {return_attention_scores: true}
          steady: {from: "attended[0]", apply: {Dropout: 0.5, call: {training: true}}}
        outputs: {scores: "attended[1]", steady_out: steady}
        """
    )
    model = graphspec.build(path)
    ones = {"source": np.ones((2, 7, 6), "float32"), "target": np.ones((2, 5, 6), "float32")}
    found = {name: np.asarray(each) for name, each in model(ones).items()}
    assert {name: each.shape for name, each in found.items()} == {"scores": (2, 2, 5, 7), "steady_out": (2, 5, 8)}
    assert (found["steady_out"] == 0).any()


def test_declared_layers_in_wrappers_are_shared(write: Write) -> None:
    """A cell inside a cell inside a layer, and one layer inside two wrappers, hold their weights once."""
    path = write(
        """
        graphspec: 1
        inputs: {a: [3, 6], b: [3, 6]}
        layers: {code: {Dense: 4}}
        graph:
          a_code: {from: a, apply: {TimeDistributed: code}}
          b_code: {from: b, apply: {TimeDistributed: code}}
          state: {from: a_code, apply: {RNN: {cell: {StackedRNNCells: {cells: [{GRUCell: 4}, {GRUCell: 4}]}}}}}
        outputs: {y: {from: [state, b_code], merge: {dot: {axes: [1, 2]}}}}
        """
    )
    model = graphspec.build(path)
    assert model.count_params() == (6 * 4 + 4) + 2 * 3 * (4 * 4 + 4 * 4 + 2 * 4)
