"""A run whose records say something else than they did: it is refused, or what nobody can tell any more is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.run_directory import read_json, write_json
from graphspec.training.checkpoint_file import CheckpointContents, read_checkpoint, write_checkpoint

SPEC = """
graphspec: 1
inputs: {x: {shape: [1], dtype: string}}
plugins: [{module: forged_plugin}]
outputs: {y: {from: x, apply: [StringLookup, {Embedding: {input_dim: 4, output_dim: 2}}, Flatten, "forged>Own", {Dense: 1}], loss: mse}}
training: {optimizer: sgd, epochs: 3, batch_size: 4, seed: 3, checkpoint: {keep: 100}}
data:
  train: {inputs: {x: x.npy}, outputs: {y: y.npy}}
  validation: {inputs: {x: v.npy}, outputs: {y: w.npy}}
"""  # noqa: E501
PLUGIN = """
import keras

@keras.saving.register_keras_serializable("forged")
class Own(keras.layers.Layer):
    def call(self, x):
        return x
"""
PLUGIN_FILE = "../../forged_plugin.py"
SECTIONS = ("files", "data", "plugins")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has come to its end, whose lock names files of every kind."""
    folder = tmp_path_factory.mktemp("forged")
    words = np.array([["a"], ["b"], ["c"], ["a"]] * 2)
    for name in "xv":
        np.save(folder / f"{name}.npy", words)
    for name in "yw":
        np.save(folder / f"{name}.npy", np.arange(8, dtype="float32")[:, None])
    (folder / "forged_plugin.py").write_text(PLUGIN)
    (folder / "spec.yaml").write_text(SPEC)
    return graphspec.train(folder / "spec.yaml", run_dir=folder / "runs" / "whole").path


@pytest.fixture
def run(whole: Path) -> Iterator[Path]:
    """A copy of the run beside it, as if it had been killed when it had written its model."""
    copy = whole.with_name("copy")
    shutil.copytree(whole, copy)
    write_json(copy / "run.json", {**read_json(copy / "run.json"), "status": "running"})
    yield copy
    shutil.rmtree(copy)


