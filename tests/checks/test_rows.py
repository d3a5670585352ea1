"""Which losses of the graph are of each row by itself, so that devices compute them from shares of a batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import graphspec

SPEC = """
graphspec: 1
inputs: {x: [4]}
graph:
  table: {weight: {shape: [3, 4]}}
  turned: {from: table, apply: ops.transpose}
  numbers: {apply: {ops.arange: 4}}
  mean: {constant: [0.1, 0.2, 0.3, 0.4]}
  nearest: {from: [x, turned], apply: [ops.matmul, {ops.argmax: -1}]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: null}}
losses: {own: LOSS}
training: {optimizer: adam, distribute: mirrored}
"""

OF_EACH_ROW = [
    "{from: [x, turned], apply: [ops.matmul, {ops.max: {axis: -1}}]}",
    "{from: [x, table], apply: [{ops.einsum: 'bi,ki->bk'}, {ops.sum: {axis: 1}}]}",
    "{from: [table, x], apply: [{ops.einsum: 'ki,bi->bk'}, {ops.sum: {axis: 1}}]}",
    "{from: {x: table, indices: nearest}, apply: [{ops.take: {axis: 0}}, {ops.mean: {axis: -1}}]}",
    "{from: {indices: nearest, x: table}, apply: [{ops.take: {axis: 0}}, {ops.mean: {axis: -1}}]}",
    "{from: [x, mean], apply: [ops.subtract, ops.square, {ops.sum: {axis: 1}}]}",
    "{from: [x, numbers], apply: [ops.multiply, ops.mean]}",
    "{from: table, apply: [ops.square, ops.mean]}",
]
OF_SEVERAL_ROWS = [
    "{from: [x, table], apply: [{ops.einsum: 'bi,ki->k'}, ops.mean]}",
    "{from: [table, x], apply: [{ops.einsum: 'ki,bi->kb'}, ops.mean]}",
    "{from: {x: x, indices: nearest}, apply: [{ops.take: {axis: 0}}, {ops.mean: {axis: -1}}]}",
    "{from: {indices: nearest, x: x}, apply: [{ops.take: {axis: 0}}, {ops.mean: {axis: -1}}]}",
    "{from: [x, mean], apply: [ops.subtract, {ops.max: {axis: 0}}, ops.mean]}",
]


@pytest.mark.parametrize(
    ("loss", "errors"), [*((each, []) for each in OF_EACH_ROW), *((each, ["GS516"]) for each in OF_SEVERAL_ROWS)]
)
def test_weights_and_constants_are_alike_for_all_rows(
    write: Callable[[str], Path], loss: str, errors: list[str]
) -> None:
    """What comes from no input may be taken apart and turned; rows may not."""
    found = graphspec.validate(write(SPEC.replace("LOSS", loss)))
    assert [each.rule.code for each in found.errors] == errors
