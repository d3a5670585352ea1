"""Attention: shapes and verdicts against Keras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from .documents import assert_document_agrees

SIZE = st.sampled_from([1, 2, 3, 4, 4, 4, None])
SIZES = st.lists(SIZE, min_size=0, max_size=4)

property_of = settings(
    max_examples=int(os.environ.get("EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

CALLS = st.fixed_dictionaries(
    {}, optional={"return_attention_scores": st.booleans(), "use_causal_mask": st.booleans(), "nonsense": st.just(1)}
)


@st.composite
def tensors(draw: st.DrawFn) -> list[list[int | None]]:
    """Draw shapes of query, value and key that mostly fit each other."""
    rank = draw(st.sampled_from([0, 1, 2, 2, 2, 2, 2, 3]))
    query = draw(st.lists(SIZE, min_size=rank, max_size=rank))
    value = draw(st.sampled_from([query, [*query[:-1], 4], [*query[:-2], None, *query[-1:]], draw(SIZES)]))
    key = draw(st.sampled_from([value, [*value[:-1], 3], draw(SIZES)]))
    return [query, value, key][: draw(st.sampled_from([2, 2, 2, 3, 3, 1]))]


def document(layer: Any, shapes: Any, feed: Any, call: Any, batch: int | None) -> dict[str, Any]:
    names = ["query", "value", "key"][: len(shapes)]
    return {
        "inputs": {name: {"shape": each, "batch_size": batch} for name, each in zip(names, shapes, strict=True)},
        "graph": {"result": {"from": feed(names), "apply": [{**layer, "call": call} if call else layer]}},
        "outputs": {"out": "query"},
    }


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
@property_of
@given(shapes=tensors(), use_scale=st.booleans(), call=CALLS, batch=st.sampled_from([None, 2]))
def test_of_a_list(name: str, tmp_path: Path, shapes: Any, use_scale: bool, call: Any, batch: int | None) -> None:
    """Attention that takes a list."""
    spec = document({name: {"use_scale": use_scale}}, shapes, lambda names: names, call, batch)
    assert_document_agrees(spec, tmp_path)


@property_of
@given(
    arguments=st.fixed_dictionaries(
        {"num_heads": st.integers(1, 3), "key_dim": st.integers(1, 3)},
        optional={
            "value_dim": st.integers(1, 3),
            "output_shape": st.integers(1, 3) | st.lists(st.integers(1, 3), max_size=2),
            "attention_axes": st.integers(-5, 5) | st.lists(st.integers(-5, 5), max_size=2),
            "use_bias": st.booleans(),
            "use_gate": st.booleans(),
            "dropout": st.sampled_from([0.1, 0.1, 1, 1.5, -0.1]),
            "flash_attention": st.booleans(),
        },
    ),
    shapes=tensors(),
    call=CALLS,
    batch=st.sampled_from([None, 2]),
    listed=st.sampled_from([False, False, False, True]),
)
def test_multi_head(tmp_path: Path, arguments: Any, shapes: Any, call: Any, batch: int | None, listed: bool) -> None:
    """Query, value and key by keyword; a list is none of them."""
    assume(batch is None or all(shapes))  # a batch of known size passes for features where nothing else is there

    def feed(names: list[str]) -> Any:
        return names if listed else {name: name for name in names}

    assert_document_agrees(document({"MultiHeadAttention": arguments}, shapes, feed, call, batch), tmp_path)


@property_of
@given(
    arguments=st.fixed_dictionaries(
        {
            "head_dim": st.integers(1, 3),
            "num_query_heads": st.integers(1, 4),
            "num_key_value_heads": st.integers(1, 2),
        },
        optional={
            "use_bias": st.booleans(),
            "use_gate": st.booleans(),
            "dropout": st.sampled_from([0.1, 0.1, 1, 1.5, -0.1]),
            "flash_attention": st.booleans(),
        },
    ),
    shapes=tensors(),
    call=CALLS,
    batch=st.sampled_from([None, 2]),
)
def test_group_query(tmp_path: Path, arguments: Any, shapes: Any, call: Any, batch: int | None) -> None:
    """Query, value and key by keyword."""
    spec = document(
        {"GroupQueryAttention": arguments}, shapes, lambda names: {name: name for name in names}, call, batch
    )
    assert_document_agrees(spec, tmp_path)


@pytest.mark.parametrize("dropout", [-0.1, 0, 1, 1.5, 50])
@pytest.mark.parametrize(
    "layer",
    [
        {"MultiHeadAttention": {"num_heads": 2, "key_dim": 2}},
        {"GroupQueryAttention": {"head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 1}},
    ],
    ids=lambda layer: next(iter(layer)),
)
def test_dropout_is_a_share(tmp_path: Path, layer: dict[str, Any], dropout: float) -> None:
    """What is no share is refused, as Keras refuses it when it builds the layer."""
    ((name, arguments),) = layer.items()

    def feed(names: list[str]) -> Any:
        return {name: name for name in names}

    spec = document({name: {**arguments, "dropout": dropout}}, [[3, 4], [3, 4]], feed, {}, None)
    assert_document_agrees(spec, tmp_path)
