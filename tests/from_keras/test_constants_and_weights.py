"""Constants and weights of a spec, built and decompiled: they come back as such, and nothing else becomes one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml
from keras import ops

import graphspec
from graphspec.differences import Side, compare
from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file
from tests.from_keras.round_trip import differences

SPEC = """
graphspec: 1
name: small
blocks:
  bit:
    inputs: x
    graph:
      shift: {weight: {shape: [4, 6]}}
      half: {constant: [[0.5, 0.5, 0.5, 0.5, 0.5, 0.5]]}
    output: {from: [x, shift, half], merge: sum, apply: {Dense: 6}}
models:
  inner:
    inputs: {z: [4, 6]}
    graph:
      own: {weight: {shape: [4, 6]}}
      seen: {constant: [[true, false, true, true, false, true]]}
    outputs:
      done: {from: {condition: seen, x1: z, x2: own}, apply: [ops.where, {Dense: 6}]}
layers: {again: {Dense: 6}}
inputs: {x: [4, 6], y: {shape: [4, 6], dtype: int32}}
graph:
  mean: {constant: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
  grid: {constant: [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 7], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]}
  narrow: {constant: [1, 2, 3, 4, 5, 6], dtype: int16}
  factor: {constant: 2.0}
  table: {weight: {shape: [4, 6], initializer: {RandomNormal: {stddev: 0.02}}, regularizer: L2, constraint: NonNeg}}
  kernel: {weight: {shape: [6, 6], trainable: false}}
  deep: {weight: {shape: [2, 3, 4], dtype: float16}, apply: {ops.reshape: [4, 6]}}
  flat: {weight: {shape: [6], initializer: {Constant: 2.0}}}
  one: {weight: {shape: []}}
  positions: {apply: [{ops.arange: 4}, {Embedding: {input_dim: 4, output_dim: 6}}]}
  longer: {apply: [{ops.arange: 4}, {Embedding: {input_dim: 5, output_dim: 6}}]}
  moved: {from: [x, mean], apply: ops.subtract}
  whole: {from: [y, grid], apply: [ops.add, {ops.cast: float32}]}
  short: {from: [y, narrow], apply: [ops.add, {ops.cast: float32}]}
  all: {from: [moved, whole, short, table, deep, positions, longer], merge: sum, apply: [bit, bit, again]}
  kernels: {from: kernel, apply: again}
  product: {from: [all, kernels], apply: [ops.matmul, inner]}
  scaled: {from: [product, factor], apply: ops.multiply}
  added: {from: [scaled, flat], apply: ops.add}
  times: {from: [added, one], apply: ops.multiply}
  halves: {from: table, apply: {ops.split: {indices_or_sections: 2, axis: 0}}}
  asked: {from: {query: times, value: "halves[1]"}, apply: {MultiHeadAttention: {num_heads: 1, key_dim: 2}}}
outputs:
  out: {from: [asked, times], merge: concat, apply: {Dense: 2}}
"""


def serialised(text: str, folder: Path) -> dict[str, Any]:
    """Return the configuration of the model of a spec."""
    keras.backend.clear_session()
    (folder / "first.yaml").write_text(text)
    model = graphspec.build(graphspec.load(folder / "first.yaml"), weightless=True)
    written: dict[str, Any] = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    return written


def decompiled(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the spec of a configuration, read."""
    (folder / "config.json").write_text(json.dumps(config))
    back = decompile_file(read_model_file(folder / "config.json"), DecompileOptions(path=folder / "back.yaml"))
    found: dict[str, Any] = yaml.safe_load(back.text)
    return found


