"""Merges: shapes and verdicts against Keras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .documents import assert_document_agrees
from .oracle import Case, assert_agree

SIZES = st.lists(st.none() | st.integers(1, 3), max_size=4)
AXES = st.integers(-5, 5)

property_of = settings(
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def inputs(draw: st.DrawFn, least: int = 1, most: int = 3) -> list[list[int | None]]:
    """Draw shapes that mostly fit: one of them, with sizes made unknown, changed, made 1, dropped or swapped."""
    first = draw(SIZES)
    shapes = [first]
    for _ in range(draw(st.integers(least, most)) - 1):
        shape = [draw(st.sampled_from([size, size, size, size, 1, None, 2])) for size in first]
        shapes.append(draw(st.sampled_from([shape, shape, shape, shape[1:], [*shape, 2], shape[::-1]])))
    return shapes


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"])
@property_of
@given(data=st.data(), shapes=inputs(), dtype=st.sampled_from(["float32", "float16", "int32", "bool"]))
def test_merge(name: str, tmp_path: Path, data: st.DataObject, shapes: Any, dtype: str) -> None:
    """Any shapes that a merge may be given, and any axes."""
    arguments: dict[str, Any] = {}
    if name == "Concatenate":
        arguments = data.draw(st.fixed_dictionaries({}, optional={"axis": AXES}))
    elif name == "Dot":
        arguments = {"axes": data.draw(AXES | st.tuples(AXES, AXES).map(list))}
    batch = data.draw(st.sampled_from([None, None, 2]))
    assert_agree(Case(name, arguments, shapes, dtype, single=False, batch_size=batch), tmp_path)


@pytest.mark.parametrize("name", ["Add", "Concatenate"])
def test_one_tensor_is_no_list(name: str, tmp_path: Path) -> None:
    """A merge takes a list."""
    assert_agree(Case(name, {}, [3]), tmp_path)


@pytest.mark.parametrize("feed", [["x", "scalar"], ["scalar", "x"], ["scalar", "scalar"], ["x", "x", "scalar"]])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    "name",
    ["Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract", "Concatenate", "Attention", "AdditiveAttention"],
)
def test_scalar_operand(name: str, tmp_path: Path, feed: list[str], shared: bool) -> None:
    """A tensor without a batch, as `ops.sum` over all axes gives it, also after a call with other tensors."""
    tree: dict[str, Any] = {
        "layers": {"layer": {name: {}}},
        "inputs": {"x": [4]},
        "graph": {"scalar": {"from": "x", "apply": "ops.sum"}},
        "outputs": {"y": {"from": feed, "apply": "layer"}},
    }
    if shared:
        tree["outputs"] = {"before": {"from": ["x", "x"], "apply": "layer"}, **tree["outputs"]}
    assert_document_agrees(tree, tmp_path, may_be_unknown=name.endswith("Attention") and feed[-1] != "scalar")
