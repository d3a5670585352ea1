"""The arguments of calls on the way back: those that Keras adds are left out, and those that differ are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import pytest
from keras import Input, Model, ops
from keras import layers as L  # noqa: N812

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file
from tests.from_keras.configs import write_json
from tests.from_keras.round_trip import differences
from tests.from_keras.wiring import wired


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    """Let Keras number the names of layers from the start."""
    keras.backend.clear_session()


def texted(config: Any, folder: Path) -> str:
    """Return the spec of a configuration as text."""
    return decompile_file(read_model_file(write_json(folder / "model.json", config)), DecompileOptions()).text


def test_training_of_a_call_comes_back(tmp_path: Path) -> None:
    """`training` is kept where it is another than a layer has by itself: augmentation has true, others false."""
    x = Input((8, 8, 3), name="x")
    within = Input((8, 8, 3), name="z")
    inner = Model(within, L.Dropout(0.5)(within), name="inner")
    y = L.RandomSharpness(0.1, name="still")(x, training=False)
    y = L.Dropout(0.5, name="always")(y, training=True)
    y = L.BatchNormalization()(L.RandomFlip()(y), training=False)
    model = Model(x, L.Flatten()(inner(inner(y, training=True), training=False)))
    found, _ = differences(model, tmp_path, numbers=False)
    assert found == []
    text = (tmp_path / "spec.yaml").read_text()
    calls = [line.strip() for line in text.splitlines() if "training" in line]
    assert [line.partition("call: ")[2] for line in calls] == [
        "{training: false}}",
        "{training: true}}",
        "{training: true}}",
    ]


def test_mask_of_another_shape_comes_back(tmp_path: Path) -> None:
    """A mask that keeps its last axis is none that Keras would pass by itself."""
    x = Input((5, 4), name="x")
    mask = ops.any(ops.not_equal(x, 0.5), axis=-1, keepdims=True)
    found, _ = differences(Model(x, L.LSTM(3)(L.Masking(0.5)(x), mask=mask)), tmp_path)
    assert found == []
    assert "keepdims: true" in (tmp_path / "spec.yaml").read_text()


@pytest.mark.parametrize("call", [0, 1, 2])
def test_outputs_of_nested_models_are_counted_as_keras_does(call: int, tmp_path: Path) -> None:
    """Keras counts the calls of a nested model from one, and takes zero for the last."""
    x, within = Input((4,), name="x"), Input((4,), name="z")
    inner = Model(within, L.Dense(4, name="d")(within), name="inner")
    first = inner(x)
    config = json.loads(Model(x, [first, inner(L.ReLU(name="r")(first))]).to_json())
    config["config"]["output_layers"][0] = ["inner", call, 0]
    built = graphspec.build(
        decompile_file(read_model_file(write_json(tmp_path / "m.json", config)), DecompileOptions()).spec
    )
    loaded = keras.saving.deserialize_keras_object(config)
    assert wired(loaded, built) == []


@pytest.mark.parametrize(
    ("value", "dtype", "is_sound"),
    [
        (0.5, "float32", True),
        (2, "float32", True),
        ([1, 2, 3, 4], "int64", True),
        (0.5, "int64", False),
        ([1, 2, 3, 0.5], "int32", False),
        ([True], "float32", False),
        (1, "bool", False),
        (0.5, "float16", True),
    ],
)
def test_constants_keep_their_values(value: Any, dtype: str, is_sound: bool, tmp_path: Path) -> None:
    """An array whose dtype changes its values is a finding; any other is computed with as Keras does."""
    x = Input((4,), name="x")
    config = json.loads(Model(x, x * 3.0).to_json())
    written = {"class_name": "__numpy__", "config": {"value": value, "dtype": dtype}}
    config["config"]["layers"][1]["inbound_nodes"][0]["args"][1] = written
    path = write_json(tmp_path / "m.json", config)
    if not is_sound:
        with pytest.raises(SpecError, match=f"constant of the dtype {dtype}"):
            decompile_file(read_model_file(path), DecompileOptions())
        return
    built = graphspec.build(decompile_file(read_model_file(path), DecompileOptions()).spec)
    loaded = keras.saving.deserialize_keras_object(config)
    batch = ops.ones((2, 4))
    assert (
        ops.convert_to_numpy(loaded(batch)).tolist() == ops.convert_to_numpy(built({"x": batch})["multiply"]).tolist()
    )
