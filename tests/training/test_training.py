"""Training, evaluating and predicting, through the public interfaces and with plain Keras as the oracle."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.runs.run import Run
from graphspec.sources import DataSource

L = keras.layers

SPEC = """
graphspec: 1
name: two_heads
inputs: {numbers: [4], word: {shape: [3], dtype: int32}}
graph:
  embedded: {from: word, apply: [{Embedding: {input_dim: 10, output_dim: 2}}, Flatten]}
  joined: {from: [numbers, embedded], merge: concat, apply: [{Dense: {units: 8, activation: relu}}, {Dropout: 0.2}]}
outputs:
  kind: {from: joined, apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy,
         metrics: [accuracy]}
  size: {from: joined, apply: {Dense: 1}, loss: mse, loss_weight: 0.3, metrics: [mae]}
training: {optimizer: {Adam: 0.01}, epochs: 3, batch_size: 16, seed: 5}
data:
  train:
    inputs: {numbers: numbers.npy, word: {file: rest.npz, key: word}}
    outputs: {kind: {file: table.csv, column: kind}, size: {file: table.csv, column: size}}
  validation: {split: 0.2}
"""


FILES = {
    *("run.json", "lock.json", "spec.yaml", "provenance.json", "metrics.jsonl", "metrics.csv", "log.txt", ".held"),
    *("checkpoints", "model.keras", "best.keras"),
}


def write_into(folder: Path) -> Path:
    """Write a spec with two inputs and two outputs, its data in .npy, .npz and .csv: 101 samples."""
    rng = np.random.default_rng(1)
    numbers, word = rng.normal(size=(101, 4)), rng.integers(0, 10, (101, 3))
    kind = (numbers[:, 0] > 0).astype(int) + (numbers[:, 1] > 0)
    np.save(folder / "numbers.npy", numbers)
    np.savez(folder / "rest.npz", word=word)
    rows = [f"{k},{s:.6f}" for k, s in zip(kind, numbers[:, 2] * 2, strict=True)]
    (folder / "table.csv").write_text("\n".join(["kind,size", *rows]) + "\n", encoding="utf-8")
    path = folder / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """The spec, to be changed and trained."""
    return write_into(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The spec's run, for tests that only look at it."""
    folder = tmp_path_factory.mktemp("trained")
    return graphspec.train(write_into(folder), run_dir=folder / "run")


