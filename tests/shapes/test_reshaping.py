"""Layers that rearrange numbers, pad, crop and repeat: their shapes and verdicts against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec.catalog import find, names

from .oracle import Case, assert_agree
from .test_convolution import DTYPES, FORMATS, per_dimension, rank, shapes

SIZES = st.lists(st.sampled_from([None, 1, 2, 2, 3, 4, 6]), max_size=4)

LAYERS = {
    name: {"Zero": "padding", "Crop": "cropping", "UpSa": "size"}[name[:4]]
    for name in names("layers")
    if name.startswith(("ZeroPadding", "Cropping", "UpSampling"))
}

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(sizes=SIZES, dtype=DTYPES, batch_size=st.sampled_from([None, 2]))
def test_flatten(tmp_path: Path, sizes: list[int | None], dtype: str, batch_size: int | None) -> None:
    """Any shape flattened."""
    assert_agree(Case("Flatten", {}, sizes, dtype, batch_size=batch_size), tmp_path)


@quick
@given(data=st.data(), sizes=SIZES, dtype=DTYPES)
def test_reshape(tmp_path: Path, data: st.DataObject, sizes: list[int | None], dtype: str) -> None:
    """Any shape into any other, mostly of as many numbers: the same result, or both refuse."""
    wanted = data.draw(
        st.lists(st.sampled_from([-1, 0, 1, 2, 3, 4, 6, 12, None, -2]), max_size=4)
        | st.permutations([1 if size is None else size for size in sizes])
        | st.permutations([-1, *[2 if size is None else size for size in sizes[1:]]])
    )
    assert_agree(Case("Reshape", {"target_shape": wanted}, sizes, dtype), tmp_path)


@quick
@given(data=st.data(), sizes=SIZES, dtype=DTYPES)
def test_permute(tmp_path: Path, data: st.DataObject, sizes: list[int | None], dtype: str) -> None:
    """Dimensions in any order, and orders that do not fit: the same result, or both refuse."""
    dims = data.draw(st.permutations(range(1, len(sizes) + 1)) | st.lists(st.integers(0, 4), max_size=4))
    assert_agree(Case("Permute", {"dims": dims}, sizes, dtype), tmp_path)


@settings(quick, max_examples=30)
@given(sizes=SIZES, times=st.integers(1, 4), dtype=DTYPES)
def test_repeat_vector(tmp_path: Path, sizes: list[int | None], times: int, dtype: str) -> None:
    """Any shape into `RepeatVector`: the same result, or both refuse."""
    assert_agree(Case("RepeatVector", {"n": times}, sizes, dtype), tmp_path)


def ends(count: int) -> st.SearchStrategy[Any]:
    """Draw the padding or cropping at both ends: one number for all, a number a dimension, or two."""
    few = st.integers(0, 3)
    pair = st.lists(few, min_size=2, max_size=2)
    return few | (pair if count == 1 else st.lists(few | pair, min_size=count, max_size=count))


@settings(quick, max_examples=200)
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