def test_constants_and_weights_come_back(tmp_path: Path) -> None:
    """Each comes back with its values, dtype and settings, and weights with their names; `diff` finds one graph."""
    graph = decompiled(serialised(SPEC, tmp_path), tmp_path)
    nodes = graph["graph"]
    assert {name: node["weight"] for name, node in nodes.items() if "weight" in node} == {
        "table": {
            "shape": [4, 6],
            "initializer": {"RandomNormal": {"stddev": 0.02}},
            "regularizer": "L2",
            "constraint": "NonNeg",
        },
        "kernel": {"shape": [6, 6], "trainable": False},
        "deep": {"shape": [2, 3, 4], "dtype": "float16"},
        "flat": {"shape": [6], "initializer": {"Constant": 2.0}},
        "one": {"shape": []},
        "positions": {"shape": [4, 6], "initializer": "uniform"},
        "all__shift": {"shape": [4, 6]},
        "all_1__shift": {"shape": [4, 6]},
    }
    assert [node["constant"] for node in nodes.values() if "constant" in node] == [
        [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 7], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]],
        [1, 2, 3, 4, 5, 6],
        [[0.5] * 6],
    ]
    assert [node.get("dtype") for node in nodes.values() if "constant" in node] == [None, "int16", None]
    assert nodes["longer"]["apply"] == [{"ops.arange": 4}, {"Embedding": {"input_dim": 5, "output_dim": 6}}]
    assert nodes["moved_subtract"]["apply"] == {"ops.subtract": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
    assert nodes["asked"]["from"]["value"] == "halves_split[1]"
    inner = graph["models"]["inner"]["graph"]
    assert inner["own"] == {"weight": {"shape": [4, 6]}}
    assert [each["constant"] for each in inner.values() if "constant" in each] == [
        [[True, False, True, True, False, True]]
    ]
    first, second = (
        Side(name, kind, graphspec.load(tmp_path / name))
        for name, kind in (("first.yaml", "spec"), ("back.yaml", "model"))
    )
    found = compare(first, second)
    assert (found.nodes, found.blocks, found.reshaped) == ((), (), ())
    weights = found.weights
    assert not [*weights.reshaped, *weights.fresh, *weights.lost, *weights.renamed, *weights.unknown]


def test_numbers_are_the_same(tmp_path: Path) -> None:
    """The built spec has the layers, weights and outputs of the model, to the bit."""
    keras.backend.clear_session()
    (tmp_path / "first.yaml").write_text(SPEC)
    found, _ = differences(graphspec.build(tmp_path / "first.yaml"), tmp_path)
    assert found == []


def test_equal_constants_are_one(tmp_path: Path) -> None:
    """A constant that layers and operations take comes back once, and is taken by all of them."""
    spec = """
        graphspec: 1
        inputs: {x: [2, 3]}
        graph:
          offset: {constant: [[1.0, 2.0, 3.0], [1.0, 2.0, 3.5]]}
          moved: {from: [x, offset], merge: sum}
          back: {from: [moved, offset], apply: ops.subtract}
        outputs:
          out: {from: back, apply: {Dense: 1}}
    """
    back = decompiled(serialised(spec, tmp_path), tmp_path)
    graph = {**back["graph"], **back["outputs"]}
    (constant,) = [name for name, node in graph.items() if "constant" in node]
    assert [node["from"] for node in graph.values() if "from" in node] == [["x", constant], ["moved", constant]]


def test_losses_of_weights_come_back(tmp_path: Path) -> None:
    """A weight that a loss alone takes keeps its name, and the loss its own."""
    spec = """
        graphspec: 1
        inputs: {x: [2, 3]}
        graph: {table: {weight: {shape: [3]}}, bare: {weight: {shape: []}}}
        outputs:
          out: {from: x, apply: {Dense: 1}}
        losses:
          size: {from: table, apply: [ops.square, ops.sum], weight: 0.1}
          level: {from: bare}
    """
    config = serialised(spec, tmp_path)
    back = decompiled(config, tmp_path)
    assert set(back["losses"]) == {"size", "level"}
    assert back["graph"]["table"]["weight"] == {"shape": [3]}
    built = graphspec.build(tmp_path / "back.yaml", weightless=True)
    assert [each.path for each in built.weights] == [
        each.path for each in keras.saving.deserialize_keras_object(config).weights
    ]


ONE_WEIGHT = """
graphspec: 1
inputs: {x: [2, 3]}
graph:
  table: {weight: {shape: [2, 3]}}
  moved: {from: [x, table], merge: sum}
outputs:
  out: {from: moved, apply: {Dense: 1}}
"""


def changed(config: dict[str, Any], layer: str, **settings: Any) -> dict[str, Any]:
    """Return a configuration with other settings of a layer."""
    for each in config["config"]["layers"]:
        if each["name"] == layer:
            each["config"] |= settings
    return config


def renamed(config: dict[str, Any], layer: str) -> dict[str, Any]:
    """Return a configuration in which a layer has another name."""
    text = json.dumps(config)
    assert f'"{layer}"' in text
    found: dict[str, Any] = json.loads(text.replace(f'"{layer}"', '"other_name"'))
    return found


def replaced(config: dict[str, Any], before: str, after: str) -> dict[str, Any]:
    """Return a configuration with another piece of text."""
    text = json.dumps(config)
    assert text.count(before) == 1
    found: dict[str, Any] = json.loads(text.replace(before, after))
    return found


CHAINS = ["table.from", "table.from.1", "table.from.2", "table.from.3", "moved.from", "moved.from.1", "moved.from.3"]
FIRST_ROWS = '{"value": [0, 1], "dtype": "int32"}'


@pytest.mark.parametrize(
    ("change", "is_table"),
    [
        *(
            pytest.param(lambda config, name=name: renamed(config, name), name.startswith("table"), id=name)
            for name in CHAINS
        ),
        pytest.param(lambda config: changed(config, "table.from.1", dtype="int64"), True, id="another cast"),
        pytest.param(lambda config: changed(config, "moved.from.2", dtype="float64"), False, id="other zeros"),
        pytest.param(lambda config: changed(config, "moved.from.1", newshape=[-1, 1, 1, 1]), False, id="other axes"),
    ],
)
def test_what_deviates_stays(change: Any, is_table: bool, tmp_path: Path) -> None:
    """With an operation of another name or another argument, the operations of its chain are written out.

    Those are the chain that gives the table to each sample, and with it that of its rows if this is the one.
    """
    config = serialised(ONE_WEIGHT, tmp_path)
    assert "weight" in decompiled(json.loads(json.dumps(config)), tmp_path)["graph"]["table"]
    (tmp_path / "back.yaml").unlink()
    found = decompiled(change(config), tmp_path)["graph"]
    assert ("ops.size" in str(found)) is is_table
    assert ("weight" in str(found["table"])) is not is_table
    assert "ops.zeros_like" in str(found)


@pytest.mark.parametrize(
    ("before", "after"),
    [(FIRST_ROWS, FIRST_ROWS.replace("[0, 1]", "[1, 0]")), ('"mask_zero": false', '"mask_zero": true')],
    ids=["rows in another order", "masked"],
)
def test_another_table_stays_an_embedding(before: str, after: str, tmp_path: Path) -> None:
    """An `Embedding` of other rows, or with a mask, is no weight; the rows are a constant of the spec."""
    graph = decompiled(replaced(serialised(ONE_WEIGHT, tmp_path), before, after), tmp_path)["graph"]
    assert "weight" not in str(graph)
    assert "Embedding" in str(graph["table"])
    assert "constant" in graph["table"] or graph["table"]["apply"][0] == {"ops.arange": 2}


def test_large_arrays_of_operations_are_constants(tmp_path: Path) -> None:
    """An array in a model that a person wrote becomes a constant where it is large, or of a dtype of its own."""
    x = keras.Input((4, 5), name="x")
    y = ops.add(x, np.arange(20, dtype="float32").reshape(4, 5))
    y = ops.multiply(y, np.array([1.0, 2.0, 3.0, 4.0, 5.0], "float32"))
    model = keras.Model(x, keras.layers.Dense(2, name="end")(ops.maximum(y, np.arange(5, dtype="float64"))))
    found, spec = differences(model, tmp_path)
    assert found == []
    graph = yaml.safe_load((tmp_path / "spec.yaml").read_text())["graph"]
    assert sorted(str(node.get("dtype")) for node in graph.values() if "constant" in node) == ["None", "float64"]
    assert "end" in spec.graph.outputs
