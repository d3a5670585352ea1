"""A run or a study whose spec was edited: what differs is shown and refused, and what means the same goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.cli._verify_resume import differences
from graphspec.run_directory import read_json, resolved_spec, write_json, write_text
from graphspec.run_directory.spec_values import sha256_of
from graphspec.training.checkpoint_file import CheckpointContents, read_checkpoint, write_checkpoint

SPEC = """
graphspec: 1
plugins: [scaled]
include: [parts.yaml]
vars: {rate: 0.3, unused: 1}
inputs: {x: [3]}
models:
  other: {spec: other.yaml}
  saved: {file: saved.keras}
graph:
  second: {from: x, apply: {Dense: {units: 4, activation: relu}}}
  first: {from: x, apply: [{Dense: {units: 4, activation: relu}}, {Dropout: "${rate}"}]}
  both: {from: [second, first], merge: sum}
  wide: {from: both, apply: [wide, {"mine>Scaled": {factor: 2.0}}]}
  more: {from: wide, apply: [other, saved]}
outputs:
  z: {from: more, apply: {Dense: 1}, loss: mse, metrics: [mae]}
  a: {from: wide, apply: {Dense: 1}, loss: mae, loss_weight: 0.5}
training: {optimizer: {Adam: {learning_rate: 0.01}}, epochs: 3, batch_size: 8, seed: 4, jit_compile: false}
data:
  train: {file: d.npz, inputs: {x: {key: x}}, outputs: {z: {key: y}, a: {key: y}}}
  test: {file: e.npz, inputs: {x: {key: x}}, outputs: {z: {key: y}, a: {key: y}}}
"""
PARTS = """
graphspec: 1
blocks:
  wide:
    params: {units: 5}
    inputs: [tensor]
    graph: {out: {from: tensor, apply: [{Dense: "${units}"}, LayerNormalization]}}
    output: out
"""
OTHER = """
graphspec: 1
inputs: {x: [5]}
outputs: {y: {from: x, apply: [{Dense: 5}, {GaussianNoise: 0.2}]}}
"""
PLUGIN = """
import keras

@keras.saving.register_keras_serializable("mine")
class Scaled(keras.layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
"""


def save_model(path: Path, rate: float) -> None:
    """A small model with a dropout of `rate`, as Keras saves it."""
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,), name="x")
    keras.Model(inputs, keras.layers.Dropout(rate)(keras.layers.Dense(5)(inputs))).save(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has come to its end, with every kind of file that a spec may name beside its data."""
    folder = tmp_path_factory.mktemp("changed")
    rng = np.random.default_rng(0)
    np.savez(folder / "d.npz", x=rng.random((24, 3)), y=rng.random(24))
    np.savez(folder / "e.npz", x=rng.random((24, 3)), y=rng.random(24))
    for name, text in (("spec.yaml", SPEC), ("parts.yaml", PARTS), ("other.yaml", OTHER), ("scaled.py", PLUGIN)):
        (folder / name).write_text(text, encoding="utf-8")
    save_model(folder / "saved.keras", 0.1)
    return graphspec.train(folder / "spec.yaml", run_dir=folder / "runs" / "whole").path


@pytest.fixture
def run(whole: Path) -> Iterator[Path]:
    """A copy of the run beside it, as if it had been killed after its second epoch."""
    copy = whole.with_name("copy")
    shutil.copytree(whole, copy)
    (copy / "checkpoints" / "step_000000009.npz").unlink()
    (copy / "model.keras").unlink()
    write_json(copy / "run.json", {**read_json(copy / "run.json"), "status": "running"})
    others = {path: path.read_bytes() for path in copy.parent.parent.iterdir() if path.is_file()}
    yield copy
    shutil.rmtree(copy)
    for path, content in others.items():
        path.write_bytes(content)


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in words], catch_exceptions=False)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, text
    path.write_text(text.replace(old, new), encoding="utf-8")