def changed(path: Path, old: str, new: str) -> Path:
    """The spec with one text replaced."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def refusal(path: Path, **options: Any) -> tuple[str, str]:
    """The code and the whole text of the one finding that training `path` gives."""
    with pytest.raises(SpecError) as refused:
        graphspec.train(path, run_dir=path.parent / "refused", **options)
    (found,) = refused.value.report
    return found.rule.code, str(refused.value)


def test_run_directory_holds_model_spec_history_and_record(trained: Run) -> None:
    """A run leaves all that it takes to know what was trained and to use it."""
    assert {each.name for each in trained.path.iterdir()} == FILES
    assert trained.record["status"] == "finished"
    assert trained.record["samples"] == {"train": 81, "validation": 20}
    assert trained.record["epochs"] == 3
    assert trained.history["epoch"] == [0, 1, 2]
    keys = {"loss", "kind_loss", "kind_accuracy", "size_loss", "size_mae"}
    assert set(trained.history) == {"epoch"} | keys | {f"val_{key}" for key in keys}


def test_training_learns(spec: Path, tmp_path: Path) -> None:
    """The loss falls and the classes are found."""
    run = graphspec.train(spec, overrides=["training.epochs=20"], run_dir=tmp_path / "run")
    history = run.history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert run.evaluate("train")["kind_accuracy"] > 0.8


@pytest.mark.slow
def test_same_seed_repeats_and_another_does_not(trained: Run, spec: Path, tmp_path: Path) -> None:
    """A seed decides initial weights, dropout, order and split."""
    again = graphspec.train(spec, run_dir=tmp_path / "again").history
    other = graphspec.train(spec, overrides=["training.seed=6"], run_dir=tmp_path / "other").history
    assert trained.history == again
    assert trained.history["loss"] != other["loss"]


@pytest.mark.slow
def test_resolved_spec_trains_to_the_same_result(spec: Path, tmp_path: Path) -> None:
    """`spec.yaml` of a run holds overrides and finds the data from where it lies."""
    run = graphspec.train(spec, overrides=["training.epochs=2"], run_dir=tmp_path / "deep" / "run")
    assert len(graphspec.validate(run.path / "spec.yaml")) == 0
    again = graphspec.train(run.path / "spec.yaml", run_dir=tmp_path / "again")
    assert again.history == run.history
    assert "/" not in (run.path / "spec.yaml").read_text(encoding="utf-8").replace("../", "")


def test_training_is_what_keras_does_by_hand(spec: Path) -> None:
    """The same initial weights and batches through a hand-written compile and fit end in the same weights."""
    from graphspec.datasets.batches import TrainingBatches
    from graphspec.datasets.order import Order
    from graphspec.datasets.samples import read_training_data
    from graphspec.training.compiling import compile_model

    changed(spec, ", {Dropout: 0.2}", "")
    loaded = graphspec.load(spec)
    model = graphspec.build(loaded)
    numbers, word = keras.Input((4,), name="numbers"), keras.Input((3,), dtype="int32", name="word")
    joined = L.Concatenate()([numbers, L.Flatten()(L.Embedding(10, 2)(word))])
    hidden = L.Dense(8, activation="relu")(joined)
    by_hand = keras.Model(
        {"numbers": numbers, "word": word},
        {"kind": L.Dense(3, activation="softmax", name="kind")(hidden), "size": L.Dense(1, name="size")(hidden)},
    )
    by_hand.set_weights(model.get_weights())
    by_hand.compile(
        keras.optimizers.Adam(0.01),
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.3},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    compile_model(loaded, model)
    samples = read_training_data(loaded).train
    logs = []
    for each in (model, by_hand):
        batches = TrainingBatches(loaded.graph, samples, Order(samples.count, 16, seed=5), 6)
        begin = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _, batches=batches: batches.start(epoch))
        logs.append(each.fit(batches.dataset, epochs=2, shuffle=False, verbose=0, callbacks=[begin]).history)
    for ours, theirs in zip(model.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    for key in ("loss", "kind_accuracy", "size_mae"):
        np.testing.assert_allclose(logs[0][key], logs[1][key], rtol=1e-5)


@pytest.mark.slow
def test_saved_model_is_plain_keras(spec: Path, tmp_path: Path) -> None:
    """`model.keras` and what ModelCheckpoint writes load without graphspec, compiled, with equal numbers."""
    changed(spec, "seed: 5", "seed: 5, callbacks: [{ModelCheckpoint: {filepath: kept/best.keras}}]")
    run = graphspec.train(spec, run_dir=tmp_path / "run")
    code = (
        "import sys, keras, numpy as np; assert 'graphspec' not in sys.modules\n"
        "x = {'numbers': np.load('numbers.npy'), 'word': np.load('rest.npz')['word'].astype('int32')}\n"
        "for file in sys.argv[1:]:\n"
        "    model = keras.saving.load_model(file); assert model.compiled\n"
        "np.savez('out.npz', **model.predict(x, verbose=0))\n"
    )
    files = [run.path / "kept" / "best.keras", run.path / "model.keras"]
    subprocess.run([sys.executable, "-c", code, *map(str, files)], cwd=tmp_path, check=True, capture_output=True)
    sources = {
        "numbers": DataSource(tmp_path / "numbers.npy", "numbers.npy", run.spec.graph.span),
        "word": DataSource(tmp_path / "rest.npz", "rest.npz", run.spec.graph.span, key="word"),
    }
    ours = run.predict(sources)
    with np.load(tmp_path / "out.npz") as theirs:
        assert set(ours) == set(theirs) == {"kind", "size"}
        for name, values in ours.items():
            np.testing.assert_allclose(values, theirs[name], rtol=1e-5, atol=1e-6)


def test_evaluate_agrees_with_the_last_epoch(trained: Run) -> None:
    """The metrics of the reloaded run on its validation share are those of the last epoch."""
    keys = ("loss", "kind_loss", "kind_accuracy", "size_loss", "size_mae")
    last = {key: trained.history[f"val_{key}"][-1] for key in keys}
    assert trained.evaluate("validation") == pytest.approx(last, rel=1e-5)


def test_predict_rows_and_splits(trained: Run) -> None:
    """`rows` gives the first samples; a split that the run does not have is refused with those it has."""
    assert {name: values.shape for name, values in trained.predict("train", rows=slice(5)).items()} == {
        "kind": (5, 3),
        "size": (5, 1),
    }
    with pytest.raises(SpecError, match="has no `test` split"):
        trained.predict("test")


def test_predict_wants_exactly_the_inputs(trained: Run, tmp_path: Path) -> None:
    """A missing input and one of another shape are findings."""
    np.save(tmp_path / "wide.npy", np.zeros((2, 5)))
    span = trained.spec.graph.span
    with pytest.raises(SpecError) as refused:
        trained.predict({"numbers": DataSource(tmp_path / "wide.npy", "wide.npy", span)})
    assert sorted(each.rule.code for each in refused.value.report) == ["GS605", "GS607"]


def test_validation_share_is_disjoint_and_depends_on_the_seed_alone(spec: Path) -> None:
    """Held-out samples are never trained on, and stay held out from run to run."""
    from graphspec.datasets.samples import read_training_data

    first, again = (read_training_data(graphspec.load(spec)) for _ in range(2))
    other = read_training_data(graphspec.load(spec, ["training.seed=9"]))
    assert first.validation is not None
    assert again.validation is not None
    assert other.validation is not None
    assert first.train.rows is not None
    assert first.validation.rows is not None
    assert sorted([*first.train.rows, *first.validation.rows]) == list(range(101))
    np.testing.assert_array_equal(first.validation.rows, again.validation.rows)
    assert other.validation.rows is not None
    assert list(first.validation.rows) != list(other.validation.rows)


def test_callbacks_write_below_the_run_and_stop_the_run(spec: Path, tmp_path: Path) -> None:
    """Every callback of the callbacks seed works, its paths lie in the run directory, and early stopping stops."""
    callbacks = """callbacks: [
      {EarlyStopping: {monitor: val_kind_loss, patience: 1, min_delta: 100.0}},
      {ModelCheckpoint: {filepath: best_kind.keras, monitor: val_kind_accuracy, save_best_only: true}},
      {ReduceLROnPlateau: {monitor: val_loss, factor: 0.1, patience: 10}},
      {CSVLogger: log.csv}, {TensorBoard: logs}, TerminateOnNaN], seed: 5"""
    run = graphspec.train(
        changed(spec, "seed: 5", callbacks), overrides=["training.epochs=9"], run_dir=tmp_path / "run"
    )
    assert len(run.history["epoch"]) == 2
    names = {each.name for each in run.path.iterdir()}
    assert names == FILES | {"log.csv", "logs", "best_kind.keras"}
    assert any((run.path / "logs").rglob("events.out.tfevents.*"))


@pytest.mark.parametrize(
    ("written", "code"),
    [("{every: 5}", "GS103"), ("{every: often}", "GS104"), ("{keep: 0}", "GS104"), ("{monitor: val_los}", "GS507")],
)
def test_faulty_checkpoints_are_refused(spec: Path, written: str, code: str) -> None:
    """A wrong interval, number or metric is one finding."""
    assert refusal(changed(spec, "seed: 5", f"seed: 5, checkpoint: {written}"))[0] == code


@pytest.mark.parametrize(
    ("callback", "said"),
    [
        ("EarlyStopping: {monitor: val_kind_los}", "did you mean `val_kind_loss`?"),
        ("EarlyStopping: {monitor: accuracy}", "kind_accuracy"),
        ("ReduceLROnPlateau: {monitor: nothing_like_it}", "it reports `loss`"),
    ],
)
def test_monitor_that_is_never_reported_is_refused(spec: Path, callback: str, said: str) -> None:
    """Keras warns after the first epoch and goes on without; graphspec says before it what can be monitored."""
    code, text = refusal(changed(spec, "seed: 5", f"seed: 5, callbacks: [{{{callback}}}]"))
    assert code == "GS507"
    assert said in text


def test_monitoring_validation_without_validation_is_refused(spec: Path) -> None:
    """The mend names the key that is missing."""
    changed(spec, "  validation: {split: 0.2}\n", "")
    code, text = refusal(changed(spec, "seed: 5", "seed: 5, callbacks: [EarlyStopping]"))
    assert code == "GS507"
    assert "`data: {validation: {split: 0.1}}`" in text


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("training: {optimizer: {Adam: 0.01}, epochs: 3, batch_size: 16, seed: 5}\n", "", "GS505", "no `training`"),
        ("  validation: {split: 0.2}\n", "  validation: {split: 0.001}\n", "GS505", "leaves 0 for validation"),
        ("{Dense: 1}, loss: mse", "{Dense: 2}, loss: mse", "GS503", "targets of shape [2]"),
        ("units: 8, activation", "units: -8, activation", "GS213", "`units`"),
        ("optimizer: {Adam: 0.01}", "optimizer: {Adam: {learning_rate: fast}}", "GS201", "`fast`"),
        ("Flatten]", "{Reshape: [7]}]", "GS405", "(batch, 3, 2)"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_a_run_exists(
    spec: Path, old: str, new: str, code: str, said: str
) -> None:
    """Each mistake gives one finding that names it, and leaves no run directory behind."""
    found, text = refusal(changed(spec, old, new))
    assert found == code
    assert said in text
    assert not (spec.parent / "refused").exists()


def test_spec_without_data_is_refused(spec: Path) -> None:
    """`train` says which key is missing."""
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text[: text.index("data:")], encoding="utf-8")
    code, said = refusal(spec)
    assert code == "GS505"
    assert "`data: train:`" in said


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("0,big", "GS602", "line 102 column `size` holds `big`, not a number"),
        ("0", "GS602", "line 102 has 1 fields where its header has 2"),
        ("0,1.0\n0,1.0", "GS604", "102 samples"),
    ],
)
def test_table_that_does_not_fit_is_refused_with_its_line(spec: Path, line: str, code: str, said: str) -> None:
    """What only a full read tells is found before TensorFlow trains on it."""
    table = spec.parent / "table.csv"
    rows = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([*rows[:-1], line]) + "\n", encoding="utf-8")
    with pytest.raises(SpecError) as refused:
        graphspec.train(spec, run_dir=spec.parent / "refused")
    assert {each.rule.code for each in refused.value.report} == {code}
    assert said in str(refused.value)


def test_run_never_writes_over_another(spec: Path, tmp_path: Path) -> None:
    """A run directory that holds anything is refused and left as it is."""
    folder = tmp_path / "taken"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SpecError, match="never overwrites another"):
        graphspec.train(spec, run_dir=folder)
    assert [each.name for each in folder.iterdir()] == ["thesis.txt"]


def test_failed_training_is_recorded_as_such(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of Keras in mid-training is one finding, and the run says that it failed.

    The data is too large to be looked through before.
    """
    np.savez(tmp_path / "rest.npz", word=np.full((101, 3), 99))
    monkeypatch.setattr("graphspec.datasets.samples.MAX_SCANNED", 0)
    with pytest.raises(SpecError) as refused:
        graphspec.train(spec, run_dir=tmp_path / "run")
    assert [each.rule.code for each in refused.value.report] == ["GS504"]
    run = Run(tmp_path / "run")
    assert run.record["status"] == "failed"
    with pytest.raises(SpecError, match="its status is `failed`"):
        run.evaluate("train")


