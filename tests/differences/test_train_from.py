"""`graphspec train --from RUN`: the weights that `graphspec diff` says carry over are those that are loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.cli._verify_resume import differences
from graphspec.diagnostics import SpecError
from graphspec.differences import compare, origins_of_layers, side_of
from graphspec.run_directory import read_json, write_json
from graphspec.run_directory.starting_model import StartingModel
from graphspec.to_keras.weights import load_weights

BASE = """
graphspec: 1
name: small
inputs: {x: [6], word: {shape: [1], dtype: string}, tag: {shape: [], dtype: int32}}
layers: {shared: {Dense: {units: 6, activation: tanh}}}
models:
  eye:
    inputs: {v: [6]}
    outputs: {code: {from: v, apply: [{Dense: 5}, {Dense: {units: 3, name: last}}]}}
graph:
  known: {from: word, apply: [StringLookup, {Embedding: {input_dim: 5, output_dim: 2}}, Flatten]}
  tagged: {from: tag, apply: {Embedding: {input_dim: 3, output_dim: 2}}}
  deep: {from: x, apply: [{Dense: {units: 6, activation: relu}}, shared, BatchNormalization, shared]}
  seen: {from: deep, apply: eye}
  series: {from: deep, apply: [{Reshape: [3, 2]}, {Bidirectional: {layer: {LSTM: 2}}}]}
outputs:
  y: {from: [known, tagged, seen, series, deep], merge: concat, apply: {Dense: 1}, loss: mse}
training:
  optimizer: {SGD: 0.01}
  epochs: 2
  batch_size: 8
  jit_compile: false
  checkpoint: {every: epoch, keep: 10, monitor: loss}
data:
  train:
    file: table.csv
    inputs: {x: {columns: [a, b, c, d, e, f]}, word: {column: word}, tag: {column: word, vocabulary: auto}}
    outputs: {y: {column: y}}
