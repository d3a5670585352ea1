"""Layers that hold a layer or a model: shapes and verdicts against Keras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .documents import assert_document_agrees

SIZE = st.sampled_from([1, 2, 3, 4, 5, 6, None])
SIZES = st.lists(SIZE, min_size=0, max_size=4)

property_of = settings(
    max_examples=int(os.environ.get("EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

HELD = st.sampled_from(
    [
        {"Dense": 2},
        {"LSTM": {"units": 3}},
        {"LSTM": {"units": 3, "return_sequences": True}},
        {"LSTM": {"units": 3, "return_state": True}},
        {"Conv1D": {"filters": 2, "kernel_size": 3}},
        {"Conv2D": {"filters": 2, "kernel_size": 2, "padding": "same"}},
        {"Dropout": 0.5},
        {"BatchNormalization": {}},
        {"LayerNormalization": {}},
        {"Flatten": {}},
        {"Reshape": [-1]},
        {"GlobalMaxPooling1D": {}},
        {"MaxPooling2D": {}},
        {"Embedding": {"input_dim": 4, "output_dim": 2}},
        {"TimeDistributed": {"layer": {"Dense": 2}}},
        {"Bidirectional": {"layer": {"GRU": 2}}},
        {"EinsumDense": {"equation": "...x,xy->...y", "output_shape": 3}},
        {"MultiHeadAttention": {"num_heads": 1, "key_dim": 2}},
        {"SpectralNormalization": {"layer": {"Dense": 2}}},
    ]
)


@property_of
@given(
    held=HELD,
    wrapper=st.sampled_from(["TimeDistributed", "TimeDistributed", "SpectralNormalization"]),
    sizes=SIZES,
    batch=st.sampled_from([None, None, 2]),
)
def test_held_layer(tmp_path: Path, held: Any, wrapper: str, sizes: Any, batch: int | None) -> None:
    """Any layer in any wrapper, on any tensor."""
    spec = {
        "inputs": {"x": {"shape": sizes, "batch_size": batch}},
        "graph": {"result": {"from": "x", "apply": [{wrapper: {"layer": held}}]}},
        "outputs": {"out": "x"},
    }
    assert_document_agrees(spec, tmp_path)
