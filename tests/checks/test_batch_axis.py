"""An output without the batch is found before TensorFlow; an operation that brings it back is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import graphspec

Write = Callable[..., Path]

SAMPLES = 12


def spec(apply: str, inputs: str = "[4, 6]", loss: str = "loss: mse") -> str:
    return f"""
        graphspec: 1
        inputs: {{x: {inputs}}}
        outputs: {{y: {{from: x, apply: {apply}, {loss}}}}}
        training: {{optimizer: sgd, batch_size: 6}}
        """


LOST = [
    "[{ops.mean: {axis: 0}}]",
    "[{ops.mean: {axis: 0}}, {Dense: 1}]",
    "[{ops.reshape: [-1, 16]}]",
    "[{ops.reshape: [-1, 6]}, {Dense: 2}]",
    "[{ops.reshape: [24, -1]}]",
    "ops.sum",
    "[{ops.get_item: '0'}]",
    "[{ops.transpose: {axes: [1, 0, 2]}}]",
    "[{ops.expand_dims: 0}]",
    "[{ops.repeat: {repeats: 2, axis: 0}}]",
    "[{ops.max: {axis: [0, 1], keepdims: true}}]",
    "[{ops.take: {indices: [0, 1], axis: 0}}]",
]
KEPT = [
    "[{ops.mean: {axis: 1}}]",
    "[{ops.reshape: [-1, 24]}]",
    "[{ops.reshape: [-1, 6]}, {Dense: 2}, {ops.reshape: [-1, 4, 2]}]",
    "[{ops.transpose: {axes: [1, 0, 2]}}, {ops.transpose: {axes: [1, 0, 2]}}]",
    "[{ops.expand_dims: 0}, {ops.squeeze: 0}]",
    "[{ops.get_item: ':, 0'}]",
    "[{ops.flip: {axis: 0}}]",
    "[{ops.cumsum: {axis: 0}}]",
    "[{ops.softmax: {axis: 0}}]",
    "[Flatten, {Dense: 3}]",
]


@pytest.mark.parametrize("apply", LOST)
def test_a_lost_batch_is_found(apply: str, write: Write) -> None:
    """Wherever it is lost, there is one finding, at the output; without a loss, nothing is compared."""
    found = graphspec.validate(write(spec(apply))).found
    assert [each.rule.code for each in found] == ["GS435"]
    assert found[0].span is not None
    assert found[0].span.text == "y"
    assert "GS435" not in [each.rule.code for each in graphspec.validate(write(spec(apply, loss="loss: null"))).found]
    stated = graphspec.validate(write(spec(apply, "{shape: [4, 6], batch_size: 6}"))).found
    assert [each.rule.code for each in stated] == ["GS435"]


@pytest.mark.parametrize("apply", KEPT)
@pytest.mark.parametrize("inputs", ["[4, 6]", "{shape: [4, 6], batch_size: 6}"])
def test_a_kept_batch_is_no_finding(apply: str, inputs: str, write: Write) -> None:
    """Operations along the batch keep it, or bring it back."""
    assert not graphspec.validate(write(spec(apply, inputs))).found


@pytest.mark.parametrize("apply", LOST + KEPT)
def test_keras_gives_a_row_a_sample(apply: str, write: Write) -> None:
    """In Keras, an output has as many rows as there are samples exactly where nothing is found."""
    path = write(spec(apply, loss="loss: null"))
    model = graphspec.build(path)
    rows = [model({"x": np.ones((count, 4, 6), np.float32)})["y"].shape[:1] for count in (8, 16)]
    assert (rows == [(8,), (16,)]) == (apply in KEPT)


def test_a_matrix_of_all_samples_keeps_the_batch(write: Write) -> None:
    """Similarities of each sample with all, as contrastive losses compare them."""
    text = """
        graphspec: 1
        inputs: {x: [4]}
        graph: {code: {from: x, apply: {Dense: 2}}, turned: {from: code, apply: ops.transpose}}
        outputs: {y: {from: [code, turned], apply: ops.matmul, loss: mse}}
        training: {optimizer: sgd}
        """
    assert "GS435" not in [each.rule.code for each in graphspec.validate(write(text)).found]


def test_a_batch_lost_in_a_nested_model(write: Write) -> None:
    """The step that applies the model is named."""
    text = """
        graphspec: 1
        models: {m: {inputs: {a: [4]}, outputs: {b: {from: a, apply: {ops.sum: {axis: 0}}}}}}
        inputs: {x: [4]}
        outputs: {y: {from: x, apply: [{Dense: 4}, m], loss: mse}}
        training: {optimizer: sgd}
        """
    (found,) = graphspec.validate(write(text)).found
    assert found.rule.code == "GS435"
    assert [each.span.text for each in found.labels] == ["m"]


def test_why_it_is_an_error() -> None:
    """Plain Keras trains a single number against all targets without a word."""
    x = keras.Input((4,))
    model = keras.Model(x, keras.ops.mean(keras.layers.Dense(1)(x)))
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.arange(8.0), verbose=0)
