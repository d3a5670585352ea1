"""Weights at the top of a spec: where its trainings, its runs and the specs that include it find them."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import Input
from keras import layers as L  # noqa: N812

import graphspec
from graphspec.diagnostics import SpecError

TRAINED = """
graphspec: 1
inputs: {x: [3]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
weights: start.weights.h5
training: {optimizer: {SGD: 0.01}, epochs: 2, batch_size: 4}
data:
  train: {inputs: {x: x.npy}, outputs: {y: y.npy}}
"""


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A spec whose weights compute 1, 2 and 3 times its inputs, with data."""
    dense = L.Dense(1, name="y")
    model = keras.Sequential([Input((3,), name="x"), dense])
    dense.set_weights([np.array([[1.0], [2.0], [3.0]]), np.array([0.5])])
    model.save_weights(tmp_path / "start.weights.h5")
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", x @ np.array([[1.0], [2.0], [3.0]], "float32") + 0.5)
    (tmp_path / "spec.yaml").write_text(TRAINED, encoding="utf-8")
    return tmp_path


def test_training_starts_from_the_weights_of_the_spec(trained: Path) -> None:
    """The loss of a training on what the weights already compute is next to nothing; resuming ends the same."""
    whole = graphspec.train(trained / "spec.yaml", overrides=["training.epochs=4"], run_dir=trained / "whole")
    assert max(row["loss"] for row in whole.metrics) < 1e-6
    graphspec.train(trained / "spec.yaml", run_dir=trained / "halves")
    halves = graphspec.resume(trained / "halves", epochs=4)
    weights = (each.model().get_weights() for each in (whole, halves))
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_run_needs_no_weights_of_the_spec(trained: Path) -> None:
    """A run has its own weights: it is resumed, evaluated and predicts where the file of the spec is gone."""
    graphspec.train(trained / "spec.yaml", run_dir=trained / "run")
    (trained / "start.weights.h5").unlink()
    resumed = graphspec.resume(trained / "run", epochs=3)
    assert len(resumed.metrics) == 3
    assert resumed.evaluate("train")["loss"] < 1e-6
    (rows,) = resumed.predict("train").values()
    assert np.allclose(np.asarray(rows), np.load(trained / "y.npy"), atol=1e-3)


def test_missing_weights_are_found_before_tensorflow(trained: Path) -> None:
    """A file of weights that is not there is a finding of `validate` at its line."""
    (trained / "start.weights.h5").unlink()
    (finding,) = graphspec.validate(trained / "spec.yaml")
    assert (finding.rule.code, finding.span.line if finding.span else None) == ("GS601", 5)


def test_included_spec_keeps_its_weights(trained: Path) -> None:
    """A spec that is a model of another one brings its weights, and `weights` there replaces them."""
    other = trained / "other" / "outer.yaml"
    other.parent.mkdir()
    models = "models: {inner: {spec: ../spec.yaml%s}}\n"
    outer = f"graphspec: 1\n{models}inputs: {{x: [3]}}\noutputs: {{z: {{from: x, apply: inner}}}}\n"
    other.write_text(outer % "", encoding="utf-8")
    sample = {"x": np.ones((1, 3), "float32")}
    assert float(keras.tree.flatten(graphspec.build(other)(sample))[0][0, 0]) == 6.5
    zeros = keras.Sequential([Input((3,), name="x"), L.Dense(1, name="y", kernel_initializer="zeros")])
    zeros.save_weights(other.parent / "zeros.weights.h5")
    other.write_text(outer % ", weights: zeros.weights.h5", encoding="utf-8")
    assert float(keras.tree.flatten(graphspec.build(other)(sample))[0][0, 0]) == 0.0


def test_weights_of_layers_that_have_not_learned_are_said(trained: Path) -> None:
    """Weights for a layer whose words are not known are a finding, as Keras cannot write those that it has."""
    (trained / "spec.yaml").write_text(
        "graphspec: 1\ninputs: {x: {shape: [], dtype: string}}\nweights: start.weights.h5\n"
        "outputs: {y: {from: x, apply: {StringLookup: {output_mode: tf_idf}}}}\n",
        encoding="utf-8",
    )
    with pytest.raises(SpecError) as raised:
        graphspec.build(trained / "spec.yaml")
    (error,) = raised.value.report.errors
    assert (error.rule.code, error.span.line if error.span else None) == ("GS510", 3)
    assert "cannot write" in error.message