def resume(run: Path) -> Result:
    return CliRunner().invoke(main, ["train", "--resume", str(run), "--quiet"], catch_exceptions=False)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` change the JSON object in a file."""
    value = read_json(path)
    change(value)
    write_json(path, value)


def of_an_older_version(run: Path) -> None:
    """Let no checkpoint know how the lock and the rows of metrics were."""
    for path in (run / "checkpoints").glob("*.npz"):
        contents = read_checkpoint(path)
        state = {key: value for key, value in contents.state.items() if key not in ("lock", "rows")}
        write_checkpoint(path, CheckpointContents(state, contents.arrays))


def forgeries(section: str) -> dict[str, Callable[[dict[str, Any]], object]]:
    """What somebody may do to a section of a lock, so that a changed file is not noticed."""
    return {
        "removed": lambda lock: lock.pop(section),
        "emptied": lambda lock: lock[section].clear(),
        "without one": lambda lock: lock[section].pop(next(iter(lock[section]))),
        "another hash": lambda lock: next(iter(lock[section].values())).update(sha256="0" * 64),
        "another name": lambda lock: lock[section].update({"other": lock[section].pop(next(iter(lock[section])))}),
    }


@pytest.mark.parametrize("how", forgeries(""))
@pytest.mark.parametrize("section", SECTIONS)
def test_lock_that_was_changed_is_refused(run: Path, section: str, how: str) -> None:
    """What the checkpoint was written with is what the lock must name, whichever file it is that has changed."""
    edit(run / "lock.json", forgeries(section)[how])
    result = resume(run)
    assert result.exit_code == 1, result.output
    assert "error[GS903]" in result.stderr
    assert "lock.json" in result.stderr or section == "files"


@pytest.mark.parametrize("how", ["removed", "emptied", "without one"])
@pytest.mark.parametrize("section", SECTIONS)
def test_what_an_older_version_did_not_record_is_told(run: Path, section: str, how: str) -> None:
    """Without hashes in the checkpoint, each file that the lock says nothing of is named; or the run is refused."""
    of_an_older_version(run)
    edit(run / "lock.json", forgeries(section)[how])
    result = resume(run)
    if section == "data" and how == "removed":
        assert "error[GS903]" in result.stderr  # each version has recorded it
        return
    if section == "files" and how != "removed":
        assert (result.exit_code, "lock.json cannot be read: it has no entry for " in result.stderr) == (1, True)
        return
    assert result.exit_code == 0, result.output
    missing = {"data": "../../x.npy", "plugins": f"the plugin {PLUGIN_FILE}", "files": "adapted.json"}[section]
    assert f"the run recorded nothing of {missing}: changes of it are not detected" in result.stderr


def test_versions_that_are_not_recorded_are_told(run: Path) -> None:
    """A lock that does not say which Keras, TensorFlow, ... trained the run is not taken for one of the same."""
    edit(run / "lock.json", lambda lock: lock.update(versions={"numpy": np.__version__}))
    result = resume(run)
    assert result.exit_code == 0, result.output
    assert "nothing of the version of keras" in result.stderr
    assert "nothing of the version of numpy" not in result.stderr


def test_other_commands_tell_of_it(run: Path) -> None:
    """`evaluate` says of which data, and of which plugin, nothing is known."""
    edit(run / "lock.json", lambda lock: lock.update(data={}, plugins={}))
    result = CliRunner().invoke(main, ["evaluate", str(run), "--split", "validation"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "nothing of ../../v.npy" in result.stderr
    assert f"nothing of the plugin {PLUGIN_FILE}" in result.stderr


def row(number: int, **change: Any) -> Callable[[Path], None]:
    """A change of one row of metrics."""

    def forge(run: Path) -> None:
        rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        rows[number].update(change)
        (run / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))

    return forge


def record(**change: Any) -> Callable[[Path], None]:
    """A change of `run.json`."""
    return lambda run: edit(run / "run.json", lambda value: value.update(change))


def twice(run: Path) -> None:
    text = (run / "metrics.jsonl").read_text()
    (run / "metrics.jsonl").write_text(text + text)


def more(run: Path) -> None:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    rows.append({**rows[-1], "epoch": 3, "step": 8})
    (run / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))


BEST = {"epoch": 1, "monitor": "val_loss"}
FORGED: dict[str, Callable[[Path], None]] = {
    "epoch": row(1, epoch=7),
    "epochs twice": twice,
    "more epochs than are trained": more,
    "NaN": row(1, loss=float("nan")),
    "negative step": row(0, step=-2),
    "steps that fall": row(1, step=1),
    "steps of no epoch": row(2, step=7),
    "a loss that was another": row(1, loss=0.25),
    "a loss of the last epoch": row(2, loss=0.25),
    "a negative time": row(1, **{"time/seconds": -1.0}),
    "epochs": record(epochs=4),
    "negative seconds": record(seconds=-1.0),
    "best beyond the rows": record(best={**BEST, "epoch": 3, "value": 1.0}),
    "best of another value": record(best={**BEST, "value": 1e-9}),
    "metrics": record(metrics={"loss": 1e-9}),
    "a metric of no row": record(metrics={"accuracy": 1.0}),
    "seed": record(seed=4),
    "steps at a time": record(steps_per_execution=2**30),
    "samples": record(samples={"train": 9, "validation": 8}),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_numbers_that_do_not_agree_are_refused(run: Path, forge: Callable[[Path], None]) -> None:
    """Types that are right hide no value that another file of the run, its spec or its checkpoint contradicts."""
    forge(run)
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.suffix in (".json", ".jsonl", ".keras")}
    result = resume(run)
    assert result.exit_code == 1, result.output
    assert "error[GS903]" in result.stderr
    assert before == {path.name: path.read_bytes() for path in run.iterdir() if path.name in before}


def test_numbers_that_do_not_agree_are_told_in_a_list(run: Path) -> None:
    """`graphspec runs` shows what the record says, with what contradicts it."""
    record(metrics={"loss": 1e-9})(run)
    result = CliRunner().invoke(main, ["runs", str(run)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "its `loss` is not that of the last epoch in metrics.jsonl" in result.stderr


def test_a_run_that_goes_on_from_an_earlier_checkpoint_agrees_with_itself(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the newest checkpoint is damaged, the record says what was reached at the one that is used, at once."""
    for path in (run / "checkpoints").glob("*.npz"):
        if path.name not in ("step_000000000.npz", "step_000000002.npz"):
            path.write_bytes(b"damaged")

    def killed(*given: Any, **more: Any) -> None:
        raise SystemExit(1)

    monkeypatch.setattr("graphspec.training.stages.fit", killed)
    with pytest.raises(SystemExit):
        graphspec.resume(run)
    monkeypatch.undo()
    said = graphspec.Run(run).record
    assert (said["epochs"], said["best"]["epoch"]) == (1, 0)
    assert graphspec.Run(run).metrics[0]["loss"] == said["metrics"]["loss"]
    assert resume(run).exit_code == 0
    assert len(graphspec.Run(run).metrics) == 3


def test_an_unchanged_run_goes_on_without_a_word(run: Path) -> None:
    """No warning is made of a run that is as it was; nor where its data is recorded late."""
    (run / "model.keras").unlink()
    result = resume(run)
    assert (result.exit_code, "warning" in result.stderr) == (0, False), result.output
