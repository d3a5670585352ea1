"""The bytes that a step of several workers moves follow from the spec."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
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


def test_summary_shows_the_step_of_some_workers(spec: graphspec.Spec) -> None:
    """Text and JSON have the bytes of gradients of what is trained, and of inputs; frozen layers send none."""
    words = ["summary", str(spec.path), "--workers", "4", "--set", "training.freeze=[read*]"]
    trained = 4 * ((8 * 8 * 3 + 1) * 4 + (4 + 10 + 1))
    printed = CliRunner().invoke(main, words)
    assert printed.exit_code == 0, printed.output
    assert "A step of 4 workers on a batch of 12 rows, computed:" in printed.output
    assert "3.1 KiB; each worker sends and receives 4.6 KiB in the all-reduce" in printed.output
    assert "2.5 KiB; each worker reads 636 B" in printed.output
    whole = json.loads(CliRunner().invoke(main, [*words, "--json"]).output)
    assert whole["trainable"] * 4 == trained
    assert whole["parameters"] == whole["trainable"] + 20
    assert [row["node"] for row in whole["rows"] if row["layer"] == "Input"] == ["image", "words"]
    assert whole["step"] == {
        "workers": 4,
        "batch_size": 12,
        "gradient_bytes": trained,
        "allreduce_bytes": trained * 3 // 2,
        "input_bytes": 2544,
        "read_bytes": 636,
    }


def test_summary_alone_has_no_step(spec: graphspec.Spec) -> None:
    """Without `--workers` nothing is said of a step, in JSON neither."""
    words = ["summary", str(spec.path)]
    assert "A step" not in CliRunner().invoke(main, words).output
    assert "step" not in json.loads(CliRunner().invoke(main, [*words, "--json"]).output)


@pytest.mark.parametrize(
    ("sets", "status", "said"),
    [
        (["training.batch_size=3"], 1, "4 workers cannot share a batch of 3 samples"),
        (["training=null"], 1, "has no `training`, so it has no batch"),
        ([], 2, "0 is not in the range"),
    ],
)
def test_workers_that_can_share_no_batch_are_refused(
    spec: graphspec.Spec, sets: list[str], status: int, said: str
) -> None:
    """Too many workers, none, and a spec without training are errors, before Keras builds anything."""
    words = [word for each in sets for word in ("--set", each)]
    result = CliRunner().invoke(main, ["summary", str(spec.path), "--workers", "4" if sets else "0", *words])
    assert (result.exit_code, said in result.output) == (status, True), result.output
