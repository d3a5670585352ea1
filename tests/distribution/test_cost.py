"""The bytes that a step of several workers moves follow from the spec."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphspec
from graphspec.distribution.cost import step_cost

SPEC = """
graphspec: 1
inputs: {image: {shape: [8, 8, 3], dtype: uint8}, words: {shape: [5], dtype: int32}}
graph:
  seen: {from: image, apply: [{Rescaling: 0.1}, Flatten, {Dense: 4}]}
  read: {from: words, apply: [{Embedding: {input_dim: 10, output_dim: 2}}, Flatten]}
  both: {from: [seen, read], merge: concat}
outputs: {y: {from: both, apply: {Dense: 1}, loss: mse}}
training: {optimizer: adam, batch_size: 12}
"""


@pytest.fixture
def spec(tmp_path: Path) -> graphspec.Spec:
    (path := tmp_path / "spec.yaml").write_text(SPEC)
    return graphspec.load(path)


def test_gradients_are_those_of_the_built_model(spec: graphspec.Spec) -> None:
    """Each parameter that Keras makes has a gradient of four bytes; each of W workers sends 2 (W - 1) / W of them."""
    cost = step_cost(spec)
    assert cost.gradients == 4 * graphspec.build(spec).count_params()
    assert cost.gradients is not None
    assert [cost.sent(count) for count in (1, 2, 4)] == [0, cost.gradients, cost.gradients * 3 // 2]


def test_inputs_are_shared_among_workers(spec: graphspec.Spec) -> None:
    """A batch has its rows by shape and dtype, whatever the number of workers that read them."""
    cost = step_cost(spec)
    assert cost.inputs == 12 * (8 * 8 * 3 * 1 + 5 * 4)
    assert [cost.read(count) for count in (1, 3, 5)] == [2544, 848, 509]
    assert step_cost(spec, batch_size=1).inputs == 212


def test_unknown_parameters_are_unknown(tmp_path: Path) -> None:
    """A custom layer has an unknown number of weights, and then so have the bytes of a step."""
    (tmp_path / "own.py").write_text("")
    text = SPEC.replace("graphspec: 1\n", "graphspec: 1\nplugins: [own]\n").replace("2}}, Flatten]", "2}}, own>Own]")
    (path := tmp_path / "spec.yaml").write_text(text)
    cost = step_cost(graphspec.load(path))
    assert cost.gradients is None
    assert cost.sent(2) is None
