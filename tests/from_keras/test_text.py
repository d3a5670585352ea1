"""The texts of decompiled models: in canonical style, valid, and as short as a person would write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest
from keras import Input, Model
from keras import layers as L  # noqa: N812

import graphspec
from graphspec.diagnostics import SourceText
from graphspec.editor.formatting import format_source
from tests.from_keras.models import MODELS
from tests.from_keras.round_trip import structural


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    """Let Keras number the names of layers from the start."""
    keras.backend.clear_session()


def text_of(model: Model, folder: Path) -> str:
    """Return the spec of a model."""
    graphspec.decompile(model, folder / "spec.yaml", force=True)
    return (folder / "spec.yaml").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict")
@pytest.mark.parametrize("name", MODELS)
def test_text_is_canonical_and_valid(name: str, tmp_path: Path) -> None:
    """`graphspec fmt` leaves the text as it is, and `validate` finds no error in it."""
    text = text_of(MODELS[name](), tmp_path)
    assert format_source(SourceText("spec.yaml", text)) == text
    assert [finding.message for finding in graphspec.validate(tmp_path / "spec.yaml").errors] == []
    assert max(map(len, text.splitlines())) <= 120


def outputs(*lines: str) -> str:
    """Return the lines of the outputs of a spec."""
    return "outputs:\n" + "".join(f"  {line}\n" for line in lines)


def _after(layer: Any) -> Model:
    x = Input((8, 8, 3), name="x")
    return Model(x, layer(x))


SHORTEST: dict[str, tuple[Any, str]] = {
    "no argument": (lambda: L.ReLU(name="y"), "y: {from: x, apply: ReLU}"),
    "first argument": (lambda: L.Dense(3, name="y"), "y: {from: x, apply: {Dense: 3}}"),
    "one number for all axes": (
        lambda: L.Conv2D(3, (5, 5), strides=(1, 1), name="y"),
        "y: {from: x, apply: {Conv2D: {filters: 3, kernel_size: 5}}}",
    ),
    "numbers by axis": (
        lambda: L.ZeroPadding2D(((0, 1), (0, 1)), name="y"),
        "y: {from: x, apply: {ZeroPadding2D: [[0, 1], [0, 1]]}}",
    ),
    "object by name": (
        lambda: L.Dense(3, kernel_initializer=keras.initializers.HeNormal(), name="y"),
        "y: {from: x, apply: {Dense: {units: 3, kernel_initializer: HeNormal}}}",
    ),
    "default object": (
        lambda: L.Dense(3, kernel_initializer=keras.initializers.GlorotUniform(), name="y"),
        "y: {from: x, apply: {Dense: 3}}",
    ),
    "object with an argument": (
        lambda: L.Dense(3, kernel_regularizer=keras.regularizers.L2(0.5), name="y"),
        "y: {from: x, apply: {Dense: {units: 3, kernel_regularizer: {L2: 0.5}}}}",
    ),
    "float32": (lambda: L.Dropout(0.1, dtype="float32", name="y"), "y: {from: x, apply: {Dropout: 0.1}}"),
    "frozen": (
        lambda: L.Dense(3, trainable=False, name="y"),
        "y: {from: x, apply: {Dense: {units: 3, trainable: false}}}",
    ),
}


@pytest.mark.parametrize(("layer", "line"), SHORTEST.values(), ids=SHORTEST)
def test_layer_is_written_in_its_shortest_form(layer: Any, line: str, tmp_path: Path) -> None:
    """Defaults are left out, and what one word or number says is one."""
    assert text_of(_after(layer()), tmp_path).endswith(outputs(line))


def test_names_of_layers_are_kept_and_those_that_follow_are_not_stated(tmp_path: Path) -> None:
    """A name is written where the rule for names gives another one, and nowhere else."""
    x = Input((4,), name="x")
    y = L.Dropout(0.1, name="tower_dropout")(L.Dense(4, name="first")(x))
    z = L.Dense(2, name="tower_dense")(L.Dense(3, name="odd")(y))
    text = text_of(Model(x, L.Dense(1, name="score")(z)), tmp_path)
    assert [name for name in ("first", "odd") if f"name: {name}" in text] == ["first", "odd"]
    built = graphspec.build(tmp_path / "spec.yaml", weightless=True)
    names = {layer.name for layer in built.layers}
    assert {"first", "tower_dropout", "odd", "tower_dense", "score"} <= names


def test_masks_that_keras_passes_are_not_written(tmp_path: Path) -> None:
    """The masks of `Embedding` and `Masking` are left out; one that the model passes by itself is kept."""
    x, words = Input((5, 4), name="x"), Input((5,), dtype="int32", name="words")
    masked = L.LSTM(3)(L.Dropout(0.1)(L.Masking(0.5)(x)))
    embedded = L.LSTM(3)(L.Embedding(9, 4, mask_zero=True)(words))
    assert "mask:" not in text_of(Model([x, words], [masked, embedded]), tmp_path)
    assert text_of(MODELS["masks"](), tmp_path).count("mask:") == 1


def test_shared_layers_and_models_are_declared_once(tmp_path: Path) -> None:
    """A layer that is applied twice stands under `layers`, a model under `models`."""
    tree = graphspec.decompile(MODELS["shared"](), tmp_path / "spec.yaml").tree
    assert list(tree["layers"]) == ["dense"]
    assert list(tree["models"]) == ["tower"]


def test_compile_becomes_losses_metrics_and_training(tmp_path: Path) -> None:
    """Losses, their weights and metrics stand at the outputs, the optimizer under `training`."""
    spec = graphspec.decompile(MODELS["compiled"](), tmp_path / "spec.yaml")
    found = spec.tree["outputs"]
    assert (found["a"]["loss"], found["a"]["loss_weight"]) == ("mse", 0.3)
    assert found["b"]["loss"] == "SparseCategoricalCrossentropy"
    assert list(found["b"]["metrics"]) == ["accuracy", {"SparseTopKCategoricalAccuracy": 2}]
    assert spec.tree["training"]["optimizer"] == {"Adam": {"clipnorm": 1.0}}


def test_repeated_structure_is_one_block(tmp_path: Path) -> None:
    """Layers that a loop makes, whose first names have no numbers, are uses of one block that has them once."""
    x = before = Input((16,), name="x")
    for _ in range(20):
        inner = L.Dense(16, activation="gelu")(L.LayerNormalization()(before))
        before = L.Add()([before, inner])
    text = text_of(Model(x, L.Dense(1, name="out")(before)), tmp_path)
    assert (text.count("LayerNormalization"), text.count("- residual")) == (1, 20)
    assert len(text.splitlines()) <= 40


def test_arguments_that_follow_from_others_are_left_out(tmp_path: Path) -> None:
    """Strides equal to the pool size, and a value dimension equal to that of the keys, are Keras' own choice."""
    x = Input((24, 24, 3), name="x")
    pooled = L.AveragePooling2D((2, 1), strides=1)(L.MaxPooling2D((2, 3))(L.MaxPooling2D(3, padding="same")(x)))
    rows = L.Reshape((-1, 3))(pooled)
    same = L.MultiHeadAttention(2, 4)(rows, rows)
    model = Model(x, L.MultiHeadAttention(2, 4, value_dim=3, name="y")(same, same))
    text = text_of(model, tmp_path)
    assert (text.count("strides"), text.count("value_dim")) == (1, 1)
    built = graphspec.build(tmp_path / "spec.yaml")
    assert structural(model, built) == []