"""
RENAMED = (
    BASE.replace("deep", "trunk")
    .replace("eye", "vision")
    .replace("shared", "common")
    .replace("name: last", "name: end")
)
"""The same model in other words."""
CHANGED = (
    RENAMED.replace("[{Dense: {units: 6, activation: relu}}, ", "[{Dense: 6}, {Dense: {units: 6, activation: relu}}, ")
    .replace("{Dense: 5}", "{Dense: 4}")
    .replace("{LSTM: 2}", "{LSTM: 3}")
)
"""A layer more in front of its like, and other sizes."""
OTHER = """
graphspec: 1
inputs: {z: [2]}
outputs: {o: {from: z, apply: {Dense: 3}, loss: mse}}
training: {optimizer: sgd}
data: {train: {file: table.csv, inputs: {z: {columns: [a, b]}}, outputs: {o: {columns: [c, d, e]}}}}
"""
"""A model that has nothing in common with them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the specs and their table."""
    folder = tmp_path_factory.mktemp("from")
    random = np.random.default_rng(0)
    rows = [
        ",".join([*(f"{value:.3f}" for value in random.normal(size=7)), str(random.choice(["red", "green", "blue"]))])
        for _ in range(40)
    ]
    (folder / "table.csv").write_text("\n".join(["a,b,c,d,e,f,y,word", *rows]), encoding="utf-8")
    for name, text in (("base", BASE), ("renamed", RENAMED), ("changed", CHANGED)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> graphspec.Run:
    """A run of the first spec."""
    return graphspec.train(folder / "base.yaml", run_dir=folder / "runs" / "base")


def weights(model: Any, prefix: str = "") -> dict[str, list[Any]]:
    """The weights of every layer by the names of the models and layers around it."""
    found: dict[str, list[Any]] = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= weights(layer, f"{prefix}{layer.name}/")
        elif layer.weights:
            found[prefix + layer.name] = layer.get_weights()
    return found


def trained(run: graphspec.Run, checkpoint: str = "last") -> dict[str, list[Any]]:
    """The weights of a run, as Keras itself loads them."""
    return weights(keras.saving.load_model(run.model_file(checkpoint)))


def equal(first: list[Any], second: list[Any]) -> bool:
    """Whether two layers have bit-equal weights."""
    return len(first) == len(second) and all(map(np.array_equal, first, second))


@pytest.mark.parametrize(("name", "expected"), [("base", (9, 0)), ("renamed", (9, 5)), ("changed", (5, 3))])
def test_what_diff_says_carries_over_is_loaded_and_nothing_else(
    name: str, expected: tuple[int, int], folder: Path, run: graphspec.Run
) -> None:
    """Carried layers have the weights of the run, under whatever name; all others keep their own."""
    spec = graphspec.load(folder / f"{name}.yaml")
    start = StartingModel(run.path, "last", run.model_file(), *origins_of_layers(run.spec, spec)).start_of(spec)
    assert start.training is not None
    assert start.training.initial_weights is not None
    model = graphspec.build(spec)
    before = weights(model)
    load_weights(model, start.training.initial_weights)
    old, new = trained(run), weights(model)
    found = compare(side_of(str(run.path)), side_of(str(spec.path))).weights
    carried = {each.path: each.was or each.path for each in found.carried}
    others = {each.path for each in (*found.reshaped, *found.fresh)}
    assert carried.keys() | others == new.keys()
    for path, values in new.items():
        assert equal(values, old[carried[path]] if path in carried else before[path]), path
    assert (len(found.carried), len(found.renamed)) == expected


@pytest.mark.slow
def test_a_training_from_a_run_says_and_keeps_from_where(folder: Path, run: graphspec.Run, tmp_path: Path) -> None:
    """Its record, its lock, its log and its page tell what carried over and what did not and why.

    What a lookup has learnt carries over too: the embedding behind it would be of other words.
    """
    shutil.copy(folder / "changed.yaml", tmp_path)
    table = (folder / "table.csv").read_text(encoding="utf-8")
    (tmp_path / "table.csv").write_text(table.replace("red", "amber"), encoding="utf-8")
    words = ["train", str(tmp_path / "changed.yaml"), "--from", str(folder / "runs"), "--checkpoint", "best"]
    result = CliRunner().invoke(main, [*words, "--run-dir", str(tmp_path / "run"), "--quiet"])
    assert result.exit_code == 0, result.output
    started = graphspec.Run.at(tmp_path / "run")
    entry = started.record["started_from"]
    assert (started.path / entry["run"]).resolve() == run.path.resolve()
    assert entry["checkpoint"] == "best"
    assert started.lock["started_from"] == entry
    log = (started.path / "log.txt").read_text(encoding="utf-8")
    assert "carried over 10 of 24 weights" in log
    assert "the vocabulary of inputs.tag is not that of" in log
    assert "0 of 3 words have the same index" in log
    assert "`trunk_dense_1` was `deep_dense`" in log
    assert "`vision/end` was (5, 3) and is (4, 3)" in log
    assert "not, new in this model: `trunk_dense` (6, 6), (6,)" in log
    assert "initial_weights" not in (started.path / "spec.yaml").read_text(encoding="utf-8")
    for each in (run, started):
        vocabulary = read_json(each.path / "adapted.json")["known_string_lookup"][1]["vocabulary"]
        assert set(vocabulary) == {"red", "green", "blue"}
    assert str(run.path) in CliRunner().invoke(main, ["runs", str(tmp_path)]).stdout
    assert CliRunner().invoke(main, ["report", str(started.path)]).exit_code == 0
    assert "from the best weights of" in (started.path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_resuming_is_exact_and_loads_nothing_again(folder: Path, run: graphspec.Run, tmp_path: Path) -> None:
    """A run that is killed ends as one that is not, though the run that it started from is gone."""
    source = tmp_path / "source"
    shutil.copytree(run.path, source)
    overrides = ["training.optimizer={Adam: 0.01}"]
    whole = graphspec.train(folder / "changed.yaml", overrides=overrides, run_dir=tmp_path / "whole", from_run=source)
    shutil.rmtree(source)
    killed = tmp_path / "killed"
    shutil.copytree(whole.path, killed)
    checkpoints = sorted((killed / "checkpoints").glob("step_*.npz"))
    assert [path.stem for path in checkpoints] == [f"step_{step:09}" for step in (0, 5, 10)]
    checkpoints[-1].unlink()
    for name in ("model.keras", "best.keras"):
        (killed / name).unlink()
    write_json(killed / "run.json", {**read_json(killed / "run.json"), "status": "running"})
    resumed = graphspec.resume(killed)
    assert resumed.record["status"] == "finished"
    assert resumed.record["started_from"] == whole.record["started_from"]
    assert not list(differences(whole.path, killed))
    ours, theirs = trained(whole), trained(resumed)
    assert all(equal(ours[path], theirs[path]) for path in ours)


def test_what_cannot_start_is_a_finding(folder: Path, run: graphspec.Run, tmp_path: Path) -> None:
    """No run there, two starts, nothing that fits: each is said before a run directory is made."""
    with pytest.raises(SpecError, match="GS903"):
        graphspec.train(folder / "base.yaml", run_dir=tmp_path / "a", from_run=tmp_path / "nothing")
    text = BASE.replace("epochs: 2", "epochs: 2\n  initial_weights: runs/base/model.keras")
    (folder / "two.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match="GS911"):
        graphspec.train(folder / "two.yaml", run_dir=tmp_path / "a", from_run=run)
    (folder / "other.yaml").write_text(OTHER, encoding="utf-8")
    with pytest.raises(SpecError, match="does not hold the weights of this model"):
        graphspec.train(folder / "other.yaml", run_dir=tmp_path / "a", from_run=run)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "words", [["--resume", "a", "--from", "b"], ["spec.yaml", "--checkpoint", "best"], ["--from", "a"]]
)
def test_options_that_do_not_go_together(words: list[str]) -> None:
    """They are wrong usage."""
    assert CliRunner().invoke(main, ["train", *words]).exit_code == 2


def test_json_of_a_run_and_a_spec_agrees(folder: Path, run: graphspec.Run) -> None:
    """A run is compared by its spec, whose paths lead to the same data."""
    result = CliRunner().invoke(main, ["diff", str(folder / "runs"), str(folder / "base.yaml"), "--format", "json"])
    found = json.loads(result.stdout)
    assert found["same"] is True
    assert found["first"]["kind"] == "run"
