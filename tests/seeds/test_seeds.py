"""The seed specs against the models a Keras user writes by hand for the same seeds (`oracles.py`)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import graphspec

from ..structure import Walk, assert_same_structure, copy_weights, random_inputs
from . import oracles

SPECS = Path(__file__).parents[2] / "specs"


# --- The models ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """A model as graphspec builds it from the spec, and as the oracle has it."""

    actual: keras.Model
    expected: keras.Model


@pytest.fixture(scope="module", params=sorted(oracles.ORACLES))
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Each seed in turn; the two large ones without weights."""
    name: str = request.param
    spec = graphspec.load(SPECS / f"{name}.yaml")
    if name not in oracles.TOO_LARGE:
        yield Pair(graphspec.build(spec), oracles.ORACLES[name]())
    else:
        actual = graphspec.build(spec, weightless=True)
        with keras.StatelessScope(initialize_variables=False):
            expected = oracles.ORACLES[name]()
        yield Pair(actual, expected)
    # Keras remembers the variables a weightless build left empty, and would allocate them in a later build.
    keras.utils.clear_session()


# --- What must hold -----------------------------------------------------------------------------------------


def test_inputs(pair: Pair) -> None:
    """Inputs have the names, shapes and dtypes of the hand-written model's."""

    def described(model: keras.Model) -> dict[str, tuple[Any, ...]]:
        return {name: (tensor.name, tensor.shape, tensor.dtype) for name, tensor in model.input.items()}

    assert described(pair.actual) == described(pair.expected)


def test_outputs(pair: Pair) -> None:
    """Outputs have the keys, layer names, shapes and dtypes of the hand-written model's."""

    def described(model: keras.Model) -> dict[str, tuple[Any, ...]]:
        return {
            name: (tensor._keras_history.operation.name, tensor.shape, tensor.dtype)
            for name, tensor in model.output.items()
        }

    assert described(pair.actual) == described(pair.expected)
    assert sorted(pair.actual.output_names) == sorted(pair.actual.output)


def test_parameter_counts(pair: Pair) -> None:
    """The model has as many parameters, and as many trainable ones, as the hand-written model."""

    def trainable(model: keras.Model) -> int:
        return sum(math.prod(weight.shape) for weight in model.trainable_weights)

    assert pair.actual.count_params() == pair.expected.count_params()
    assert trainable(pair.actual) == trainable(pair.expected)


def test_structure(pair: Pair) -> None:
    """The model makes the calls the hand-written model makes, and shares the layers it shares."""
    actual, expected = assert_same_structure(pair.actual, pair.expected)
    assert len(actual.layers) == len(expected.layers)
    assert len(pair.actual.layers) == len(pair.expected.layers)


@pytest.mark.parametrize("pair", sorted(set(oracles.ORACLES) - oracles.TOO_LARGE), indirect=True)
def test_numbers(pair: Pair) -> None:
    """With the hand-written model's weights, the model computes what the hand-written model computes."""
    copy_weights(pair.expected, pair.actual)
    batch = random_inputs(pair.expected)
    actual, expected = pair.actual(batch, training=False), pair.expected(batch, training=False)
    assert actual.keys() == expected.keys()
    for name in expected:
        first, second = np.asarray(expected[name])
        assert not np.array_equal(first, second), f"{name} does not depend on the inputs: nothing is compared"
        np.testing.assert_allclose(np.asarray(actual[name]), np.asarray(expected[name]), rtol=1e-5, atol=1e-6)


# --- The comparison itself ----------------------------------------------------------------------------------


def tweets(*, lstms: int = 1, activation: str = "sigmoid", swapped: bool = False) -> keras.Model:
    """The tweets oracle again, with what a wrong build might get wrong."""
    inputs = {name: keras.Input((280, 256), name=name) for name in ("tweet_a", "tweet_b")}
    encoders = [layers.LSTM(64) for _ in range(lstms)]
    codes = [encoders[0](inputs["tweet_a"]), encoders[-1](inputs["tweet_b"])]
    merged = layers.concatenate(codes[::-1] if swapped else codes)
    return keras.Model(inputs, {"same_author": layers.Dense(1, activation=activation, name="same_author")(merged)})


def video(*, padding: str = "valid", trainable: bool = True) -> keras.Model:
    """A nested model inside a wrapper, with what a wrong build might get wrong inside it."""
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, padding=padding)(image)
    encoder = keras.Model(image, layers.GlobalMaxPooling2D()(x))
    encoder.trainable = trainable
    frames = keras.Input((5, 8, 8, 3), name="frames")
    codes = layers.TimeDistributed(encoder, name="codes")(frames)
    return keras.Model({"frames": frames}, {"codes": codes})


def test_comparison_accepts_equal_models() -> None:
    """Models built twice, whose layers bear other names and weights, are of one structure."""
    assert_same_structure(tweets(), oracles.tweets())
    assert_same_structure(video(), video())


@pytest.mark.parametrize(
    ("changed", "original"),
    [
        pytest.param(lambda: tweets(lstms=2), tweets, id="unshared-layer"),
        pytest.param(lambda: tweets(activation="tanh"), tweets, id="changed-argument"),
        pytest.param(lambda: tweets(swapped=True), tweets, id="swapped-inputs"),
        pytest.param(lambda: video(padding="same"), video, id="changed-argument-in-nested-model"),
        pytest.param(lambda: video(trainable=False), video, id="frozen-nested-model"),
    ],
)
def test_comparison_notices(changed: Any, original: Any) -> None:
    """A layer that is no longer shared, a changed argument or another order of inputs is noticed."""
    assert Walk.over(changed()).lines != Walk.over(original()).lines
    with pytest.raises(AssertionError):
        assert_same_structure(changed(), original())


def test_copying_refuses_other_weights() -> None:
    """Weights are copied between models of one structure only, though their shapes may align."""
    source, target = tweets(activation="tanh"), tweets()
    with pytest.raises(AssertionError):
        copy_weights(source, target)
    copy_weights(tweets(), target)
