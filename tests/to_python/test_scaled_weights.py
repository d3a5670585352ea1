"""Weights of the module start as those of the model, whatever their shape and initializer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphspec

Write = Callable[..., Path]

SPEC = """
graphspec: 1
inputs: {x: [4]}
graph:
  queries: {weight: {shape: [2, 3, 4], initializer: INITIALIZER}}
  one: {weight: {shape: [4], initializer: INITIALIZER}}
  square: {weight: {shape: [4, 4], initializer: INITIALIZER}}
outputs:
  y: {from: [x, queries], apply: {ops.einsum: "bi,qji->bqj"}}
  z: {from: [x, one], apply: ops.multiply}
  u: {from: [x, square], apply: ops.matmul}
"""


@pytest.mark.parametrize(
    ("initializer", "is_scaled"),
    [
        ("{GlorotUniform: {seed: 1}}", True),
        ("{HeNormal: {seed: 2}}", True),
        ("{VarianceScaling: {scale: 2.0, mode: fan_out, seed: 3}}", True),
        ("{RandomNormal: {seed: 4}}", False),
        ("{RandomUniform: {seed: 5}}", False),
        ("ones", False),
    ],
)
def test_weights_start_as_those_of_the_model(write: Write, initializer: str, is_scaled: bool) -> None:
    """By how many numbers come in and go out in the weight's own shape; what does not scale is left as it is."""
    spec = graphspec.load(write(SPEC.replace("INITIALIZER", initializer)))
    source = graphspec.python_source(spec)
    assert ("def in_shape(" in source) is is_scaled
    names: dict[str, Any] = {"__name__": "made"}
    exec(source, names)
    made, model = names["build_model"](), graphspec.build(spec)
    assert made.get_config()["layers"][0] == model.get_config()["layers"][0]
    for actual, expected in zip(made.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6)
