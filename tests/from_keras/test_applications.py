"""The models of `keras.applications`, decompiled and built again."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import pytest

import graphspec
from graphspec import catalog
from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file
from graphspec.to_keras.keras_internals import weightless_scope
from tests.from_keras.round_trip import differences, structural

MAX_LINES = {"ResNet50": 120, "EfficientNetV2B0": 150}
"""Lines that a person would need."""


def decompiled(name: str, folder: Path) -> tuple[keras.Model, Path]:
    """Return an application without weights, and the path of its spec."""
    keras.backend.clear_session()
    with weightless_scope():
        model = getattr(keras.applications, name)(weights=None)
    config, spec = folder / "config.json", folder / "spec.yaml"
    config.write_text(json.dumps(keras.saving.serialize_keras_object(model)), encoding="utf-8")
    decompile_file(read_model_file(config), DecompileOptions(path=spec))
    return model, spec


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in MAX_LINES else pytest.mark.slow) for name in catalog.applications()],
)
def test_application_comes_back(name: str, tmp_path: Path) -> None:
    """Names, arguments and order of layers are the same, and shapes and order of weights; the spec is short."""
    model, spec = decompiled(name, tmp_path)
    assert structural(model, graphspec.build(spec, weightless=True)) == []
    lines = spec.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES.get(name, (tmp_path / "config.json").stat().st_size // 10)


def test_application_computes_the_same(tmp_path: Path) -> None:
    """With the same weights, outputs are equal to the bit."""
    model = keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), classes=10)
    assert differences(model, tmp_path)[0] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ResNet50V2", "DenseNet121", "EfficientNetB0"])
def test_application_without_its_top_computes_the_same(name: str, tmp_path: Path) -> None:
    """The same for the features alone, whose output is an inner layer."""
    model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(64, 64, 3))
    assert differences(model, tmp_path)[0] == []
