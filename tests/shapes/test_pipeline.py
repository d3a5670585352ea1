"""`Pipeline`, and mappings of images with what belongs to them: against the models that Keras builds of the specs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec.shapes.layers.pipeline import PLAIN

from .documents import assert_document_agrees
from .test_images import SIZED, required

quick = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def arguments(name: str) -> dict[str, Any]:
    if name in SIZED:
        return {"height": 9, "width": 7}
    return {"scale": 0.1} if name == "Rescaling" else required(name)


@quick
@given(
    held=st.lists(st.sampled_from(sorted(PLAIN)), min_size=1, max_size=3),
    sizes=st.lists(st.integers(6, 20), min_size=2, max_size=2),
    dtype=st.sampled_from(["float32", "uint8", "float16"]),
)
def test_pipeline(tmp_path: Path, held: list[str], sizes: list[int], dtype: str) -> None:
    """Coloured images of known size through plain layers come out in the shapes that Keras traces."""
    assert_document_agrees(
        {
            "inputs": {"image": {"shape": [*sizes, 3], "dtype": dtype}},
            "graph": {"y": {"from": "image", "apply": {"Pipeline": {"layers": [{n: arguments(n)} for n in held]}}}},
            "outputs": {"out": "y"},
        },
        tmp_path,
    )


@pytest.mark.parametrize("name", ["MixUp", "CutMix", "RandomFlip", "RandAugment", "RandomCrop", "RandomGrayscale"])
@pytest.mark.parametrize("images", ["images", "pictures"])
def test_mapping_of_images(tmp_path: Path, name: str, images: str) -> None:
    """A mapping goes through the layers that keep shapes, whatever its names, and through no other."""
    assert_document_agrees(
        {
            "inputs": {"photo": {"shape": [8, 8, 3], "dtype": "uint8"}, "kind": [4]},
            "graph": {"y": {"from": {images: "photo", "labels": "kind"}, "apply": {name: arguments(name)}}},
            "outputs": {"out": "y[0]"},
        },
        tmp_path,
    )
