"""The specs of the zoo against the models a Keras user writes by hand (`hand_written.py`), whole and small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.training.compiling import compile_model

from ..structure import assert_same_structure, copy_weights, random_inputs, seed, stir
from .hand_written import ORACLES, SMALL
from .small_trainings import LENGTH, PARTS, ZOO, small, write_data
from .test_applications import CASES

NAMES = sorted(path.stem for path in ZOO.glob("*.yaml"))
PHOTOS = ("face", "photo", "digit")
"""Inputs that hold numbers as large as 255, or 16."""


@pytest.fixture(autouse=True)
def same_start() -> Iterator[None]:
    """The same initial weights every time. Keras forgets what weightless builds left empty, or would allocate it."""
    keras.utils.set_random_seed(0)
    yield
    keras.utils.clear_session()


def build_small(name: str) -> keras.Model:
    return graphspec.build(graphspec.load(ZOO / f"{name}.yaml", small(name)))


def described(tensors: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {name: (each._keras_history.operation.name, each.shape, each.dtype) for name, each in tensors.items()}


def test_every_spec_is_compared() -> None:
    """Each has a hand-written model or an application of Keras to equal."""
    assert sorted([*ORACLES, *CASES]) == NAMES


@pytest.mark.smoke
@pytest.mark.parametrize("name", NAMES)
def test_spec_has_no_findings(name: str) -> None:
    """Neither reading nor building has anything to say, and a first line of comment says what the spec shows."""
    path = ZOO / f"{name}.yaml"
    assert list(graphspec.validate(path)) == []
    assert list(graphspec.summarize(graphspec.load(path)).warnings) == []
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


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "deeplab")) for name in sorted(ORACLES)]
)
def test_numbers(name: str) -> None:
    """Small, with the hand-written model's weights: the same outputs."""
    actual, expected = build_small(name), ORACLES[name](**SMALL[name])
    stir(expected)
    copy_weights(expected, actual)
    batch = {key: each * 100 if key in PHOTOS else each for key, each in random_inputs(expected, LENGTH).items()}
    seed(actual)
    seed(expected)
    ours, theirs = actual(batch, training=False), expected(batch, training=False)
    assert ours.keys() == theirs.keys()
    for key in theirs:
        assert not np.allclose(theirs[key][0], theirs[key][1], rtol=1e-5), f"{key}: samples make no difference"
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-4, atol=1e-6)


TRAINED = ("seq2seq", "multi_task", "vae", "contrastive", "switch_transformer")
"""Specs that stand for the others in a training as a user starts it; `tests/distribution` trains four more."""


TRAINED_ELSEWHERE = ("anomaly", "distillation", "resnet18")
"""Specs that are trained to a figure below, and one that has no loss."""


@pytest.mark.smoke
@pytest.mark.parametrize("name", TRAINED)
def test_training(name: str, tmp_path: Path) -> None:
    """A step of training ends in numbers."""
    overrides = write_data(name, tmp_path, build_small(name))
    run = graphspec.train(ZOO / f"{name}.yaml", overrides=overrides, run_dir=tmp_path / "run")
    assert all(np.isfinite(values).all() for values in run.history.values())
    assert "loss" in run.history


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(ORACLES) - {*TRAINED, *TRAINED_ELSEWHERE}))
def test_losses_and_metrics_fit_the_outputs(name: str, tmp_path: Path) -> None:
    """A step of training ends in numbers. Keras takes it without a graph, which takes ten times as long to trace."""
    model = build_small(name)
    spec = graphspec.load(ZOO / f"{name}.yaml", write_data(name, tmp_path, model))
    compile_model(spec, model)
    model.run_eagerly = True
    inputs, targets = ({path.stem: np.load(path) for path in tmp_path.glob(f"{each}/*.npy")} for each in PARTS)
    before = [np.array(each) for each in model.trainable_weights]
    results = model.train_on_batch(inputs, targets, return_dict=True)
    assert all(np.isfinite(each).all() for each in results.values())
    assert any((np.array(after) != each).any() for after, each in zip(model.trainable_weights, before, strict=True))


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


