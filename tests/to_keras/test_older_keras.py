"""A Keras other than the one that the catalogue was read from: what it lacks, or refuses, is a finding at its place."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec

SPEC = """
graphspec: 1
inputs: {{x: [8, 4]}}
graph:
  h: {{from: x, apply: [{step}]}}
outputs: {{y: {{from: h, apply: [Flatten, {{Dense: 1}}], loss: {loss}, metrics: {metrics}}}}}
training: {{optimizer: {optimizer}, epochs: 1, batch_size: 4, callbacks: {callbacks}}}
data:
  train: {{inputs: {{x: x.npy}}, outputs: {{y: y.npy}}}}
"""
USES = {
    "step": "Flatten",
    "loss": "mse",
    "metrics": "[]",
    "optimizer": "sgd",
    "callbacks": "[]",
}


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], None]:
    """Take a name away from a module of Keras, and call it the release 3.7.0."""

    def remove(module: Any, name: str) -> None:
        monkeypatch.setattr(keras, "__version__", "3.7.0")
        monkeypatch.delattr(module, name)

    return remove


def trained(write: Callable[..., Path], tmp_path: Path, **uses: str) -> graphspec.SpecError:
    """What a training of a spec with `uses` is refused with; `validate`, which does not know Keras, finds nothing."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.random((8, 8, 4), dtype="float32"))
    np.save(tmp_path / "y.npy", rng.random((8, 1), dtype="float32"))
    path = write(SPEC.format(**{**USES, **uses}))
    assert not graphspec.validate(path).errors
    with pytest.raises(graphspec.SpecError) as refused:
        graphspec.train(path, run_dir=tmp_path / "run")
    assert not (tmp_path / "run" / "model.keras").exists()
    return refused.value


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("module", "name", "where", "use", "said"),
    [
        (keras.layers, "Softmax", "step", "Softmax", "layer `Softmax`"),
        (keras.layers, "LSTM", "step", "{Bidirectional: {layer: {LSTM: 2}}}", "layer `LSTM`"),
        (keras.ops, "flip", "step", "{ops.flip: {axis: 1}}", "operation `ops.flip`"),
        (
            keras.ops.image,
            "resize",
            "step",
            "{Reshape: [8, 4, 1]}, {ops.image.resize: {size: [2, 2]}}",
            "`ops.image.re",
        ),
        (keras.initializers, "HeNormal", "step", "{Dense: {units: 2, kernel_initializer: HeNormal}}", "`HeNormal`"),
        (keras.initializers, "he_normal", "step", "{Dense: {units: 2, kernel_initializer: he_normal}}", "`he_normal`"),
        (keras.losses, "LogCosh", "loss", "LogCosh", "loss `LogCosh`"),
        (keras.metrics, "RootMeanSquaredError", "metrics", "[RootMeanSquaredError]", "metric `RootMeanSquaredError`"),
        (keras.optimizers, "Lion", "optimizer", "{Lion: {learning_rate: 0.1}}", "optimizer `Lion`"),
        (keras.optimizers, "Lion", "optimizer", "lion", "optimizer `Lion`"),
        (keras.callbacks, "TerminateOnNaN", "callbacks", "[TerminateOnNaN]", "callback `TerminateOnNaN`"),
    ],
)
def test_what_the_installed_keras_lacks_is_a_finding(
    older: Callable[[Any, str], None],
    write: Callable[..., Path],
    tmp_path: Path,
    module: Any,
    name: str,
    where: str,
    use: str,
    said: str,
) -> None:
    """A layer, an operation, a loss, ... that only a newer Keras has is named at its place, with what to install."""
    older(module, name)
    (finding,) = trained(write, tmp_path, **{where: use}).report
    assert finding.rule.code == "GS201"
    assert "Keras 3.7.0, which is installed, has no" in finding.message
    assert said in finding.message
    assert finding.span is not None
    assert finding.span.line == 1 + next(n for n, line in enumerate(SPEC.splitlines()) if f"{{{where}}}" in line)
    assert "pip install" in finding.help


def test_a_refused_argument_tells_of_another_keras(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Keras refuses an argument that validation knows, the finding tells which Keras it was checked for."""
    monkeypatch.setattr(keras, "__version__", "3.7.0")

    def dense(units: int, name: str) -> None:
        raise AssertionError("no call reaches this")

    monkeypatch.setattr(keras.layers, "Dense", dense)
    found = trained(write, tmp_path, step="{Dense: {units: 2, use_bias: false}}").report.errors
    assert {each.rule.code for each in found} == {"GS209"}
    assert all("Keras 3.7.0 is installed" in each.help for each in found)


def test_a_model_of_another_keras_names_its_writer(write: Callable[..., Path], tmp_path: Path) -> None:
    """A saved model that the installed Keras cannot read is a finding that names the release that wrote it."""
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(tmp_path / "old.keras")
    with zipfile.ZipFile(tmp_path / "old.keras") as old, zipfile.ZipFile(tmp_path / "new.keras", "w") as new:
        for item in old.namelist():
            text = old.read(item)
            if item == "config.json":
                text = text.replace(b'"units": 2', b'"units": 2, "of_the_future": null')
            if item == "metadata.json":
                text = json.dumps({"keras_version": "3.99.0"}).encode()
            new.writestr(item, text)
    path = write(
        """
        graphspec: 1
        inputs: {x: [4]}
        models: {m: {file: new.keras}}
        outputs: {y: {from: x, apply: m}}
        """
    )
    with pytest.raises(graphspec.SpecError) as refused:
        graphspec.build(path)
    (finding,) = refused.value.report
    assert finding.rule.code == "GS602"
    assert "Keras 3.99.0 wrote it" in finding.help
