"""What a run directory holds, how runs are listed and compared, and what is measured of a training."""

from __future__ import annotations

import csv
import json
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.datasets.batches import TrainingBatches
from graphspec.datasets.order import Order
from graphspec.datasets.samples import read_training_data
from graphspec.diagnostics import SpecError
from graphspec.run_directory import create, hold, read_json
from graphspec.runs.run import Run

ROOT = Path(__file__).resolve().parents[2]
WINE = ROOT / "specs" / "wine.yaml"

SPEC = """
graphspec: 1
vars: {hidden: 4}
inputs: {x: [3]}
graph:
  seen: {from: x, apply: {Dense: {units: "${hidden * 2}", activation: relu, kernel_regularizer: {L2: 0.01}}}}
outputs:
  left: {from: seen, apply: {Dense: 1}, loss: mse, loss_weight: 0.5, metrics: [mae]}
  right: {from: seen, apply: {Dense: 1}, loss: mae}
training:
  optimizer: {SGD: {learning_rate: {ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 10, decay_rate: 0.5}}}}
  epochs: 3
  batch_size: 8
data:
  train: {file: d.npz, inputs: {x: {key: x}}, outputs: {left: {key: y}, right: {key: y}}}
"""


def write_into(folder: Path) -> Path:
    """Write two outputs, a schedule, a variable; 21 samples, so that the last of three batches is smaller."""
    rng = np.random.default_rng(0)
    np.savez(folder / "d.npz", x=rng.random((21, 3)), y=rng.random(21))
    path = folder / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """The spec, to be changed and trained."""
    return write_into(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[graphspec.Run, float]:
    """The spec's run, for tests that only look at it, and the seconds that it took."""
    folder = tmp_path_factory.mktemp("trained")
    path = write_into(folder)
    began = time.monotonic()
    return graphspec.train(path, run_dir=folder / "run"), time.monotonic() - began


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of the wine that differ in one value, `first` and `second`."""
    folder = tmp_path_factory.mktemp("runs")
    for name, rate in (("first", "0.01"), ("second", "0.02")):
        overrides = ["training.epochs=2", f"training.optimizer.Adam={rate}"]
        graphspec.train(WINE, overrides=overrides, run_dir=folder / name)
        time.sleep(1.1)  # the record tells when a run began, to the second
    return folder


def call(*words: object) -> Result:
    """`graphspec` with these words."""
    return CliRunner().invoke(main, [str(each) for each in words])


def test_rows_and_table_say_the_same(trained: tuple[graphspec.Run, float]) -> None:
    """`metrics.jsonl` and `metrics.csv` hold a row an epoch, with the same columns in the documented order."""
    run, _ = trained
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == run.metrics
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert [row["step"] for row in rows] == [3, 6, 9]
    with open(run.path / "metrics.csv", encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [{name: float(value) for name, value in row.items()} for row in table] == rows
    names = list(table[0])
    assert names[:2] == ["epoch", "step"]
    assert names[-3:] == ["time/seconds", "time/samples_per_second", "time/data_wait"]


def test_losses_shares_and_rates_are_what_they_are_called(trained: tuple[graphspec.Run, float]) -> None:
    """The total is the weighted sum and the regularisation; shares are of it; the rate is that of the schedule."""
    run, seconds = trained
    assert sum(row["time/seconds"] for row in run.metrics) < seconds
    for row in run.metrics:
        shares = row["share/left"] + row["share/right"]
        assert row["share/left"] == pytest.approx(0.5 * row["left_loss"] / row["loss"])
        assert row["share/right"] == pytest.approx(row["right_loss"] / row["loss"])
        assert 0 < shares < 1, "the rest is regularisation"
        assert row["optimizer/learning_rate"] == pytest.approx(0.1 * 0.5 ** (row["step"] / 10))
        assert row["time/samples_per_second"] > 0
        assert 0 <= row["time/data_wait"] <= 1
        assert row["time/seconds"] > 21 / row["time/samples_per_second"] * 0.99


def test_single_output_has_no_shares(two: Path, tmp_path: Path) -> None:
    """There is nothing to share, and no key that Keras would not have."""
    np.savez(tmp_path / "d.npz", x=np.ones((8, 2)), y=np.ones(8))
    path = tmp_path / "s.yaml"
    path.write_text(
        "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}, loss: mse, metrics: [mae]}}\n"
        "training: {optimizer: sgd}\ndata: {train: {file: d.npz, inputs: {x: {key: x}}, outputs: {y: {key: y}}}, "
        "validation: {split: 0.5}}\n",
        encoding="utf-8",
    )
    run = graphspec.train(path, run_dir=tmp_path / "run")
    assert set(run.history) == {"epoch", "loss", "mae", "val_loss", "val_mae"}
    assert not any(name.startswith("share/") for name in run.metrics[0])


@pytest.mark.parametrize(("batch", "together"), [(8, 1), (8, 3), (4, 4)])
def test_samples_are_counted(spec: Path, batch: int, together: int) -> None:
    """From any step up to any other, the last batch of a pass smaller than the rest, epochs of any length."""
    loaded = graphspec.load(spec)
    samples = read_training_data(loaded).train
    order = Order(samples.count, batch)
    batches = TrainingBatches(loaded.graph, samples, order, together)
    sizes = [min(batch, 21 - first) for first in range(0, 21, batch)]
    for epoch in range(4):
        for first in range(together):
            positions = range(epoch * together + first, (epoch + 1) * together)
            expected = sum(sizes[position % len(sizes)] for position in positions)
            assert batches.samples_between(epoch, first, together) == expected
            assert batches.samples_between(epoch, first, together + 99) == expected, "an execution is longer"
            batches.start(epoch, first)
            assert sum(len(inputs["x"]) for inputs, _ in batches.dataset) == expected


class _Slow:
    """A column that takes its time."""

    def __init__(self, column: Any, seconds: float) -> None:
        self.column, self.seconds = column, seconds
        self.shape, self.dtype = column.shape, column.dtype

    def __len__(self) -> int:
        return len(self.column)

    def __getitem__(self, at: Any) -> Any:
        time.sleep(self.seconds)
        return self.column[at]


@pytest.mark.slow
@pytest.mark.parametrize(("reading", "using", "waits"), [(0.5, 0.0, True), (0.0, 0.2, False)])
def test_waiting_for_data_is_measured(spec: Path, reading: float, using: float, waits: bool) -> None:
    """A reader of slow data waits nearly all of its time; one that is slow itself waits nearly none."""
    loaded = graphspec.load(spec)
    found = read_training_data(loaded).train
    slow: Any = _Slow(found.inputs["x"], reading)
    found.inputs["x"] = slow
    batches = TrainingBatches(loaded.graph, found, Order(found.count, 2), 40)  # four passes, each in several readings
    batches.start(0)
    began = time.monotonic()
    for number, _ in enumerate(batches.dataset):
        if number % 10 == 0:
            time.sleep(using)
    if waits:
        assert batches.waited() >= 0.3, "eight readings by two threads take two seconds; a busy machine hides some"
    else:
        assert batches.waited() < 0.3 * (time.monotonic() - began)


@pytest.mark.parametrize("together", [1, 4])
@pytest.mark.parametrize("output", ["left", "right"])
def test_nan_ends_the_training_where_it_arises(
    spec: Path, tmp_path: Path, output: str, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finding names the output and the very step, however many are taken at a time, and a good checkpoint.

    The data is too large to be looked through before.
    """
    monkeypatch.setattr("graphspec.datasets.samples.MAX_SCANNED", 0)
    with np.load(tmp_path / "d.npz") as data:
        x, y = data["x"], data["y"]
    bad = y.copy()
    bad[13] = np.nan
    np.savez(tmp_path / "d.npz", x=x, y=y, bad=bad)
    text = spec.read_text(encoding="utf-8").replace(f"{output}: {{key: y}}", f"{output}: {{key: bad}}")
    text = text.replace(
        "batch_size: 8", f"batch_size: 2\n  steps_per_execution: {together}\n  checkpoint: {{every: 4 steps}}"
    )
    spec.write_text(text, encoding="utf-8")
    order = Order(21, 2, 0)
    step = next(step for step in range(11) if 13 in order.indices(0, step, step + 1)) + 1
    with pytest.raises(SpecError) as refused:
        graphspec.train(spec, run_dir=tmp_path / "run")
    (found,) = refused.value.report
    assert found.rule.code == "GS512"
    good = tmp_path / "run" / "checkpoints" / f"step_{(step - 1) // 4 * 4:09}.npz"
    assert found.message == (
        f"the loss of `{output}` is nan at step {step} of epoch 1; the last good checkpoint is {good}"
    )
    record = read_json(tmp_path / "run" / "run.json")
    assert record["status"] == "failed"
    assert record["reason"] == found.message


def test_checkpoint_with_weights_that_are_not_finite_is_not_good(write: Callable[..., Path], tmp_path: Path) -> None:
    """A step whose loss was still finite may have spoilt the weights: the checkpoint before it is named then."""
    np.savez(tmp_path / "d.npz", x=np.full((8, 1), 1e15, np.float32), y=np.zeros((8, 1), np.float32))
    path = write(
        """
        graphspec: 1
        inputs: {x: [1]}
        outputs: {y: {from: x, apply: {Dense: {units: 1, kernel_initializer: ones}}, loss: mse}}
        training: {optimizer: {SGD: 1.0e10}, batch_size: 2, epochs: 1, checkpoint: {every: 1 steps, keep: 9}}
        data: {train: {file: d.npz, inputs: {x: {key: x}}, outputs: {y: {key: y}}}}
        """
    )
    with pytest.raises(SpecError) as refused:
        graphspec.train(path, run_dir=tmp_path / "run")
    (found,) = refused.value.report
    checkpoints = tmp_path / "run" / "checkpoints"
    assert found.message.endswith(
        f"at step 2 of epoch 1; the last good checkpoint is {checkpoints / 'step_000000000.npz'}"
    )
    assert (checkpoints / "step_000000001.npz").exists()


def test_every_value_tells_where_it_came_from(spec: Path, tmp_path: Path) -> None:
    """Written values by their place, overrides by their text, expressions as written, the rest as defaults."""
    run = graphspec.train(spec, overrides=["training.epochs=1"], run_dir=tmp_path / "run")
    found = read_json(run.path / "provenance.json")
    assert found["training.epochs"] == {"value": 1, "from": "--set training.epochs=1"}
    assert found["training.batch_size"] == {"value": 8, "from": f"{spec}:13:15"}
    assert found["training.seed"] == {"value": 0, "from": "default"}
    units = found["graph.seen.apply.Dense.units"]
    assert (units["value"], units["written"]) == (8, '"${hidden * 2}"')


def test_lock_tells_what_it_takes_to_repeat(two: Path) -> None:
    """Command, seed, versions, machine, data files by size and SHA-256."""
    lock = graphspec.Run(two / "first").lock
    assert lock["seed"] == 1
    assert lock["versions"]["keras"] == keras.__version__
    assert lock["installed"]["keras"] == keras.__version__
    assert lock["machine"]["cores"] >= 1
    ((name, data),) = lock["data"].items()
    assert (two / "first" / name).resolve() == ROOT / "specs" / "data" / "wine" / "wine.csv"
    assert len(data["sha256"]) == 64
    assert lock["command"]


def test_runs_are_listed_with_what_became_of_them(two: Path, tmp_path: Path) -> None:
    """The newest first; a killed run, one that is written and one that cannot be read are told apart."""
    found = [json.loads(line) for line in call("runs", two, "--json").stdout.splitlines()]
    assert [Path(each["path"]).name for each in found] == ["second", "first"]
    assert all(each["status"] == "finished" for each in found)
    shown = call("runs", two).stdout
    assert "finished" in shown
    assert "val_loss" in shown
    for name in ("killed", "running", "damaged"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text('{"status": "running"}', encoding="utf-8")
    (tmp_path / "damaged" / "run.json").write_text("{", encoding="utf-8")
    with hold(tmp_path / "running"):
        lines = call("runs", tmp_path, "--json").stdout.splitlines()
    states = {Path(each["path"]).name: each["status"] for each in map(json.loads, lines)}
    assert states == {"killed": "killed", "running": "running", "damaged": "unreadable"}
    assert call("runs", tmp_path).exit_code == 0


def test_runs_are_sorted_by_a_metric(two: Path) -> None:
    """The least first; an unknown metric is told with those that there are."""
    found = [json.loads(line) for line in call("runs", two, "--sort", "loss", "--json").stdout.splitlines()]
    losses = [each["metrics"]["loss"] for each in found]
    assert losses == sorted(losses)
    result = call("runs", two, "--sort", "los")
    assert result.exit_code == 2
    assert "val_cultivar_accuracy" in result.stderr


def test_no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and none at all, hold no run; that is no mistake."""
    monkeypatch.chdir(tmp_path)
    assert call("runs").stdout == "There are no runs in runs.\n"
    assert call("runs", tmp_path / "nowhere").exit_code == 0


def test_two_runs_are_compared(two: Path) -> None:
    """By the values that differ, and by all metrics; versions and data are the same here."""
    result = call("runs", "compare", two / "first", two / "second", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["spec"] == {"training.optimizer.Adam": [0.01, 0.02]}
    assert found["versions"] == found["data"] == {}
    first, second = (graphspec.Run(two / name).record["metrics"] for name in ("first", "second"))
    assert found["metrics"] == {name: [first[name], second[name]] for name in first}
    shown = call("runs", "compare", two / "first", two / "second").stdout
    assert "training.optimizer.Adam" in shown
    assert "data: the same" in shown


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("compare", "a"), 2, "`compare` needs two runs"),
        (("a", "b"), 2, "one folder of runs"),
        (("compare", "a", "b"), 1, "there is no folder a"),
    ],
)
def test_wrong_use_of_runs_is_told(words: tuple[str, ...], status: int, said: str) -> None:
    """What to write instead."""
    result = call("runs", *words)
    assert result.exit_code == status
    assert said in result.stderr


def test_two_runs_at_once_never_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders that are made at the same time are all different; one that is stated serves one run."""
    monkeypatch.chdir(tmp_path)
    ids = (f"{number // 3:04}" for number in range(10_000))  # names that repeat themselves
    monkeypatch.setattr("graphspec.run_directory.folders.secrets.token_hex", lambda _: next(ids))
    loaded = graphspec.load(WINE)
    made: list[Path] = []
    threads = [threading.Thread(target=lambda: made.append(create(loaded, None))) for _ in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(made)) == len(made) == 20
    run = create(loaded, tmp_path / "run")
    with hold(run), pytest.raises(SpecError, match="never overwrites another"):
        create(loaded, tmp_path / "run")


def test_place_that_cannot_be_had_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file where the folder of runs should be is a finding."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("mine", encoding="utf-8")
    with pytest.raises(SpecError, match="cannot write"):
        graphspec.train(WINE, overrides=["training.epochs=1"])
    assert (tmp_path / "runs").read_text(encoding="utf-8") == "mine"


def test_epochs_are_told_as_they_come_and_end_where_it_is_asked_for(tmp_path: Path) -> None:
    """`on_epoch` sees each row that is written, and decides whether the training goes on."""
    seen = []

    def on_epoch(row: dict[str, Any]) -> bool:
        seen.append(row)
        return len(seen) < 2

    run = graphspec.train(WINE, run_dir=tmp_path / "run", on_epoch=on_epoch)
    assert run.metrics == seen
    assert len(seen) == 2
    assert run.record["status"] == "finished"
    assert math.isfinite(run.evaluate("validation")["loss"])


def test_newest_run_stands_for_a_folder_of_runs(tmp_path: Path) -> None:
    """`RUN` may be a folder of runs; a folder without any is refused."""
    for name, started in (("a", "2026-01-02T00:00:00+0000"), ("b", "2026-01-01T00:00:00+0000")):
        (tmp_path / "runs" / "spec" / name).mkdir(parents=True)
        record = json.dumps({"started": started})
        (tmp_path / "runs" / "spec" / name / "run.json").write_text(record, encoding="utf-8")
    assert Run.at(tmp_path / "runs").path.name == "a"
    (tmp_path / "empty").mkdir()
    with pytest.raises(SpecError, match="there is no run"):
        Run.at(tmp_path / "empty")
