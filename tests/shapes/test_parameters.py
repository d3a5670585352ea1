"""The number of parameters, counted without Keras: every layer, every spec, with Keras' own count as the oracle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

import graphspec
from graphspec.language.graph import argument_layers
from graphspec.shapes import infer
from graphspec.shapes.parameters import count_parameters, weight_shapes
from graphspec.spec import load
from graphspec.to_keras import build_spec

from ..known_uses import CASES, STEPS, Case
from ..to_keras.test_every_layer import APPLIED, make, spec_of, tensors

SPECS = Path(__file__).resolve().parents[2] / "specs"
Write = Callable[..., Path]

UNKNOWN_WEIGHTS = {"StackedRNNCells": "it is called by `RNN`"}

MORE = [
    ("Dense", Case({"units": 4, "use_bias": False, "lora_rank": 2})),
    ("Embedding", Case({"input_dim": 9, "output_dim": 4, "lora_rank": 2}, (7,), "int32")),
    ("ReversibleEmbedding", Case({"input_dim": 9, "output_dim": 4, "tie_weights": False}, (7,), "int32")),
    ("Conv2D", Case({"filters": 6, "kernel_size": [3, 1], "groups": 3, "lora_rank": 1}, (8, 8, 6))),
    ("Conv2D", Case({"filters": 4, "kernel_size": 3, "data_format": "channels_first", "use_bias": False}, (3, 8, 8))),
    ("Conv2DTranspose", Case({"filters": 4, "kernel_size": [3, 2], "use_bias": False}, (8, 8, 5))),
    ("DepthwiseConv2D", Case({"kernel_size": 3, "depth_multiplier": 2, "use_bias": False}, (8, 8, 5))),
    ("SeparableConv2D", Case({"filters": 7, "kernel_size": [2, 3], "depth_multiplier": 2}, (8, 8, 5))),
    ("BatchNormalization", Case({"renorm": True, "scale": False}, (8, 5))),
    ("BatchNormalization", Case({"axis": 1}, (8, 5))),
    ("LayerNormalization", Case({"axis": [1, 2], "center": False}, (8, 5))),
    ("GroupNormalization", Case({"groups": 2, "axis": 1, "scale": False}, (8, 5))),
    ("RMSNormalization", Case({"axis": [-2, -1]}, (8, 5))),
    ("Normalization", Case({"axis": [2, 1]}, (8, 5))),
    ("Normalization", Case({"axis": None}, (8, 5))),
    ("PReLU", Case(None, (8, 5))),
    ("Attention", Case({"use_scale": False, "score_mode": "dot"}, [STEPS, STEPS])),
    ("AdditiveAttention", Case({"use_scale": False}, [STEPS, STEPS])),
    (
        "MultiHeadAttention",
        Case(
            {"num_heads": 2, "key_dim": 3, "value_dim": 5, "output_shape": [4, 7], "use_gate": True},
            {"query": STEPS, "value": (9, 4), "key": (9, 11)},
        ),
    ),
    ("MultiHeadAttention", Case({"num_heads": 2, "key_dim": 3, "use_bias": False}, {"query": STEPS, "value": (9, 4)})),
    (
        "GroupQueryAttention",
        Case(
            {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2, "use_gate": True},
            {"query": STEPS, "value": STEPS},
        ),
    ),
    ("GRU", Case({"units": 4, "reset_after": False})),
    ("GRU", Case({"units": 4, "use_bias": False})),
    ("LSTM", Case({"units": 4, "use_bias": False})),
    ("ConvLSTM2D", Case({"filters": 4, "kernel_size": [3, 2], "use_bias": False}, (4, 8, 8, 3))),
    (
        "EinsumDense",
        Case({"equation": "...x,xy->...y", "output_shape": 7, "lora_rank": 2}, (3, 8, 5)),
    ),
    ("EinsumDense", Case({"equation": "abc,cde->abde", "output_shape": [None, 4, 3], "bias_axes": "d"}, (8, 5))),
    ("EinsumDense", Case({"equation": "ab...,bc->ac...", "output_shape": 7, "bias_axes": "c"}, (5, 2, 3))),
    ("STFTSpectrogram", Case({"frame_length": 50, "mode": "real"}, (400, 1))),
]


def weights_in(spec: dict[str, Any], write: Write) -> tuple[list[tuple[int, ...]], int | None]:
    """The shapes of the weights of all layers in a spec, and their number, without Keras."""
    graph = load(write(json.dumps(spec), "spec.json")).graph
    shapes = infer(graph)
    found: list[tuple[int, ...]] = []
    waiting = graph.called_layers()
    for layer in waiting:
        weights = weight_shapes(layer, shapes)
        assert weights is not None
        found += [tuple(size or 0 for size in shape) for shape in weights]
        if layer.class_name in ("TimeDistributed", "SpectralNormalization", "Pipeline"):
            waiting += argument_layers(layer)
    return found, count_parameters(graph, shapes)


@pytest.mark.parametrize(
    ("name", "case"),
    [*((name, CASES[name]) for name in APPLIED if name not in UNKNOWN_WEIGHTS), *MORE],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_weights_are_those_of_keras(name: str, case: Case, write: Write) -> None:
    """Each layer has the weights that Keras makes, by their shapes, and as many parameters."""
    spec = spec_of(name, case)
    layer = make(name, case)
    given, call = tensors(case.inputs, case.dtype), {key: tensors(each) for key, each in case.call.items()}
    by_keyword = isinstance(given, dict) and name not in ("CutMix", "MixUp", "MaxNumBoundingBoxes")
    result = layer(**given, **call) if by_keyword else layer(given, **call)
    if len(keras.tree.flatten(result)) > 1:
        spec["outputs"] = {"out": "node[0]"}
    shapes, count = weights_in(spec, write)
    assert sorted(shapes) == sorted(tuple(each.shape) for each in layer.weights)
    assert count == layer.count_params()


WITH_APPLICATIONS = ("deeplab",)
"""Specs with models that only Keras knows."""


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(SPECS.glob("**/*.yaml")) if path.stem not in WITH_APPLICATIONS],
    ids=lambda path: path.stem,
)
def test_parameters_of_a_spec_are_those_of_its_model(path: Path) -> None:
    """Every spec has as many parameters as its model, without unused layers, and each layer as that of Keras."""
    spec = load(path)
    shapes = infer(spec.graph)
    built = build_spec(spec, weightless=True)
    for layer in spec.graph.called_layers():
        if not layer.is_operation:
            assert count_parameters(layer, shapes) == built.layers[layer].count_params(), layer.name
    assert count_parameters(spec.graph, shapes) == built.model.count_params()


def test_what_is_unknown_has_no_number(write: Write) -> None:
    """A layer of a plugin, and what follows it, has an unknown number of parameters; an embedding has its own."""
    path = write(
        """
        graphspec: 1
        plugins: [mine]
        inputs: {x: [3]}
        graph:
          odd: {from: x, apply: "my>Odd"}
          then: {from: odd, apply: {Dense: 3}}
          words: {from: odd, apply: {Embedding: {input_dim: 5, output_dim: 2}}}
          plain: {from: odd, apply: ReLU}
        outputs: {y: {from: then, apply: ReLU}, z: {from: words, apply: ReLU}, p: plain}
        """
    )
    graph = load(path).graph
    shapes = infer(graph)
    counts = {name: count_parameters(node.steps[0].layer, shapes) for name, node in graph.nodes.items() if node.steps}
    assert counts == {"odd": None, "then": None, "words": 10, "plain": 0, "y": 0, "z": 0, "p": 0}
    assert count_parameters(graph, shapes) is None


def test_shared_layers_count_once(write: Write) -> None:
    """Layers and models that are applied twice count once, in wrappers and nested models too."""
    path = write(
        """
        graphspec: 1
        layers: {shared: {Dense: 3}}
        models:
          inner: {inputs: {h: [3]}, outputs: {o: {from: h, apply: [shared, {Dense: 4}]}}}
        inputs: {x: [3], steps: [5, 3]}
        graph:
          a: {from: x, apply: [shared, shared, inner]}
          b: {from: steps, apply: [{TimeDistributed: inner}, {TimeDistributed: shared}]}
        outputs: {y: a, z: b}
        """.replace("{TimeDistributed: shared}", "ReLU")
    )
    graph = load(path).graph
    assert count_parameters(graph, infer(graph)) == 28
    assert graphspec.build(path).count_params() == 28
