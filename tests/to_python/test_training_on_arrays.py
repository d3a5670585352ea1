"""`train` of a module whose spec names no data: it takes arrays, and honours what the spec says of classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec

X = np.arange(8, dtype="float32").reshape(8, 1)
KIND = np.array([0, 0, 0, 0, 0, 1, 1, 2])
SIZE = np.ones((8, 1), "float32")
BALANCED = np.where(KIND == 0, 8 / 15, np.where(KIND == 1, 8 / 6, 8 / 3)).astype("float32")
SPEC = """
graphspec: 1
inputs: {{x: [1]}}
outputs:
  kind:
    from: x
    apply: {{Dense: {{units: 3, activation: softmax}}}}
    loss: {loss}
    class_weight: {weights}
  size: {{from: x, apply: {{Dense: 1}}, loss: mse}}
training: {{optimizer: sgd, epochs: 1, batch_size: 3{more}}}
"""
Fitted = Callable[..., dict[str, Any]]


@pytest.fixture
def fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fitted:
    """Return a function that exports a spec, trains by its module, and returns what it hands to `fit`."""

    def train(weights: Any, *, loss: str = "sparse_categorical_crossentropy", more: str = "", **given: Any) -> Any:
        (tmp_path / "spec.yaml").write_text(SPEC.format(weights=weights, loss=loss, more=more))
        module: dict[str, Any] = {"__name__": "made"}
        exec(graphspec.python_source(graphspec.load(tmp_path / "spec.yaml"), tmp_path), module)
        seen: dict[str, Any] = {}
        fit = keras.Model.fit

        def watched(model: keras.Model, x: Any, *args: Any, **keywords: Any) -> Any:
            seen.update(keywords, x=x)
            return fit(model, x, *args, **{**keywords, "verbose": 0})

        monkeypatch.setattr(keras.Model, "fit", watched)
        kind = KIND if loss.startswith("sparse") else np.eye(3, dtype="float32")[KIND]
        module["train"]({"x": X}, {"kind": kind, "size": SIZE}, **given)
        return seen

    return train


@pytest.mark.parametrize(
    ("weights", "loss", "expected"),
    [
        ("{0: 2.0, 2: 0.5}", "sparse_categorical_crossentropy", [2, 2, 2, 2, 2, 1, 1, 0.5]),
        ("balanced", "sparse_categorical_crossentropy", BALANCED),
        ("balanced", "categorical_crossentropy", BALANCED),
    ],
)
def test_classes_are_weighed(fitted: Fitted, weights: str, loss: str, expected: Any) -> None:
    """Numbers of the spec, and balanced ones of the targets, weigh the samples of their output alone."""
    given = fitted(weights, loss=loss)["sample_weight"]
    np.testing.assert_allclose(given["kind"], expected, rtol=1e-6)
    np.testing.assert_array_equal(given["size"], np.ones(8))


def test_weights_of_samples_are_taken(fitted: Fitted) -> None:
    """They multiply those of classes; an output without any has ones, and the caller's own arrays stay as they are."""
    own = np.arange(8)
    given = fitted("{0: 2.0}", sample_weight={"kind": own})["sample_weight"]
    np.testing.assert_array_equal(given["kind"], [0, 2, 4, 6, 8, 5, 6, 7])
    np.testing.assert_array_equal(own, np.arange(8))
    given = fitted("{}", sample_weight={"size": own})["sample_weight"]
    np.testing.assert_array_equal(given["size"], own)
    np.testing.assert_array_equal(given["kind"], np.ones(8))
    assert fitted("{}")["sample_weight"] is None


def test_whole_batches_are_weighed(fitted: Fitted) -> None:
    """With `drop_remainder`, batches hold the weights."""
    batches = list(fitted("{0: 2.0}", more=", drop_remainder: true")["x"])
    assert len(batches) == 2
    for _, targets, weights in batches:
        np.testing.assert_array_equal(weights["kind"], np.where(targets["kind"] == 0, 2.0, 1.0))
    assert len(next(iter(fitted("{}", more=", drop_remainder: true")["x"]))) == 3


def test_losses_of_the_graph_keep_their_sign(tmp_path: Path) -> None:
    """A negative loss lowers the total, as where graphspec trains; plain Keras loads the file of the model."""
    path = tmp_path / "spec.yaml"
    path.write_text("""
        graphspec: 1
        inputs: {x: [1]}
        graph:
          code: {from: x, apply: {Dense: {units: 2, kernel_initializer: zeros, bias_initializer: {Constant: -3.0}}}}
        outputs: {y: {from: code, apply: {Dense: {units: 1, kernel_initializer: zeros}}, loss: mse}}
        losses: {low: {from: code, apply: {ops.mean: {axis: -1}}, weight: 0.1}}
        training: {optimizer: sgd, epochs: 1, batch_size: 8}
    """)
    module: dict[str, Any] = {"__name__": "made"}
    exec(graphspec.python_source(graphspec.load(path), tmp_path), module)
    model = module["build_model"]()
    for _ in range(2):  # once for each stage
        module["compile_model"](model)
    found = model.evaluate({"x": X}, {"y": SIZE}, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(1.0 - 0.3)
    model.save(tmp_path / "model.keras")
    layer = keras.saving.load_model(tmp_path / "model.keras").get_layer("low")
    assert isinstance(layer.activity_regularizer, keras.regularizers.L1)
