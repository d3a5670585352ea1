"""Layers that multiply by a matrix: their shapes and verdicts against Keras."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .oracle import Case, assert_agree

SIZES = st.lists(st.none() | st.integers(1, 4), max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=SIZES, units=st.integers(1, 5), dtype=st.sampled_from(["float32", "float16", "int32", "bool"]))
def test_dense(tmp_path: Path, sizes: list[int | None], units: int, dtype: str) -> None:
    """Any shape and dtype into `Dense`: the same result, or both refuse."""
    assert_agree(Case("Dense", {"units": units}, sizes, dtype), tmp_path)
