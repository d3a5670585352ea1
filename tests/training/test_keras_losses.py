"""Losses of Keras that weigh samples by how hard they are, or smooth labels: by Keras' own names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import graphspec

SPEC = """
graphspec: 1
inputs: {x: [3]}
outputs:
  rare:
    from: x
    apply: {Dense: {units: 1, activation: sigmoid}}
    loss: {BinaryFocalCrossentropy: {apply_class_balancing: true, alpha: 0.7, gamma: 1.5}}
  kind:
    from: x
    apply: {Dense: {units: 4, activation: softmax}}
    loss: {CategoricalFocalCrossentropy: {gamma: 3.0}}
  smooth:
    from: x
    apply: {Dense: {units: 4, activation: softmax}}
    loss: {CategoricalCrossentropy: {label_smoothing: 0.1}}
  named: {from: x, apply: {Dense: {units: 1, activation: sigmoid}}, loss: binary_focal_crossentropy}
training: {optimizer: {SGD: 0.0}, batch_size: 6}
data:
  train:
    file: data.npz
    inputs: {x: {key: x}}
    outputs: {rare: {key: flag}, kind: {key: kind, one_hot: 4}, smooth: {key: kind, one_hot: 4}, named: {key: flag}}
"""


def test_focal_losses_and_label_smoothing_are_those_of_keras(write: Callable[..., Path], tmp_path: Path) -> None:
    """Each loss by its Keras name gives what Keras computes from the same predictions."""
    draw = np.random.default_rng(0)
    x, flag, kind = draw.normal(size=(12, 3)).astype("float32"), draw.integers(0, 2, (12, 1)), draw.integers(0, 4, 12)
    np.savez(tmp_path / "data.npz", x=x, flag=flag.astype("float32"), kind=kind)
    run = graphspec.train(write(SPEC), run_dir=tmp_path / "run")
    predicted = keras.saving.load_model(run.path / "model.keras")({"x": x})
    one_hot = keras.utils.to_categorical(kind, 4)
    expected = {
        "rare": keras.losses.BinaryFocalCrossentropy(True, alpha=0.7, gamma=1.5)(flag, predicted["rare"]),
        "kind": keras.losses.CategoricalFocalCrossentropy(gamma=3.0)(one_hot, predicted["kind"]),
        "smooth": keras.losses.CategoricalCrossentropy(label_smoothing=0.1)(one_hot, predicted["smooth"]),
        "named": keras.losses.BinaryFocalCrossentropy()(flag, predicted["named"]),
    }
    for name, value in expected.items():
        assert run.history[f"{name}_loss"] == pytest.approx([float(value)], rel=1e-5)