EDITS = [
    ("spec.yaml", "learning_rate: 0.01", "learning_rate: 0.02", "training.optimizer.Adam.learning_rate: 0.01 → 0.02"),
    ("spec.yaml", "Adam", "SGD", "training.optimizer.SGD.learning_rate: unset → 0.01"),
    ("spec.yaml", "seed: 4", "seed: 5", "training.seed: 4 → 5"),
    ("spec.yaml", "batch_size: 8", "batch_size: 12", "training.batch_size: 8 → 12"),
    ("spec.yaml", "jit_compile: false", "jit_compile: auto", "training.jit_compile: false → auto"),
    ("spec.yaml", "seed: 4", "seed: 4\n  validation_freq: 2", "training.validation_freq: 1 → 2"),
    ("spec.yaml", "epochs: 3", "epochs: 4", "training.epochs: 3 → 4"),
    ("spec.yaml", "rate: 0.3", "rate: 0.4", "graph.first.apply[1].Dropout.rate: 0.3 → 0.4"),
    ("spec.yaml", "factor: 2.0", "factor: 3.0", "factor: 2.0 → 3.0"),
    ("spec.yaml", "loss_weight: 0.5", "loss_weight: 0.25", "outputs.a.loss_weight: 0.5 → 0.25"),
    ("spec.yaml", "loss: mae", "loss: mse", "outputs.a.loss: mae → mse"),
    ("spec.yaml", "d.npz", "f.npz", "data.train.inputs.x.file: ../../d.npz → ../../f.npz"),
    ("spec.yaml", "seed: 4", "seed: 4\n  callbacks: [TerminateOnNaN]", "training.callbacks[0]: unset → TerminateOnNaN"),
    ("included/0_parts.yaml", "units: 5", "units: 6", "Dense.units: 5 → 6"),
    ("../../other.yaml", "0.2", "0.3", "GaussianNoise.stddev: 0.2 → 0.3"),
]


