"""GS517: layers that normalise by the rows of one device, those inside models from elsewhere included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import pytest

import graphspec
from graphspec.diagnostics import Report

Write = Callable[..., Path]

SPEC = """
graphspec: 1
models: {seen: {file: base.keras}}
inputs: {x: [4]}
outputs: {y: {from: x, apply: [seen, {Dense: {units: 1, name: head}}], loss: mse}}
training: {optimizer: adam, distribute: mirrored}
"""


def found(report: Report) -> list[str]:
    return [each.rule.code for each in report]


@pytest.fixture
def saved(tmp_path: Path) -> None:
    """A saved model that normalises inside a nested model, and inside of that model in a wrapper."""
    x = keras.Input((4,))
    steps = keras.layers.TimeDistributed(keras.layers.BatchNormalization(name="steps"), name="each")
    inner = keras.Sequential(
        [keras.Input((4,)), keras.layers.Reshape((2, 2)), steps, keras.layers.Flatten(), norm()], name="inner"
    )
    keras.Model(x, inner(keras.layers.BatchNormalization(synchronized=True)(x))).save(tmp_path / "base.keras")


def norm() -> keras.Layer:
    return keras.layers.BatchNormalization(name="norm")


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("", ""), ["2 layers", "inner/each/steps"]),
        (("mirrored", "null"), []),
        (("base.keras", "base.keras, trainable: false"), []),
        (("mirrored", "mirrored, freeze: [seen]"), []),
        (("mirrored", "mirrored, freeze: [seen/inner]"), []),
        (("mirrored", "mirrored, freeze: [seen/inner/norm]"), ["1 layer", "inner/each/steps"]),
        (("mirrored", "mirrored, freeze: [seen/inner/each]"), ["1 layer", "inner/norm"]),
        (("mirrored", "mirrored, freeze: ['*/norm', '*steps']"), []),
        (
            ("mirrored", "mirrored, freeze: [seen], stages: [{epochs: 1}, {epochs: 1, unfreeze: [seen]}]"),
            ["2 layers", "inner/each/steps"],
        ),
    ],
)
def test_saved_models_normalise_by_the_rows_of_a_device(
    write: Write, change: tuple[str, str], names: list[str]
) -> None:
    """The file tells of layers at any depth that train; those that are frozen use statistics they have learnt."""
    report = graphspec.validate(write(SPEC.replace(*change) if change[0] else SPEC))
    assert found(report) == ["GS517"] * bool(names)
    assert all(name in next(iter(report)).message for name in names)


@pytest.mark.parametrize(("freeze", "codes"), [("", ["GS517"]), (", freeze: [head]", []), (", freeze: ['h*']", [])])
def test_layers_that_no_stage_trains_are_not_reported(write: Write, freeze: str, codes: list[str]) -> None:
    """A layer that `freeze` names uses the statistics that it has learnt."""
    text = SPEC.replace("{Dense: {units: 1, name: head}}", "{BatchNormalization: {name: head}}, {Dense: 1}")
    text = text.replace("seen, ", "").replace("models: {seen: {file: base.keras}}", "")
    assert found(graphspec.validate(write(text.replace("mirrored", f"mirrored{freeze}")))) == codes


def test_what_only_the_built_model_tells(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer of others in the file may hold anything, so the build tells; with all of it frozen, nothing is said."""
    (tmp_path / "own.py").write_text(PLUGIN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    write_saved(tmp_path)
    path = write(SPEC.replace("models:", "plugins: [own]\nmodels:"))
    assert found(graphspec.validate(path)) == []
    (finding,) = graphspec.validate(path, deep=True)
    assert finding.rule.code == "GS517"
    assert "`seen` (1 layer, such as `inside`)" in finding.message
    assert found(graphspec.validate(path, ["training.freeze=['seen/*']"], deep=True)) == []


PLUGIN = '''
"""A layer that normalises."""

import keras


@keras.saving.register_keras_serializable("own")
class Normalised(keras.layers.Layer):
    """Normalise by a layer inside of it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inside = keras.layers.BatchNormalization(name="inside")

    def build(self, shape):
        self.inside.build(shape)

    def call(self, x, training=None):
        return self.inside(x, training=training)
'''


def write_saved(folder: Path) -> None:
    """Save a model with the layer of the plugin."""
    names: dict[str, type[keras.layers.Layer]] = {}
    exec(PLUGIN, names)
    x = keras.Input((4,))
    keras.Model(x, names["Normalised"]()(x)).save(folder / "base.keras")
    keras.saving.get_custom_objects().clear()
