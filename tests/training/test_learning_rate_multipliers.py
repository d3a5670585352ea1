"""`learning_rate_multipliers` against plain Keras with two optimizers, one for the layers that match."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import graphspec
from graphspec.cli._verify_resume import differences
from graphspec.datasets.order import Order

from ..killed import killed_at

Write = Callable[..., Path]

SPEC = """
    graphspec: 1
    inputs: {x: [3]}
    models:
      base:
        inputs: {h: [3]}
        outputs: {code: {from: h, apply: [{Dense: {units: 4, activation: tanh}}, {Dense: 3}]}}
    outputs: {y: {from: x, apply: [base, {Dense: 1}], loss: mse}}
    training:
      optimizer: OPTIMIZER
      epochs: 2
      batch_size: 4
      learning_rate_multipliers: {base: 0.5, "base/code_*": 0.1}
      checkpoint: {every: 1 steps, keep: 99}
    data:
      train: {inputs: {x: x.npy}, outputs: {y: y.npy}}
    """
FACTORS = {"code_dense": 0.1, "code": 0.5, "y": 1.0}
OPTIMIZERS: dict[str, Callable[[float], Any]] = {
    "{SGD: {learning_rate: 0.1, momentum: 0.9}}": lambda factor: keras.optimizers.SGD(0.1 * factor, momentum=0.9),
    "{Adam: {learning_rate: 0.01, clipnorm: 0.1}}": lambda factor: keras.optimizers.Adam(0.01 * factor, clipnorm=0.1),
    "{AdamW: {learning_rate: 0.01, weight_decay: 0.5, gradient_accumulation_steps: 2}}": lambda factor: (
        keras.optimizers.AdamW(0.01 * factor, weight_decay=0.5, gradient_accumulation_steps=2)
    ),
    "{Muon: {learning_rate: 0.01, weight_decay: 0.5}}": lambda factor: keras.optimizers.Muon(
        0.01 * factor, weight_decay=0.5
    ),
    "{RMSprop: {learning_rate: 0.01, use_ema: true, ema_momentum: 0.5, ema_overwrite_frequency: 2}}": lambda factor: (
        keras.optimizers.RMSprop(0.01 * factor, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    ),
    "{Adam: {learning_rate: {ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 2, decay_rate: 0.5}}}}": (
        lambda factor: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1 * factor, 2, 0.5))
    ),
}


def spec(write: Write, tmp_path: Path, optimizer: str) -> Path:
    """The spec above with its data: 10 samples."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(10, 3)).astype(np.float32))
    np.save(tmp_path / "y.npy", rng.normal(size=(10, 1)).astype(np.float32))
    return write(SPEC.replace("OPTIMIZER", optimizer))


def by_hand(path: Path, make: Callable[[float], Any]) -> Any:
    """The model, trained by one optimizer for each factor."""
    keras.utils.set_random_seed(0)
    model = graphspec.build(path)
    x, y = np.load(path.with_name("x.npy")), np.load(path.with_name("y.npy"))
    groups = {
        factor: [each for each in model.trainable_variables if each.path.split("/")[0] == layer]
        for layer, factor in FACTORS.items()
    }
    optimizers = {factor: make(factor) for factor in groups}
    for factor, variables in groups.items():
        optimizers[factor].build(variables)
    for epoch in range(2):
        for step in range(3):
            at = Order(10, 4).indices(epoch, step, step + 1)
            with tf.GradientTape(persistent=True) as tape:
                loss = tf.reduce_mean((model({"x": x[at]}, training=True)["y"] - y[at]) ** 2)
            for factor, variables in groups.items():
                optimizers[factor].apply(tape.gradient(loss, [each.value for each in variables]), variables)
    for factor, variables in groups.items():
        optimizers[factor].finalize_variable_values(variables)
    return model


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_layers_train_as_by_optimizers_of_their_own(write: Write, tmp_path: Path, optimizer: str) -> None:
    """Momentum, clipping, decay of weights, accumulated gradients, moving averages and schedules are those of each."""
    path = spec(write, tmp_path, optimizer)
    run = graphspec.train(path, run_dir=tmp_path / "run")
    trained, expected = keras.saving.load_model(run.path / "model.keras"), by_hand(path, OPTIMIZERS[optimizer])
    for one, other in zip(trained.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)
    assert type(trained.optimizer).__module__.startswith("keras.")


