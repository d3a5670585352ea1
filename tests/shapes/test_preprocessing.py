"""Preprocessing layers for numbers and categories: their shapes and verdicts against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .oracle import Case, assert_agree
from .sharing import assert_agree_shared
from .test_audio import some
from .test_convolution import DTYPES

SIZES = st.lists(st.sampled_from([None, 1, 1, 2, 3]), max_size=4)
NUMBERS = st.sampled_from([1, 0.5, [1, 2], [1, 2, 3], [4.0], [[1, 2]], [[1], [2]], None])
DTYPE_ARGUMENT = st.sampled_from([None, "float16", "int32", "int64", "mixed_float16"])

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(quick, max_examples=30)
@given(sizes=st.lists(SIZES, min_size=1, max_size=3), single=st.booleans(), dtype=DTYPES)
def test_rescaling(tmp_path: Path, sizes: list[list[int | None]], single: bool, dtype: str) -> None:
    """One tensor or several, rescaled."""
    assert_agree(Case("Rescaling", {"scale": 2}, sizes[0] if single else sizes, dtype, single), tmp_path)


@quick
@given(data=st.data(), sizes=SIZES, dtype=DTYPES, batch_size=st.sampled_from([None, 2]))
def test_normalization(
    tmp_path: Path, data: st.DataObject, sizes: list[int | None], dtype: str, batch_size: int | None
) -> None:
    """Any tensor, any axes, and means that fit or do not: the same result, or both refuse."""
    axes = st.none() | st.integers(-4, 3) | st.lists(st.integers(-3, 3), max_size=2, unique_by=lambda axis: axis % 4)
    arguments = some(data, {"axis": axes, "mean": NUMBERS, "variance": NUMBERS, "invert": st.booleans()})
    if "mean" in arguments and data.draw(st.booleans()):
        arguments["variance"] = arguments["mean"]
    assert_agree(Case("Normalization", arguments, sizes, dtype, batch_size=batch_size), tmp_path, may_be_unknown=True)


@settings(quick, max_examples=20)
@given(first=SIZES, second=SIZES, mean=st.sampled_from([None, 1.0, [1.0, 2.0]]))
def test_shared_normalization(tmp_path: Path, first: list[int | None], second: list[int | None], mean: object) -> None:
    """The first call does not bind the second, as Keras does not check it."""
    assert_agree_shared("Normalization", {"mean": mean, "variance": mean}, first, second, tmp_path)


@quick
@given(data=st.data(), sizes=SIZES, dtype=DTYPES)
def test_category_encoding(tmp_path: Path, data: st.DataObject, sizes: list[int | None], dtype: str) -> None:
    """Categories in any shape, in any mode: the same result, or both refuse."""
    choices: dict[str, st.SearchStrategy[Any]] = {
        "num_tokens": st.sampled_from([None, 1, 5, 5]),
        "output_mode": st.sampled_from(["one_hot", "multi_hot", "count", "binary"]),
        "sparse": st.booleans(),
        "dtype": DTYPE_ARGUMENT,
    }
    assert_agree(Case("CategoryEncoding", some(data, choices), sizes, dtype), tmp_path)


@quick
@given(data=st.data(), sizes=SIZES, dtype=DTYPES)
def test_discretization(tmp_path: Path, data: st.DataObject, sizes: list[int | None], dtype: str) -> None:
    """Numbers in any shape, in any mode: the same result, or both refuse."""
    choices: dict[str, st.SearchStrategy[Any]] = {
        "num_bins": st.sampled_from([None, 3]),
        "bin_boundaries": st.sampled_from([None, [0.5, 1], []]),
        "output_mode": st.sampled_from(["int", "one_hot", "multi_hot", "count"]),
        "sparse": st.booleans(),
        "dtype": DTYPE_ARGUMENT,
    }
    assert_agree(Case("Discretization", some(data, choices), sizes, dtype), tmp_path)


@quick
@given(data=st.data(), sizes=SIZES, dtype=DTYPES)
def test_hashing(tmp_path: Path, data: st.DataObject, sizes: list[int | None], dtype: str) -> None:
    """Values in any shape, in any mode: the same result, or both refuse."""
    choices: dict[str, st.SearchStrategy[Any]] = {
        "output_mode": st.sampled_from(["int", "one_hot", "multi_hot", "count"]),
        "sparse": st.booleans(),
        "dtype": DTYPE_ARGUMENT,
    }
    assert_agree(Case("Hashing", {"num_bins": 3, **some(data, choices)}, sizes, dtype), tmp_path)


@quick
@given(data=st.data(), several=st.lists(SIZES, min_size=1, max_size=3), dtype=DTYPES)
def test_hashed_crossing(tmp_path: Path, data: st.DataObject, several: list[list[int | None]], dtype: str) -> None:
    """Any number of tensors, mostly two of one shape: the same result, or both refuse."""
    choices: dict[str, st.SearchStrategy[Any]] = {
        "output_mode": st.sampled_from(["int", "one_hot"]),
        "sparse": st.booleans(),
        "dtype": DTYPE_ARGUMENT,
    }
    inputs = data.draw(st.sampled_from([several, [several[0]] * 2]))
    assert_agree(Case("HashedCrossing", {"num_bins": 3, **some(data, choices)}, inputs, dtype, single=False), tmp_path)
