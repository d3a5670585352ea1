"""Layers applied twice, to inputs of two shapes: the first call builds them, and binds the second as in Keras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .sharing import assert_agree_shared

LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("BatchNormalization", {}),
    ("BatchNormalization", {"axis": 1}),
    ("Dense", {"units": 2}),
    ("Dropout", {"rate": 0.5}),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": [None, 2]}),
    ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 2}),
    ("Embedding", {"input_dim": 3, "output_dim": 2}),
    ("GRU", {"units": 2}),
    ("GroupNormalization", {"groups": 2}),
    ("LSTM", {"units": 2, "return_sequences": True}),
    ("LayerNormalization", {}),
    ("PReLU", {}),
    ("PReLU", {"shared_axes": [1]}),
    ("RMSNormalization", {}),
    ("UnitNormalization", {}),
]
SIZE = st.sampled_from([2, 4, 4, 4, None])
SIZES = st.lists(SIZE, min_size=1, max_size=3)


@settings(
    max_examples=int(os.environ.get("EXAMPLES", "80")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(layer=st.sampled_from(LAYERS), first=SIZES, data=st.data())
def test_second_use(tmp_path: Path, layer: Any, first: list[int | None], data: st.DataObject) -> None:
    """The same layer on shapes that differ in a size, in several, or in their number."""
    changed = [data.draw(st.sampled_from([size, size, size, 2, None])) for size in first]
    second = data.draw(st.sampled_from([changed, changed, changed, changed[1:], [*changed, 4]]))
    assert_agree_shared(layer[0], layer[1], first, second, tmp_path)