def test_scaled_gradients_are_the_same_for_sgd_alone(write: Write, tmp_path: Path) -> None:
    """A factor of the gradient gives plain SGD the same weights; that is why other optimizers are not held so."""
    path = spec(write, tmp_path, "{SGD: {learning_rate: 0.1}}")
    run = graphspec.train(path, overrides=["training.epochs=1"], run_dir=tmp_path / "run")
    keras.utils.set_random_seed(0)
    model = graphspec.build(path)
    x, y = np.load(path.with_name("x.npy")), np.load(path.with_name("y.npy"))
    for step in range(3):
        at = Order(10, 4).indices(0, step, step + 1)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model({"x": x[at]}, training=True)["y"] - y[at]) ** 2)
        for variable, gradient in zip(
            model.trainable_variables,
            tape.gradient(loss, [each.value for each in model.trainable_variables]),
            strict=True,
        ):
            variable.assign_sub(0.1 * FACTORS[variable.path.split("/")[0]] * gradient)
    for one, other in zip(
        keras.saving.load_model(run.path / "model.keras").get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_stages_keep_the_factors_and_resume_exactly(write: Write, tmp_path: Path) -> None:
    """Each stage has the factors, with the loss scale of half precision too; a killed one resumes to the bit."""
    overrides = [
        "training.precision=mixed_float16",
        "training.freeze=[base]",
        "training.stages=[{epochs: 1}, {epochs: 1, unfreeze: [base], learning_rate: 0.1}]",
    ]
    path = spec(write, tmp_path, "{SGD: {learning_rate: 0.01}}")
    text = path.read_text(encoding="utf-8").replace("  epochs: 2\n", "")
    path.write_text(text, encoding="utf-8")
    run = graphspec.train(path, overrides=overrides, run_dir=tmp_path / "run")
    killed = killed_at(run, 4, tmp_path / "killed")
    graphspec.resume(killed)
    assert list(differences(run.path, killed)) == []
    without = [*overrides, "training.learning_rate_multipliers={}"]
    plain = graphspec.train(path, overrides=without, run_dir=tmp_path / "plain")
    one, other = (keras.saving.load_model(each.path / "model.keras").get_layer("base") for each in (run, plain))
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


def test_exported_python_has_the_factors(write: Write, tmp_path: Path) -> None:
    """A step of the compiled model that the code makes is that of optimizers with rates of their own."""
    optimizer = "{AdamW: {learning_rate: 0.01, weight_decay: 0.5}}"
    path = spec(write, tmp_path, optimizer)
    names: dict[str, Any] = {"__name__": "exported", "__file__": str(tmp_path / "exported.py")}
    exec(compile(graphspec.python_source(graphspec.load(path), tmp_path), "exported", "exec"), names)
    keras.utils.set_random_seed(0)
    model = names["build_model"]()
    names["compile_model"](model)
    x, y = np.load(tmp_path / "x.npy"), np.load(tmp_path / "y.npy")
    for epoch in range(2):
        for step in range(3):
            at = Order(10, 4).indices(epoch, step, step + 1)
            model.train_on_batch({"x": x[at]}, {"y": y[at]})
    expected = by_hand(path, lambda factor: keras.optimizers.AdamW(0.01 * factor, weight_decay=0.5))
    for one, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)


WRONG = [
    ("{bas: 0.1}", "GS509"),
    ("{base: 0}", "GS104"),
    ("{base: -1}", "GS104"),
    ("{base: .nan}", "GS104"),
    ("{base: 1.0e+39}", "GS104"),
    ("{base: slow}", "GS103"),
    ("{'': 0.1}", "GS104"),
    ("[base]", "GS103"),
    ("{base: 0.1, '*': 0.5}", "GS522"),
]


@pytest.mark.parametrize(("written", "code"), WRONG, ids=[each for each, _ in WRONG])
def test_wrong_factors_are_findings(write: Write, tmp_path: Path, written: str, code: str) -> None:
    """What names no layer, is no factor, or is replaced by what follows is one finding."""
    path = spec(write, tmp_path, "sgd")
    text = path.read_text(encoding="utf-8").replace('{base: 0.5, "base/code_*": 0.1}', written)
    path.write_text(text, encoding="utf-8")
    (found,) = graphspec.validate(path).found
    assert found.rule.code == code