@pytest.mark.slow
def test_ctrl_c_keeps_the_model_and_the_history(spec: Path, tmp_path: Path) -> None:
    """A stopped run ends with status 130, a model that predicts and the epochs that it finished."""
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "graphspec", "train", str(spec), "--set", "training.epochs=100000"]
    with subprocess.Popen([*command, "--run-dir", str(folder)], stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 240
        while not (folder / "metrics.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=240)
    assert process.returncode == 130
    assert "Traceback" not in said
    run = Run(folder)
    assert run.record["status"] == "stopped"
    assert len(run.history["epoch"]) == run.record["epochs"] >= 1
    assert run.predict("train", rows=slice(2))["kind"].shape == (2, 3)


def test_damaged_run_is_refused(trained: Run, tmp_path: Path) -> None:
    """A truncated model or record is a finding, not a traceback."""
    run = Run(shutil.copytree(trained.path.parent, tmp_path / "copy") / "run")
    model = run.path / "model.keras"
    model.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(SpecError, match=r"model\.keras cannot be read"):
        run.evaluate("train")
    (run.path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(SpecError, match=r"run\.json cannot be read"):
        _ = run.record


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_cannot_be_written_is_refused(spec: Path, tmp_path: Path) -> None:
    """A read-only place for the run is a finding."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(SpecError, match="cannot write"):
        graphspec.train(spec, run_dir=closed / "run")