@pytest.mark.parametrize(("file", "old", "new", "said"), EDITS, ids=[each[3].split(":")[0] for each in EDITS])
def test_edit_is_shown_and_refused(run: Path, file: str, old: str, new: str, said: str) -> None:
    """Whatever is edited, in the spec or in a file that it names, is said with what it was and what it is."""
    if "units: 6" in new:
        edit(run.parent.parent / "other.yaml", "x: [5]", "x: [6]")  # so that the spec stays valid
        edit(run / "spec.yaml", "apply: [other, saved]", "apply: other")
    edit(run / file, old, new)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    result = call("train", "--resume", run)
    assert result.exit_code == 1, result.output
    assert "error[GS909] changed-spec" in result.stderr
    assert said in result.stderr
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_order_of_outputs_is_part_of_a_run(run: Path) -> None:
    """Keras numbers the losses of outputs in their order, and so does a checkpoint."""
    tree = yaml.safe_load((run / "spec.yaml").read_text(encoding="utf-8"))
    tree["outputs"] = dict(reversed(tree["outputs"].items()))
    (run / "spec.yaml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    assert 'outputs: ["z", "a"] → ["a", "z"]' in call("train", "--resume", run).stderr


def test_saved_model_of_other_layers_is_refused(run: Path) -> None:
    """A file of a model that the spec names is part of what it means, as far as its layers go."""
    save_model(run.parent.parent / "saved.keras", 0.5)
    result = call("train", "--resume", run)
    assert result.exit_code == 1
    assert "apply[1].layers: " in result.stderr
    assert "GS909" in result.stderr


def test_edit_of_a_finished_run_is_refused_too(run: Path) -> None:
    """It has nothing more to train, and still is not what its spec says."""
    write_json(run / "run.json", {**read_json(run / "run.json"), "status": "finished"})
    edit(run / "spec.yaml", "seed: 4", "seed: 5")
    assert "training.seed: 4 → 5" in call("train", "--resume", run).stderr


def reversed_keys(value: Any) -> Any:
    """A tree with the keys of its mappings in the opposite order, but for the outputs of a model."""
    if isinstance(value, list):
        return [reversed_keys(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: reversed_keys(value[key]) for key in reversed(value)}
    if "outputs" in value and "training" in value:
        found["outputs"] = {key: found["outputs"][key] for key in value["outputs"]}
    return found


def rewrite(path: Path) -> None:
    """Write a YAML file anew: in another style, with its keys in the opposite order and another comment."""
    tree = reversed_keys(yaml.safe_load(path.read_text(encoding="utf-8")))
    path.write_text("# the same\n" + yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def test_what_means_the_same_comes_to_the_same_end(whole: Path, run: Path) -> None:
    """Comments, the order of keys, defaults written out, expressions and unused names change nothing, to the bit."""
    edit(run / "spec.yaml", "seed: 4", "seed: 2\n  validation_freq: 1\n  checkpoint: {every: epoch}")
    edit(run / "spec.yaml", "seed: 2", 'seed: "${2 + 2}"')
    edit(run / "spec.yaml", "unused: 1", "unused: 2")
    for file in ("spec.yaml", "included/0_parts.yaml", "../../other.yaml"):
        rewrite(run / file)
    result = call("train", "--resume", run)
    assert result.exit_code == 0, result.output
    assert list(differences(whole, run)) == []


@pytest.mark.slow
def test_more_epochs_are_the_one_change(run: Path) -> None:
    """`--set training.epochs` is taken, and the spec that it leaves is the one that the next resume compares with."""
    edit(run / "spec.yaml", "epochs: 3", "epochs: 5")
    refused = call("train", "--resume", run)
    assert f"graphspec train --resume {run} --set training.epochs=5" in refused.stderr
    assert call("train", "--resume", run, "--set", "training.epochs=5", "--quiet").exit_code == 0
    assert read_json(run / "run.json")["epochs"] == 5
    assert call("train", "--resume", run).exit_code == 0
    edit(run / "spec.yaml", "epochs: 5", "epochs: 6")
    assert call("train", "--resume", run, "--set", "training.epochs=6", "--quiet").exit_code == 0
    assert read_json(run / "run.json")["epochs"] == 6
    assert call("train", "--resume", run).exit_code == 0
    edit(run / "spec.yaml", "seed: 4", "seed: 5")
    refused = call("train", "--resume", run, "--set", "training.epochs=7")
    assert "training.seed: 4 → 5" in refused.stderr


@pytest.mark.parametrize("written", range(4))
def test_killed_while_epochs_are_changed(run: Path, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    """Between any two of the files that more epochs change, a kill leaves a run that can be resumed."""

    class KilledError(BaseException):
        pass

    left = [written]

    def unless_killed(write: Any) -> Any:
        def wrapped(*arguments: Any) -> None:
            if not left[0]:
                raise KilledError
            left[0] -= 1
            write(*arguments)

        return wrapped

    spec = graphspec.Run(run).to_resume(5)
    assert spec is not None
    with monkeypatch.context() as patched:
        patched.setattr(resolved_spec, "write_text", unless_killed(write_text))
        patched.setattr(resolved_spec, "write_json", unless_killed(write_json))
        with pytest.raises(KilledError):
            resolved_spec.change_epochs(run, spec)
    assert graphspec.Run(run).to_resume() is not None
    assert graphspec.Run(run).to_resume(6) is not None


def without_hash(run: Path) -> None:
    """Make the lock and the checkpoints what they were before they held hashes."""
    for path in (run / "checkpoints").glob("*.npz"):
        contents = read_checkpoint(path)
        state = {key: value for key, value in contents.state.items() if key not in ("spec", "lock", "rows")}
        write_checkpoint(path, CheckpointContents(state, contents.arrays))
    lock = read_json(run / "lock.json")
    for key in ("resolved", "plugins", "files"):
        del lock[key]
    write_json(run / "lock.json", lock)


def test_run_of_an_older_version_goes_on_with_a_warning(whole: Path, run: Path) -> None:
    """Nobody can tell whether its spec or its plugins were edited; that is said once, and from then on it can be told.

    A run whose checkpoints know of hashes is not taken for one.
    """
    without_hash(run)
    result = call("train", "--resume", run, "--quiet")
    assert result.exit_code == 0, result.output
    assert "changes of the spec since then are not detected" in result.stderr
    assert "the run recorded nothing of the plugin ../../scaled.py" in result.stderr
    assert list(differences(whole, run)) == []
    edit(run / "spec.yaml", "seed: 4", "seed: 5")
    assert "training.seed: 4 → 5" in call("train", "--resume", run).stderr


def with_recorded(run: Path, change: dict[str, Any]) -> None:
    """Let the run have been begun with other values; None for one that there was not."""
    lock = read_json(run / "lock.json")
    values = {key: value for key, value in {**lock["resolved"]["values"], **change}.items() if value is not ...}
    known = {**lock["resolved"], "sha256": sha256_of(values), "values": values}
    write_json(run / "lock.json", {**lock, "resolved": known})


def test_defaults_of_another_version(run: Path) -> None:
    """A setting that the older version did not have is no change; a default that was another one is."""
    with_recorded(run, {"training.steps_per_epoch": ...})
    assert graphspec.Run(run).to_resume() is not None
    with_recorded(run, {"training.validation_freq": 2})
    assert "training.validation_freq: 2 → 1" in call("train", "--resume", run).stderr


def test_without_its_values_a_change_is_refused_all_the_same(run: Path) -> None:
    """The hash decides; values that it is not of show nothing."""
    lock = read_json(run / "lock.json")
    lock["resolved"]["values"]["training.seed"] = 5
    write_json(run / "lock.json", lock)
    assert graphspec.Run(run).to_resume() is not None
    edit(run / "spec.yaml", "seed: 4", "seed: 5")
    result = call("train", "--resume", run)
    assert result.exit_code == 1
    assert "the spec: SHA-256" in result.stderr


@pytest.mark.slow
def test_whoever_uses_the_model_is_warned(whole: Path, run: Path) -> None:
    """`evaluate`, `predict`, `export` and the report say in what the spec, or a plugin, is not what was trained."""
    shutil.copy(whole / "model.keras", run)
    edit(run / "spec.yaml", "loss_weight: 0.5", "loss_weight: 0.25")
    edit(run.parent.parent / "scaled.py", "x * self.factor", "x * self.factor  # as ever")
    for words in (("evaluate", run), ("predict", run, "--split", "test"), ("export", run, "--to", "keras")):
        result = call(*words)
        assert result.exit_code == 0, result.output
        assert "has changed since the run was started: outputs.a.loss_weight: 0.5 → 0.25" in result.stderr, words
        assert "warning: the plugin ../../scaled.py has changed" in result.stderr, words
        assert "warning" not in call(
            words[0], whole, *words[2:], *(["--force"] if words[0] == "export" else [])
        ).stderr.replace("warning: the plugin", "")
    assert call("report", run).exit_code == 0
    assert "outputs.a.loss_weight: 0.5 → 0.25" in (run / "report.html").read_text(encoding="utf-8")


def test_changed_plugin_is_told_and_goes_on(run: Path) -> None:
    """A plugin is code, of which nobody knows what it means: it is warned of, as data files are."""
    edit(run.parent.parent / "scaled.py", "x * self.factor", "x * self.factor  # as ever")
    result = call("train", "--resume", run, "--quiet")
    assert result.exit_code == 0, result.output
    assert "the plugin ../../scaled.py has changed since the run began" in result.stderr


def test_data_that_changed_is_told_after_a_kill(run: Path) -> None:
    """The data files of a run are recorded while it is trained, and not at its end alone."""
    with np.load(run.parent.parent / "d.npz") as data:
        arrays = {name: data[name] for name in data}
    np.savez(run.parent.parent / "d.npz", **{name: array + 0.5 for name, array in arrays.items()})
    assert "d.npz has changed since the run began" in call("train", "--resume", run, "--quiet").stderr
