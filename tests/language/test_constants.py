"""Constants that are lists, and activations that are layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import graphspec
from graphspec.shapes import Tensor

Write = Callable[..., Path]

SPEC = """
graphspec: 1
inputs: {x: [2, 3]}
outputs:
  y: {from: x, apply: {%s}}
"""
X = np.random.default_rng(0).normal(size=(2, 2, 3)).astype("float32")


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("ops.add: {x2: [0.5, 1, 2]}", X + np.array([0.5, 1, 2], "float32")),
        ("ops.multiply: {x2: [[1], [2]]}", X * np.array([[1], [2]], "float32")),
        ("ops.maximum: {x2: [0, 1, 0]}", np.maximum(X, np.array([0, 1, 0], "float32"))),
        ("ops.greater: {x2: [0.0, 1.0, -1.0]}", np.array([0.0, 1.0, -1.0], "float32") < X),
        ("ops.logical_and: {x2: [true, false, true]}", (X != 0) & np.array([True, False, True])),
        ("ops.matmul: {x2: [[1, 0], [0, 1], [1, 1]]}", X @ np.array([[1, 0], [0, 1], [1, 1]], "float32")),
    ],
)
def test_list_is_an_array(step: str, expected: np.ndarray, write: Write) -> None:
    """An operation on two tensors takes nested lists of numbers as an array, and so do its shapes and dtypes."""
    path = write(SPEC % step)
    found = graphspec.build(path)({"x": X})["y"]
    assert np.allclose(found, expected, atol=1e-6)
    spec = graphspec.load(path)
    inferred = spec.shapes.of(spec.graph, "y")
    assert isinstance(inferred, Tensor)
    assert inferred.shape == (None, *expected.shape[1:])
    assert inferred.dtype == keras.backend.standardize_dtype(found.dtype)


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ('["a", "b", "c"]', "an item is the text `a`"),
        ("[1, null, 2]", "an item is empty"),
        ("[1, {a: 1}, 2]", "an item is a mapping"),
        ("[1, 3000000000, 2]", "is an array of int32, and an item is the number 3000000000"),
        ("[0.5, 1.0e+39, 2]", "is an array of float32, and an item is the number 1e+39"),
        ("[[1, 2, 3], [1]]", "the lists in `x2` of `ops.add` differ in length"),
        ("[1, 2]", "cannot broadcast (batch, 2, 3) and (2)"),
    ],
)
def test_list_that_is_no_array_is_refused(items: str, said: str, write: Write) -> None:
    """What is no number, or none that the dtype holds, is found before anything is built."""
    (finding,) = graphspec.validate(write(SPEC % f"ops.add: {{x2: {items}}}"))
    assert said in finding.message


def test_layer_as_an_activation(write: Write) -> None:
    """A layer among the activations is made with its arguments, and a name that both have is the function."""
    model = graphspec.build(write(SPEC % "Dense: {units: 3, activation: {LeakyReLU: {negative_slope: 0.5}}}"))
    activation = model.get_layer("y").activation
    assert isinstance(activation, keras.layers.LeakyReLU)
    assert activation.negative_slope == 0.5
    for written, function in (("relu", "relu"), ("softmax", "softmax")):
        model = graphspec.build(write(SPEC % f"Dense: {{units: 3, activation: {written}}}"))
        assert model.get_layer("y").activation.__name__ == function


@pytest.mark.parametrize(
    ("activation", "code"),
    [
        ("{LeakyReLU: {slope: 1}}", "GS202"),
        ("{LeakyReLU: {negative_slope: -1}}", "GS213"),
        ("{LeekyReLU: {}}", "GS201"),
        ("{Lambda: {function: f}}", "GS205"),
    ],
)
def test_wrong_activation_is_found(activation: str, code: str, write: Write) -> None:
    """A layer as an activation is checked like any other."""
    findings = graphspec.validate(write(SPEC % f"Dense: {{units: 3, activation: {activation}}}"))
    assert [finding.rule.code for finding in findings] == [code]
