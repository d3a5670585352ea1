"""Pooling layers: their shapes and verdicts against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from graphspec.catalog import find, names

from .oracle import Case, assert_agree
from .test_convolution import DTYPES, FORMATS, per_dimension, rank, shapes

WINDOWED = [name for name in names("layers") if name.startswith(("MaxPool", "Average", "AvgPool")) and name[-1] == "D"]
GLOBAL = [name for name in names("layers") if name.startswith("Global")]
ADAPTIVE = [name for name in names("layers") if name.startswith("Adaptive")]

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(name=st.sampled_from(WINDOWED), data=st.data(), dtype=DTYPES, batch_size=st.sampled_from([None, None, 2]))
def test_pooling(tmp_path: Path, name: str, data: st.DataObject, dtype: str, batch_size: int | None) -> None:
    """Windows of any size on any shape: the same result, or both refuse."""
    count = rank(name)
    choices: dict[str, st.SearchStrategy[Any]] = {
        "pool_size": per_dimension(st.integers(1, 5), count),
        "strides": st.none() | per_dimension(st.sampled_from([1, 2, 2, 3, 0]), count),
        "padding": st.sampled_from(["valid", "same", "valid", "same", "SAME", "causal"]),
        "data_format": FORMATS,
    }
    entry = find("layers", name)
    assert entry is not None
    arguments = {
        argument: data.draw(values)
        for argument, values in choices.items()
        if argument in entry.required or data.draw(st.booleans())
    }
    assert_agree(Case(name, arguments, data.draw(shapes(count)), dtype, batch_size=batch_size), tmp_path)


@quick
@given(name=st.sampled_from(GLOBAL), keepdims=st.booleans(), order=FORMATS, data=st.data(), dtype=DTYPES)
def test_global_pooling(
    tmp_path: Path, name: str, keepdims: bool, order: str | None, data: st.DataObject, dtype: str
) -> None:
    """Pooling over all that there is, of any shape: the same result, or both refuse."""
    arguments = {"keepdims": keepdims, "data_format": order}
    assert_agree(Case(name, arguments, data.draw(shapes(rank(name))), dtype), tmp_path)


@quick
@given(name=st.sampled_from(ADAPTIVE), order=st.sampled_from([None, "channels_first", "channels_last"]), data=st.data())
def test_adaptive_pooling(tmp_path: Path, name: str, order: str | None, data: st.DataObject) -> None:
    """Pooling to a size that is given, of any shape: the same result, or both refuse."""
    arguments = {"output_size": data.draw(per_dimension(st.integers(1, 4), rank(name))), "data_format": order}
    assert_agree(Case(name, arguments, data.draw(shapes(rank(name)))), tmp_path)


@settings(quick, max_examples=20)
@given(name=st.sampled_from(WINDOWED + ADAPTIVE), count=st.integers(1, 2), data=st.data())
def test_list_is_no_tensor(tmp_path: Path, name: str, count: int, data: st.DataObject) -> None:
    """Pooling takes one tensor: a list is refused.

    Keras' arithmetic takes a list of one shape for the shape itself where there is one dimension to pool; no tensor
    of that shape can ever be computed.
    """
    entry = find("layers", name)
    assert entry is not None
    assume(count > 1 or rank(name) > 1)
    arguments = dict.fromkeys(entry.required, 2)
    sizes = [data.draw(shapes(rank(name))) for _ in range(count)]
    assert_agree(Case(name, arguments, sizes, single=False), tmp_path)