@pytest.mark.smoke
@pytest.mark.parametrize(("name", "inputs"), [("transformer_encoder", {"text"}), ("seq2seq", {"source"})])
def test_padding_makes_no_difference(name: str, inputs: set[str]) -> None:
    """Zeros after a text leave the outputs alone, as they are masked all the way."""
    model = build_small(name)
    batch = {key: np.maximum(each, 1) for key, each in random_inputs(model, 9).items()}
    padded = {key: np.pad(each, [(0, 0), (0, 5)]) if key in inputs else each for key, each in batch.items()}
    short, long = model(batch, training=False), model(padded, training=False)
    for key in short:
        np.testing.assert_allclose(short[key], long[key], rtol=1e-4, atol=1e-6)


def test_autoencoder_samples_in_every_call() -> None:
    """The divergence is that of the closed form, and the code varies, at inference too."""
    model = build_small("vae")
    image = {"image": np.random.default_rng(0).uniform(0, 16, (4, 8, 8, 1)).astype("float32")}
    assert not np.allclose(*(model(image, training=False)["restored"] for _ in range(2)))
    middle = keras.Model(model.input, [model.get_layer(each).output for each in ("mean", "log_variance", "kl")])
    mean, log_variance, kl = (np.asarray(each) for each in middle(image))
    expected = 0.5 * np.sum(mean**2 + np.exp(log_variance) - log_variance - 1, axis=1)
    np.testing.assert_allclose(kl, expected.mean() / 64, rtol=1e-4, atol=1e-6)


def share_in_order(higher: np.ndarray, lower: np.ndarray) -> float:
    """The share of pairs of one number of each in which the first is higher: the area under the ROC curve."""
    ranks = np.argsort(np.argsort(np.concatenate([higher, lower])))[: len(higher)]
    return float((ranks.sum() - len(higher) * (len(higher) - 1) / 2) / (len(higher) * len(lower)))


@pytest.fixture(scope="module")
def digits() -> dict[str, np.ndarray]:
    """Pairs of images that no spec is trained on."""
    with np.load(ZOO.parent / "data" / "digits" / "test.npz") as arrays:
        return {name: arrays[name].astype("float32") for name in arrays}


@pytest.mark.long
def test_student_learns_the_codes_of_its_teacher(tmp_path: Path) -> None:
    """On images that it never saw, the mean square of the gap is 7 % of the variance of the codes, which is about 1."""
    assert graphspec.train(ZOO / "distillation.yaml", run_dir=tmp_path / "run").evaluate("test")["gap_loss"] < 0.07


@pytest.mark.slow
def test_variational_autoencoder_restores_digits(tmp_path: Path) -> None:
    """On images that it never saw, from codes near a standard normal: a cross-entropy of 0.34 a pixel."""
    found = graphspec.train(ZOO / "vae.yaml", run_dir=tmp_path / "run").evaluate("test")
    assert found["restored_loss"] < 0.345
    assert 1.0 < found["kl_loss"] < 5.0


@pytest.mark.long
def test_codes_without_labels_tell_digits_apart(tmp_path: Path, digits: dict[str, np.ndarray]) -> None:
    """Of two pairs of images, one of the same digit, its codes are more alike in 9 of 10; the pixels are in 86 %."""
    model = graphspec.train(ZOO / "contrastive.yaml", run_dir=tmp_path / "run").model()
    one, other = (np.asarray(model({"digit": digits[name]})["code"]) for name in ("a", "b"))
    alike, same = (one * other).sum(axis=1), digits["same"][:, 0] == 1
    assert share_in_order(alike[same], alike[~same]) > 0.9


@pytest.mark.slow
def test_two_digits_at_once_are_an_anomaly(tmp_path: Path, digits: dict[str, np.ndarray]) -> None:
    """The error is higher than that of a digit in 90 % for two, one over the other, and in 99 % for a mirrored one."""
    model = graphspec.train(ZOO / "anomaly.yaml", run_dir=tmp_path / "run").model()
    both = np.maximum(digits["a"], digits["b"])[digits["same"][:, 0] == 0]
    turned = digits["a"].transpose(0, 2, 1, 3)
    usual, crowded, mirrored = (
        np.asarray(model({"image": each})["error"])[:, 0] for each in (digits["a"], both, turned)
    )
    assert share_in_order(crowded, usual) > 0.9
    assert share_in_order(mirrored, usual) > 0.99
