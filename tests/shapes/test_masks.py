"""Masks: where they go in random graphs, against the masks of Keras' symbolic tensors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .documents import assert_document_agrees

property_of = settings(
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

RECURRENT = st.builds(
    lambda name, sequences, state: {name: {"units": 4, "return_sequences": sequences, "return_state": state}},
    st.sampled_from(["LSTM", "GRU", "SimpleRNN"]),
    st.sampled_from([True, True, False]),
    st.sampled_from([False, False, True]),
)
STEPS = st.one_of(
    st.sampled_from(
        [
            {"Dense": 4},
            {"Dropout": 0.5},
            {"Activation": "relu"},
            {"BatchNormalization": {}},
            {"LayerNormalization": {}},
            {"RMSNormalization": {}},
            {"UnitNormalization": {}},
            {"SpatialDropout1D": 0.5},
            {"PReLU": {"shared_axes": [1]}},
            {"Softmax": {}},
            {"Masking": {}},
            {"Identity": {}},
            {"TimeDistributed": {"layer": {"Dense": 4}}},
            {"Conv1D": {"filters": 4, "kernel_size": 1}},
            {"EinsumDense": {"equation": "abc,cd->abd", "output_shape": [None, 4]}},
            {"Embedding": {"input_dim": 4, "output_dim": 4, "mask_zero": True}},
        ]
    ),
    RECURRENT,
    st.builds(
        lambda layer, merge: {"Bidirectional": {"layer": layer, "merge_mode": merge}},
        RECURRENT,
        st.sampled_from(["concat", "sum", None]),
    ),
)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw random nodes over masked words, masked numbers and unmasked ones."""
    length = draw(st.sampled_from([3, None]))
    nodes: dict[str, Any] = {
        "a": {"from": "words", "apply": [{"Embedding": {"input_dim": 5, "output_dim": 4, "mask_zero": True}}]},
        "b": {"from": "words", "apply": [{"Embedding": {"input_dim": 5, "output_dim": 4}}]},
        "c": {"from": "numbers", "apply": [{"Masking": {"mask_value": 2.0}}]},
    }
    for number in range(draw(st.integers(1, 4))):
        names = [*nodes, "numbers"]
        some = draw(st.lists(st.sampled_from(names), min_size=2, max_size=3))
        kind = draw(st.integers(0, 5))
        node: dict[str, Any] = {"from": some[0]}
        if kind == 1:
            node = {
                "from": some,
                "merge": draw(st.sampled_from(["ave", "mul", "max", "concat", {"concat": {"axis": 1}}])),
            }
        elif kind == 2:
            node = {"from": some[:2], "merge": {"dot": {"axes": 2}}}
        elif kind == 3:
            attention = {"num_heads": 1, "key_dim": 2}
            call = {"return_attention_scores": draw(st.booleans())}
            node = {
                "from": {"query": some[0], "value": some[1]},
                "apply": [{"MultiHeadAttention": attention, "call": call}],
            }
        elif kind == 4:
            node = {"from": some, "apply": [draw(st.sampled_from(["Attention", "AdditiveAttention", "Identity"]))]}
        node.setdefault("apply", draw(st.lists(STEPS, max_size=3)))
        nodes[f"n{number}"] = node
    return {
        "inputs": {"words": {"shape": [length], "dtype": "int32"}, "numbers": [length, 4]},
        "graph": {name: each if each["apply"] or "merge" in each else each["from"] for name, each in nodes.items()},
        "outputs": {"out": "words"},
    }


@property_of
@given(graph=graphs())
def test_masks_go_as_in_keras(tmp_path: Path, graph: dict[str, Any]) -> None:
    """Every tensor bears a mask of the shape that Keras' has, or none as there; and both refuse the same."""
    assert_document_agrees(graph, tmp_path, masks=True)


@pytest.mark.parametrize("call", [{}, {"mask": "m"}])
def test_mask_by_call(tmp_path: Path, call: dict[str, Any]) -> None:
    """A mask that is handed over by `call` goes on as one that comes with the tensor does."""
    graph = {
        "inputs": {"words": {"shape": [3], "dtype": "int32"}, "numbers": [3, 4]},
        "graph": {
            "m": {"from": {"x1": "words"}, "apply": [{"ops.not_equal": {"x2": 0}}]},
            "result": {"from": "numbers", "apply": [{"LSTM": {"units": 2, "return_sequences": True}, "call": call}]},
        },
        "outputs": {"out": "words"},
    }
    assert_document_agrees(graph, tmp_path, masks=True)
