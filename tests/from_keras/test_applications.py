"""Models of `keras.applications`, decompiled and built again.

One of each family, and the deepest ResNet; `scripts/make_decompile_table.py` checks every one.
"""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

import keras
import pytest

import graphspec
from tests.from_keras.applications import NAMES, application, decompiled
from tests.from_keras.round_trip import differences, structural
from tests.from_keras.wiring import wired

PAGE = Path(__file__).parents[2] / "docs" / "decompile.md"
_ROW = re.compile(r"^\| (\w+) \| ([\d,]+) \| ([\d,]+) \|", re.MULTILINE)
ROWS = {
    name: (int(spec.replace(",", "")), int(config.replace(",", "")))
    for name, spec, config in _ROW.findall(PAGE.read_text(encoding="utf-8"))
}
"""The lines of spec and configuration of each application, as the page tells them."""

QUICK = ("MobileNet",)
SLOW = ("ConvNeXtTiny", "EfficientNetV2B0", "MobileNetV3Small", "ResNet50")
LONG = (
    *("DenseNet121", "InceptionResNetV2", "InceptionV3", "MobileNetV2", "NASNetMobile", "ResNet152V2", "VGG16"),
    "Xception",
)
WITHOUT_TOP = ("ResNet50", "MobileNetV3Small", "ConvNeXtTiny")


def check(model: keras.Model, folder: Path) -> tuple[int, int]:
    """Check that the spec of a model without numbers builds the same; return the lines of spec and configuration."""
    spec, lines = decompiled(model, folder)
    built = graphspec.build(folder / "spec.yaml", weightless=True)
    assert structural(model, built) == []
    assert wired(model, built) == []
    return len(spec.text.splitlines()), lines


@pytest.mark.parametrize(
    "name",
    [
        *QUICK,
        *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW),
        *(pytest.param(name, marks=pytest.mark.long) for name in LONG),
    ],
)
def test_application_comes_back(name: str, tmp_path: Path) -> None:
    """A model of any size has the same layers, arguments, wiring and shapes of weights, without allocating these."""
    assert check(application(name), tmp_path) == ROWS[name]


def test_table_of_the_page() -> None:
    """Every application has a row; the median spec is a tenth of its configuration, and two have own limits."""
    assert sorted(ROWS) == NAMES
    assert statistics.median(spec / config for spec, config in ROWS.values()) <= 0.1
    assert ROWS["ResNet50"][0] <= 120
    assert ROWS["EfficientNetV2B0"][0] <= 150


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHOUT_TOP)
def test_application_without_its_top_comes_back(name: str, tmp_path: Path) -> None:
    """The same of a model that ends in features, of images of any size or of a small one."""
    check(application(name, include_top=False), tmp_path)
    check(application(name, include_top=False, input_shape=(64, 64, 3), pooling="avg"), tmp_path)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("MobileNet", {"alpha": 0.25, "input_shape": (32, 32, 3), "classes": 10}),
        ("MobileNetV3Small", {"alpha": 0.35, "input_shape": (32, 32, 3), "classes": 5, "minimalistic": True}),
        pytest.param("EfficientNetV2B0", {"input_shape": (32, 32, 3), "classes": 5}, marks=pytest.mark.slow),
        pytest.param("ResNet50", {"input_shape": (32, 32, 3), "classes": 5}, marks=pytest.mark.slow),
    ],
)
def test_application_computes_the_same(name: str, arguments: dict[str, Any], tmp_path: Path) -> None:
    """With the same weights the outputs are equal to the bit."""
    keras.backend.clear_session()
    found, _ = differences(getattr(keras.applications, name)(weights=None, **arguments), tmp_path)
    assert found == []
