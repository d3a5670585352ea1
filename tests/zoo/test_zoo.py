"""The specs of the zoo against the models a Keras user writes by hand (`oracles.py`), whole and small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec

from ..structure import assert_same_structure, copy_weights, random_inputs
from .oracles import ORACLES, SMALL
from .test_applications import CASES

ZOO = Path(__file__).parents[2] / "specs" / "zoo"
NAMES = sorted(path.stem for path in ZOO.glob("*.yaml"))
LENGTH = 18
"""Of open dimensions."""


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Keras remembers the variables a weightless build left empty, and would allocate them in a later build."""
    yield
    keras.utils.clear_session()


def build_small(name: str) -> keras.Model:
    """The model of a spec at its small sizes."""
    return graphspec.build(graphspec.load(ZOO / f"{name}.yaml", [f"vars.{k}={v}" for k, v in SMALL[name].items()]))


def described(tensors: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {name: (each._keras_history.operation.name, each.shape, each.dtype) for name, each in tensors.items()}


def test_every_spec_is_compared() -> None:
    """Each has a hand-written model or an application of Keras to equal."""
    assert sorted([*ORACLES, *CASES]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_spec_has_no_findings(name: str) -> None:
    """Neither reading nor building has anything to say, and a first line of comment says what the spec shows."""
    path = ZOO / f"{name}.yaml"
    assert list(graphspec.validate(path)) == []
    assert list(graphspec.summarize(path).warnings) == []
    comment, _, rest = path.read_text(encoding="utf-8").partition("graphspec: 1\n")
    assert 1 <= comment.count("\n") <= 3
    assert all(line.startswith("# ") for line in comment.splitlines())
    assert rest.startswith(f"name: {name}\ndescription: ")


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_whole_model(name: str) -> None:
    """At its full size: the same layers, calls, parameters, inputs and outputs as the hand-written model."""
    actual = graphspec.build(graphspec.load(ZOO / f"{name}.yaml"), weightless=True)
    with keras.StatelessScope(initialize_variables=False):
        expected = ORACLES[name]()
    assert_same_structure(actual, expected)
    assert actual.count_params() == expected.count_params()
    assert described(actual.input) == described(expected.input)
    assert described(actual.output) == described(expected.output)


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_numbers(name: str) -> None:
    """Small, with the hand-written model's weights: the same outputs."""
    actual, expected = build_small(name), ORACLES[name](**SMALL[name])
    rng = np.random.default_rng(0)
    for weight in expected.weights:
        weight.assign(weight + rng.uniform(0, 0.1, weight.shape) * (len(weight.shape) == 1))
    copy_weights(expected, actual)
    batch = random_inputs(expected, LENGTH)
    ours, theirs = actual(batch, training=False), expected(batch, training=False)
    assert ours.keys() == theirs.keys()
    for key in theirs:
        assert not np.allclose(theirs[key][0], theirs[key][1], rtol=1e-5), f"{key}: samples make no difference"
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-4, atol=1e-6)


def test_wavenet_hears_1024_samples() -> None:
    """A sample changes what is said of the 1024 next, and nothing before or after."""
    model = build_small("wavenet")
    samples = np.ones((1, 1100), "int32")
    other = samples.copy()
    other[0, 10] = 2
    changes = np.abs(model({"samples": samples})["next_sample"] - model({"samples": other})["next_sample"]).max(axis=2)
    assert np.flatnonzero(changes[0] > 0)[[0, -1]].tolist() == [10, 1033]


def test_language_model_does_not_look_ahead() -> None:
    """The last word changes no score before it."""
    model = build_small("causal_lm")
    text = np.arange(1, 13, dtype="int32")[None]
    other = text.copy()
    other[0, -1] = 20
    scores, others = (np.asarray(model({"text": each})["next_word"]) for each in (text, other))
    np.testing.assert_allclose(scores[:, :-1], others[:, :-1], rtol=1e-5)
    assert not np.allclose(scores[:, -1], others[:, -1])


@pytest.mark.parametrize(("name", "inputs"), [("transformer_encoder", {"text"}), ("seq2seq", {"source"})])
def test_padding_makes_no_difference(name: str, inputs: set[str]) -> None:
    """Zeros after a text leave the outputs alone, as they are masked all the way."""
    model = build_small(name)
    batch = {key: np.maximum(each, 1) for key, each in random_inputs(model, 9).items()}
    padded = {key: np.pad(each, [(0, 0), (0, 5)]) if key in inputs else each for key, each in batch.items()}
    short, long = model(batch, training=False), model(padded, training=False)
    for key in short:
        np.testing.assert_allclose(short[key], long[key], rtol=1e-4, atol=1e-6)


def test_autoencoder_samples_in_training_only() -> None:
    """The divergence is that of the closed form, and the code varies while training alone."""
    model = build_small("vae")
    image = {"image": np.random.default_rng(0).random((4, 12)).astype("float32")}
    still = [np.asarray(model(image, training=False)["restored"]) for _ in range(2)]
    moving = [np.asarray(model(image, training=True)["restored"]) for _ in range(2)]
    np.testing.assert_array_equal(*still)
    assert not np.allclose(*moving)
    middle = keras.Model(model.input, [model.get_layer(each).output for each in ("mean", "log_variance")])
    mean, log_variance = (np.asarray(each) for each in middle(image))
    expected = 0.5 * np.sum(mean**2 + np.exp(log_variance) - log_variance - 1, axis=1, keepdims=True)
    np.testing.assert_allclose(model(image)["divergence"], expected, rtol=1e-4, atol=1e-6)
