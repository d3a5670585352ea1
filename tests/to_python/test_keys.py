"""Keys of `ops.get_item`, lists of numbers and defaults of parameters in exported Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

import graphspec

SPEC = """
graphspec: 1
vars: {start: 1, window: 2}
blocks:
  moved:
    params: {by: [0.5, 1.0, 2.0]}
    inputs: x
    output: {from: x, apply: [{ops.subtract: "${by}"}, {ops.maximum: [0.0, 1.0, 0.5]}]}
  cut:
    params: {window: "${window}", key: ":, 0"}
    inputs: x
    graph:
      some: {from: x, apply: {ops.get_item: ":, ${window - 1}:"}}
      one: {from: x, apply: {ops.get_item: "${key}"}}
    output: {from: [some, one], apply: [ops.add, {ops.sum: {axis: -1}}]}
inputs: {x: [3, 3]}
graph:
  fixed: {apply: [{ops.arange: 9}, {ops.get_item: ":3"}, {ops.get_item: "None, ..."}, {ops.cast: float32}]}
  row: {from: x, apply: {ops.get_item: ":, ${start}"}}
  last: {from: x, apply: {ops.get_item: "[..., ::-1]"}}
  part: {each: {number: "${range(2)}"}, from: last, apply: {ops.get_item: ":, ${number}:${number + 1}"}}
  sum: {from: [row, fixed], apply: ops.add}
outputs:
  a: {from: sum}
  b: {from: last, apply: [{cut: {window: 3}}, Flatten]}
  c: {from: last, apply: [cut, Flatten]}
  d: {from: last, apply: [{cut: {key: ":, 1"}}, Flatten]}
  e: {from: part, merge: concat}
  f: {from: x, apply: [{ops.multiply: [1, 2, 3]}, moved, {moved: {by: [3.0, 2.0, 1.0]}}]}
"""


def test_initializers_bring_no_random_operations(tmp_path: Path) -> None:
    """`random_normal` is an initializer too, which needs no function of the module."""
    path = tmp_path / "spec.yaml"
    dense = "{Dense: {units: 2, kernel_initializer: random_normal}}"
    path.write_text(f"graphspec: 1\ninputs: {{x: [3]}}\noutputs: {{y: {{from: x, apply: {dense}}}}}\n")
    assert "def build_model" in (source := graphspec.python_source(graphspec.load(path), tmp_path))
    assert "keras.initializers.random_normal()" in source
    assert "def drawn" not in source


def test_keys_are_those_of_numpy(tmp_path: Path) -> None:
    """The module computes what the spec does, with keys of text, of variables and of parameters."""
    keras.backend.clear_session()
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    spec = graphspec.load(path)
    module: dict[str, Any] = {"__name__": "made"}
    source = graphspec.python_source(spec, tmp_path)
    exec(source, module)
    assert "np.s_[:, START]" in source
    batch = {"x": np.arange(18, dtype="float32").reshape(2, 3, 3)}
    expected, found = (each.predict(batch, verbose=0) for each in (graphspec.build(spec), module["build_model"]()))
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
