"""Products of a tensor and a constant array: the shapes that Keras infers, and the numbers that NumPy computes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphspec

from .oracle import Case, assert_agree

property_of = settings(
    max_examples=int(os.environ.get("EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MATRIX: Any = np.arange(12, dtype=np.float32).reshape(3, 4).tolist()
SIZES = st.lists(st.sampled_from([2, 3, 4, None]), min_size=1, max_size=3)
AXES = st.integers(-4, 4)


@property_of
@given(sizes=SIZES, axes=st.integers(-1, 3) | st.tuples(st.lists(AXES, max_size=2), st.lists(AXES, max_size=2)))
def test_tensordot(tmp_path: Path, sizes: list[int | None], axes: Any) -> None:
    """Any axes of a tensor and a constant matrix: the same shape, or both refuse."""
    listed = list(map(list, axes)) if isinstance(axes, tuple) else axes
    assert_agree(Case("ops.tensordot", {"x2": MATRIX, "axes": listed}, sizes), tmp_path)


@pytest.mark.parametrize("name", ["dot", "inner", "matmul", "outer"])
@property_of
@given(sizes=SIZES)
def test_other_products(name: str, tmp_path: Path, sizes: list[int | None]) -> None:
    """A constant matrix is an array in each of them."""
    assert_agree(Case(f"ops.{name}", {"x2": MATRIX}, sizes), tmp_path)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"ops.numpy.tensordot": {"x2": MATRIX, "axes": [[2], [0]]}}, lambda x: np.tensordot(x, MATRIX, ([2], [0]))),
        ({"ops.tensordot": {"x2": MATRIX, "axes": 1}}, lambda x: np.tensordot(x, MATRIX, 1)),
        ({"ops.dot": {"x2": MATRIX}}, lambda x: np.dot(x, MATRIX)),
        ({"ops.inner": {"x2": [[1.0, 2.0, 3.0]]}}, lambda x: np.inner(x, [[1.0, 2.0, 3.0]])),
    ],
)
def test_numbers(operation: Any, expected: Any, tmp_path: Path) -> None:
    """The model computes the product, of the shape that was inferred, and plain Keras saves and loads it."""
    path = tmp_path / "spec.json"
    outputs = {"y": {"from": "x", "apply": [operation]}}
    path.write_text(json.dumps({"graphspec": 1, "inputs": {"x": [5, 3]}, "outputs": outputs}), encoding="utf-8")
    assert not list(graphspec.validate(path))
    model = graphspec.build(path)
    x = np.random.default_rng(0).random((2, 5, 3), np.float32)
    assert model.output["y"].shape == (None, *expected(x).shape[1:])
    np.testing.assert_allclose(model.predict({"x": x}, verbose=0)["y"], expected(x), rtol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict({"x": x}, verbose=0)["y"], expected(x), rtol=1e-5)


def test_inner_of_shapes_that_do_not_broadcast(tmp_path: Path) -> None:
    """In a graph, Keras also traces the product of elements, and fails on shapes that have none."""
    path = tmp_path / "spec.json"
    outputs = {"y": {"from": "x", "apply": [{"ops.inner": {"x2": np.transpose(MATRIX).tolist()}}]}}
    path.write_text(json.dumps({"graphspec": 1, "inputs": {"x": [5, 3]}, "outputs": outputs}), encoding="utf-8")
    assert [each.rule.code for each in graphspec.validate(path)] == ["GS413"]
    with pytest.raises(ValueError, match="Dimensions must be equal"):
        graphspec.build(path).predict({"x": np.ones((2, 5, 3))}, verbose=0)


def test_a_product_with_the_batch_is_a_warning(tmp_path: Path) -> None:
    """`axes: 1` of two tensors sums over the batch of the second, which no size is meant to be."""
    path = tmp_path / "spec.json"
    outputs = {"y": {"from": ["x", "m"], "apply": [{"ops.tensordot": {"axes": 1}}]}}
    inputs = {"x": [5, 4], "m": [4, 3]}
    path.write_text(json.dumps({"graphspec": 1, "inputs": inputs, "outputs": outputs}), encoding="utf-8")
    assert [each.rule.code for each in graphspec.validate(path)] == ["GS413"]
