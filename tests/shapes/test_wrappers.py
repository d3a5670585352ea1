"""Layers that hold a layer or a model: shapes and verdicts against Keras."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from graphspec import catalog
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED
from graphspec.diagnostics.rules import WRONG_RANK
from graphspec.shapes.layers.wrappers import NORMALISED
from graphspec.spec import inspect
from graphspec.to_keras.keras_internals import weightless_scope

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
    """Any layer in any wrapper, on any tensor.

    `TimeDistributed` goes past the call in which a layer looks at ranks, and fails in the first batch. graphspec holds
    the layer to them, or leaves open what it gives where it does work on other ranks. So does `SpectralNormalization`
    with batches of single numbers.
    """
    spec = {
        "inputs": {"x": {"shape": sizes, "batch_size": batch}},
        "graph": {"result": {"from": "x", "apply": [{wrapper: {"layer": held}}]}},
        "outputs": {"out": "x"},
    }
    path = tmp_path / "asked.json"
    path.write_text(json.dumps({"graphspec": 1, **spec}), encoding="utf-8")
    held_to = [each for each in inspect(path)[1] if each.rule is WRONG_RANK and "`TimeDistributed`" not in each.message]
    assume(not held_to or (wrapper == "SpectralNormalization" and sizes))
    assert_document_agrees(spec, tmp_path, may_be_unknown=True)


ARGUMENTS: dict[str, Any] = {
    "activation": "relu",
    "dims": [1],
    "equation": "...b,bc->...c",
    "filters": 2,
    "input_dim": 4,
    "kernel_size": 1,
    "key_dim": 2,
    "layer": None,
    "n": 2,
    "num_heads": 1,
    "output_dim": 2,
    "output_shape": 2,
    "rate": 0.5,
    "scale": 2.0,
    "stddev": 0.5,
    "target_shape": [-1],
    "units": 3,
}
"""Arguments that layers require."""


def test_what_has_a_kernel() -> None:
    """`SpectralNormalization` takes the layers that have a kernel in Keras, and no others."""
    found = set()
    for name in sorted(set(catalog.names("layers")) - set(CODE_CARRYING) - set(NOT_APPLIED)):
        entry = catalog.find("layers", name)
        assert entry is not None
        arguments = {each: ARGUMENTS[each] for each in entry.required if each in ARGUMENTS}
        if "layer" in arguments:
            arguments["layer"] = keras.layers.Dense(2)
        for rank in range(1, 6):
            with suppress(Exception), weightless_scope():
                layer = keras.layers.SpectralNormalization(getattr(keras.layers, name)(**arguments))
                layer(keras.Input([4] * rank))
                found.add(name)
    assert found == set(NORMALISED)
