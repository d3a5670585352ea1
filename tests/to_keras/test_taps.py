"""`taps`: inner layers of models from elsewhere whose outputs are outputs, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main

Write = Callable[..., Path]

SPEC = """
graphspec: 1
models: {seen: {file: base.keras, taps: [low, high]}}
inputs: {x: [4]}
graph: {parts: {from: x, apply: seen}}
outputs:
  own: "parts[0]"
  low: parts.low
  top: {from: parts.high, apply: {Dense: 2}}
"""


@pytest.fixture
def base(tmp_path: Path) -> keras.Model:
    """A saved model with inner layers."""
    x = keras.Input((4,), name="x")
    low = keras.layers.Dense(3, name="low")(x)
    high = keras.layers.Dense(5, activation="relu", name="high")(low)
    model = keras.Model(x, keras.layers.Dense(1, name="end")(high))
    model.save(tmp_path / "base.keras")
    return model


def test_inner_layers_are_outputs(write: Write, base: keras.Model) -> None:
    """By name, or by number after the model's own; with the weights of the file, as Keras computes them."""
    path = write(SPEC)
    spec = graphspec.load(path)
    assert [spec.shapes.of(spec.graph, name).shape for name in ("own", "low")] == [(None, 1), (None, 3)]  # type: ignore[union-attr]
    x = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    found = graphspec.build(spec)({"x": x})
    expected = keras.Model(base.input, [base.output, base.get_layer("low").output])(x)
    np.testing.assert_allclose(found["own"], expected[0], rtol=1e-5)
    np.testing.assert_allclose(found["low"], expected[1], rtol=1e-5)
    assert found["top"].shape == (6, 2)


def test_applications_are_tapped(write: Write) -> None:
    """An application keeps its layers and weights; the Python code of the spec builds the same model."""
    settings = "include_top: false, input_shape: [32, 32, 3], alpha: 0.35"
    application = f"{{application: MobileNetV2, {settings}, taps: [block_1_expand]}}"
    text = SPEC.replace("{file: base.keras, taps: [low, high]}", application).replace("x: [4]", "x: [32, 32, 3]")
    path = write(text.partition("outputs:")[0] + "outputs: {own: 'parts[0]', low: parts.block_1_expand}\n")
    model = graphspec.build(path)
    whole = keras.applications.MobileNetV2((32, 32, 3), 0.35, include_top=False, weights=None)
    whole.set_weights(model.get_weights())
    names: dict[str, object] = {"__name__": "made"}
    exec(graphspec.python_source(graphspec.load(path), path.parent), names)
    made = names["build_model"]()  # type: ignore[operator]
    made.set_weights(model.get_weights())
    x = np.random.default_rng(0).random((2, 32, 32, 3)).astype("float32")
    expected = keras.Model(whole.input, {"own": whole.output, "low": whole.get_layer("block_1_expand").output})(x)
    for name, value in expected.items():
        np.testing.assert_allclose(model({"x": x})[name], value, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(made({"x": x})[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("taps", "words"),
    [
        ("[lwo]", "did you mean `low`?"),
        ("[low, low]", "twice"),
        ("[{low: 1}]", "a mapping"),
        ("['lo w']", "cannot be an output"),
    ],
)
def test_taps_that_are_not_there_are_found(write: Write, base: keras.Model, taps: str, words: str) -> None:
    """A layer that the file does not have is found before TensorFlow is loaded; so is a name twice or none."""
    text = SPEC.replace("[low, high]", taps).partition("outputs:")[0] + "outputs: {own: 'parts[0]'}\n"
    (found,) = graphspec.validate(write(text))
    assert found.rule.code == "GS441"
    assert words in f"{found.message} {found.help}"


def test_taps_of_applications_are_looked_up(write: Write) -> None:
    """A layer that an application does not have, and the output itself, are found; inside other widths by the build."""
    mended = {"block_1_expnd": "did you mean `block_1_expand`?", "out_relu": "an output of the model already"}
    for tap, words in mended.items():
        application = f"{{application: MobileNetV2, include_top: false, input_shape: [32, 32, 3], taps: [{tap}]}}"
        text = SPEC.replace("{file: base.keras, taps: [low, high]}", application).replace("x: [4]", "x: [32, 32, 3]")
        path = write(text.partition("outputs:")[0] + "outputs: {own: 'parts[0]'}\n")
        (known,) = graphspec.validate(path)
        path.write_text(path.read_text(encoding="utf-8").replace("taps", "alpha: 0.35, taps"), encoding="utf-8")
        assert list(graphspec.validate(path)) == []
        (found,) = graphspec.validate(path, deep=True)
        assert (known.rule, known.message, known.help) == (found.rule, found.message, found.help)
        assert (found.rule.code, words in f"{found.message} {found.help}") == ("GS441", True)


def test_outputs_that_a_tapped_application_does_not_have_are_found(write: Write) -> None:
    """The same is said before the model is built and by its build, which alone knows other widths."""
    for arguments, deep in (("", False), ("alpha: 0.35, ", True)):
        application = f"{{application: MobileNetV2, include_top: false, {arguments}taps: [block_1_expand]}}"
        text = SPEC.replace("{file: base.keras, taps: [low, high]}", application).replace("x: [4]", "x: [32, 32, 3]")
        path = write(text.partition("outputs:")[0] + "outputs: {own: parts.out_relu, low: parts.block_1_expnad}\n")
        (found,) = graphspec.validate(path, deep=deep)
        assert found.rule.code == "GS306"
        assert "did you mean `block_1_expand`?" in found.help


def test_layers_that_can_be_tapped_are_listed(base: keras.Model, tmp_path: Path) -> None:
    """`graphspec layers --of` shows name, class and shape, of a file or an application."""

    def call(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["layers", *arguments])
        return result.exit_code, result.output

    assert call("--of", str(tmp_path / "base.keras")) == (
        0,
        "low   Dense  (batch, 3)\nhigh  Dense  (batch, 5)\nend   Dense  (batch, 1)\n",
    )
    assert "conv5_block3_out" in call("--of", "application:ResNet50")[1]
    assert "did you mean `ResNet50`?" in call("--of", "application:ResNet5O")[1]
    assert call("--of", str(tmp_path / "nothing.keras"))[0] == 1
    assert call("--of", "application:ResNet50", "Dense")[0] == 2
