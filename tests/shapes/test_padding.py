"""Layers that pad, crop and repeat: their shapes and verdicts against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec.catalog import find, names

from .oracle import Case, assert_agree
from .test_convolution import DTYPES, FORMATS, per_dimension, rank, shapes

LAYERS = {
    name: {"Zero": "padding", "Crop": "cropping", "UpSa": "size"}[name[:4]]
    for name in names("layers")
    if name.startswith(("ZeroPadding", "Cropping", "UpSampling"))
}

quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ends(count: int) -> st.SearchStrategy[Any]:
    """What is added or cut at both ends: one number for all, a number a dimension, or two."""
    few = st.integers(0, 3)
    pair = st.lists(few, min_size=2, max_size=2)
    return few | (pair if count == 1 else st.lists(few | pair, min_size=count, max_size=count))


@quick
@given(name=st.sampled_from(sorted(LAYERS)), data=st.data(), dtype=DTYPES)
def test_spatial_sizes(tmp_path: Path, name: str, data: st.DataObject, dtype: str) -> None:
    """Any padding, cropping or repetition of any shape: the same result, or both refuse."""
    count, argument, entry = rank(name), LAYERS[name], find("layers", name)
    assert entry is not None
    factors = st.integers(1, 3) if name == "UpSampling1D" else per_dimension(st.integers(1, 3), count)
    arguments = {argument: data.draw(factors if argument == "size" else ends(count))}
    if data.draw(st.booleans()):
        arguments = {}
    if "data_format" in entry.arguments:
        arguments["data_format"] = data.draw(FORMATS)
    assert_agree(Case(name, arguments, data.draw(shapes(count)), dtype), tmp_path)
