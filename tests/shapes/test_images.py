"""Preprocessing layers for images: their shapes and verdicts against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec.catalog import find, names

from .oracle import Case, assert_agree
from .test_convolution import DTYPES

SIZED = ["CenterCrop", "RandomCrop", "Resizing"]
OTHERS = [
    *("AugMix", "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "Equalization"),
    *("MaxNumBoundingBoxes", "MixUp", "RandAugment", "Solarization"),
    *(name for name in names("layers") if name.startswith("Random") and name != "RandomCrop"),
]
REQUIRED = {"max_number": 4, "factor": 0.5, "height_factor": 0.2, "width_factor": 0.1}
SHAPES = st.lists(st.sampled_from([None, 1, 3, 4, 8]), max_size=5) | st.lists(
    st.sampled_from([None, 1, 3, 4, 8]), min_size=3, max_size=3
)
FORMATS = st.sampled_from([None, "channels_last", "channels_first"])

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def required(name: str) -> dict[str, Any]:
    entry = find("layers", name)
    assert entry is not None
    factor = {"factor": 3} if name == "RandomPosterization" else {}
    return {argument: {**REQUIRED, **factor}[argument] for argument in entry.required}


@quick
@given(
    name=st.sampled_from(OTHERS), sizes=SHAPES, dtype=DTYPES, order=FORMATS, policy=st.sampled_from([None, "float16"])
)
def test_augmentation(
    tmp_path: Path, name: str, sizes: list[int | None], dtype: str, order: str | None, policy: str | None
) -> None:
    """Any tensor into any augmentation: the same result, or both refuse."""
    entry = find("layers", name)
    assert entry is not None
    arguments = required(name) | {"dtype": policy}
    if "data_format" in entry.arguments:
        arguments["data_format"] = order
    assert_agree(Case(name, arguments, sizes, dtype), tmp_path)


@settings(quick, max_examples=40)
@given(name=st.sampled_from(OTHERS), several=st.lists(SHAPES, min_size=1, max_size=3))
def test_augmentation_of_a_list(tmp_path: Path, name: str, several: list[list[int | None]]) -> None:
    """Lists of tensors pass through augmentations as Keras lets them pass."""
    assert_agree(Case(name, required(name), several, single=False), tmp_path)


@quick
@given(
    name=st.sampled_from(SIZED),
    sizes=SHAPES,
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    dtype=DTYPES,
    order=FORMATS,
)
def test_sizes(
    tmp_path: Path, name: str, sizes: list[int | None], height: int, width: int, dtype: str, order: str | None
) -> None:
    """Any tensor into a layer that crops or resizes: the same result, or both refuse."""
    arguments = {"height": height, "width": width, "data_format": order}
    assert_agree(Case(name, arguments, sizes, dtype), tmp_path)
