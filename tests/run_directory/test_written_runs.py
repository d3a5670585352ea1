"""What graphspec writes into a run, graphspec reads again, whatever the data and the settings are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.run_directory import lock

SPEC = """
graphspec: 1
inputs: {x: [2]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse, metrics: mae}}
training: {optimizer: {SGD: 1.0e-9}, epochs: 2, batch_size: 4}
data:
  train: {inputs: {x: "x*.npy"}, outputs: {y: "y*.npy"}}
  validation: {inputs: {x: "x*.npy"}, outputs: {y: v.npy}}
"""
MOST = 2**31 - 1


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec whose losses on validation samples are infinite: their squares are more than a float32 holds."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.random((8, 2), np.float32))
    np.save(tmp_path / "y.npy", rng.random((8, 1), np.float32))
    np.save(tmp_path / "v.npy", np.full((8, 1), 1e30, np.float32))
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path / "spec.yaml"


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in words], catch_exceptions=False)


def check_read(run: Path) -> None:
    """Every command that reads a run reads this one, and it is resumed."""
    for words in (("runs", run), ("runs", run, "--json"), ("report", run), ("evaluate", run, "--split", "train")):
        result = call(*words)
        assert (result.exit_code, "GS90" in result.output) == (0, False), (words, result.output)
    result = call("train", "--resume", run, "--set", "training.epochs=3", "--quiet")
    assert result.exit_code == 0, result.output
    assert graphspec.Run(run).record["epochs"] == 3


@pytest.mark.parametrize("monitor", ["", "{SGD: 1.0e-9}, checkpoint: {monitor: val_mae}"])
def test_no_epoch_is_the_best_by_what_is_no_number(spec: Path, monitor: str) -> None:
    """An infinite value is none that an epoch can be the best by; another monitor chooses as ever."""
    spec.write_text(SPEC.replace("{SGD: 1.0e-9}", monitor) if monitor else SPEC)
    run = graphspec.train(spec, run_dir=spec.with_name("run"))
    assert run.history["val_loss"] == [None, None]
    best = run.record["best"]
    assert (best is None, (run.path / "best.keras").exists()) == (not monitor, bool(monitor))
    check_read(run.path)


def test_names_that_are_no_text(spec: Path) -> None:
    """The files of a run are read again though the spec, or a file of its data, bears a name that is not UTF-8."""
    for name in ("x", "y"):
        spec.with_name(f"{name}.npy").rename(spec.with_name(os.fsdecode(name.encode() + b"\xff.npy")))
    odd = spec.with_name(os.fsdecode(b"s\xff.yaml"))
    run = graphspec.train(spec.rename(odd), run_dir=spec.with_name("run"))
    assert [name for name in run.lock["data"] if name.startswith("../x")] == ["../x\\xff.npy"]
    assert run.changed_data("train") == []
    check_read(run.path)
    (path,) = spec.parent.glob("x*.npy")
    np.save(path, np.ones((8, 2), np.float32))
    assert len(run.changed_data("train")) == 1


def test_greatest_settings_are_trained_with(spec: Path) -> None:
    """Every whole number of `training` that is valid is one that TensorFlow takes, and whose run is read again."""
    greatest = (
        f"batch_size: {MOST}, steps_per_execution: {MOST}, validation_freq: {MOST}, seed: {MOST}, "
        f"checkpoint: {{keep: {MOST}, every: 999999999 steps}}"
    )
    spec.write_text(SPEC.replace("batch_size: 4", greatest))
    assert graphspec.validate(spec).errors == []
    check_read(graphspec.train(spec, run_dir=spec.with_name("run")).path)


@pytest.mark.parametrize("number", [MOST + 1, 2**53, 10**30])
@pytest.mark.parametrize(
    "setting",
    ["epochs", "batch_size", "seed", "steps_per_epoch", "validation_freq", "steps_per_execution", "checkpoint.keep"],
)
def test_settings_beyond_what_tensorflow_counts_are_findings(spec: Path, setting: str, number: int) -> None:
    """GS104 says where the greatest number lies."""
    (found,) = graphspec.validate(spec, [f"training.{setting}={number}"]).errors
    assert (found.rule.code, "2,147,483,64" in found.expected) == ("GS104", True)


@pytest.mark.parametrize("use", ["word, vocabulary: auto", "word"])
@pytest.mark.parametrize("ending", ["jsonl", "npy"])
def test_words_that_no_file_could_hold_are_no_words(tmp_path: Path, ending: str, use: str) -> None:
    """Half a surrogate pair is found in the data, before it is trained with: no run could keep it, nor TensorFlow."""
    words = ["a", "\ud800", "b", "\U0001f600"]
    with open(tmp_path / "d.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"word": word, "y": 1.0}) + "\n" for word in words)
    np.save(tmp_path / "d.npy", np.array(words))
    source = f"file: d.jsonl, column: {use}" if ending == "jsonl" else f"file: d.npy{use.removeprefix('word')}"
    kind = "int32" if "auto" in use else "string"
    (tmp_path / "spec.yaml").write_text(f"""
graphspec: 1
inputs: {{x: {{shape: [1], dtype: {kind}}}}}
outputs: {{y: {{from: x, apply: [{{{"Rescaling: 1" if kind == "int32" else "StringLookup: {vocabulary: [a]}"}}},
                              Flatten, {{Dense: 1}}], loss: mse}}}}
training: {{optimizer: adam}}
data: {{train: {{inputs: {{x: {{{source}}}}}, outputs: {{y: {{file: d.jsonl, column: y}}}}}}}}
""")
    assert {each.rule.code for each in graphspec.validate(tmp_path / "spec.yaml", values=True).errors} == {"GS602"}
    with pytest.raises(graphspec.SpecError) as refused:
        graphspec.train(tmp_path / "spec.yaml", run_dir=tmp_path / "run")
    assert [each.rule.code for each in refused.value.report] == ["GS602"]


def test_packages_without_a_name_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package whose metadata is broken has no name or no version, and a lock holds texts."""
    whole = SimpleNamespace(metadata={"Name": "whole", "Version": "1"})
    broken = [SimpleNamespace(metadata={"Name": name, "Version": None}) for name in (None, "broken")]
    monkeypatch.setattr(lock, "distributions", lambda: [whole, *broken])
    assert lock._installed.__wrapped__() == {"whole": "1"}
