"""`log: [mlflow]`: what a training leaves in MLflow, read back with MLflow's own client."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import graphspec
from graphspec import SpecError, run_directory
from graphspec.console.reporter import Reporter
from graphspec.training.mlflow_log import check_mlflow, logged_to_mlflow

mlflow = pytest.importorskip("mlflow")
Write = Callable[..., Path]

SPEC = """
graphspec: 1
name: shop
description: sells hats
inputs: {x: [2]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
training: {optimizer: {SGD: {learning_rate: 0.5}}, epochs: 3, log: [mlflow], seed: 7}
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One store for most tests: to make one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/all.db"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: str) -> None:
    """MLflow logs to that store, unless a test says otherwise; nothing is left where the tests are run."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def spec(write: Write) -> graphspec.Spec:
    return graphspec.load(write(SPEC))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    return folder


def train(spec: graphspec.Spec, run: Path, epochs: range, status: str = "finished", **more: Any) -> str:
    """Log what a training of these epochs would, and give what is told meanwhile."""
    said = io.StringIO()
    rows: list[dict[str, Any]] = [{"epoch": epoch} for epoch in range(epochs.start)]
    run_directory.write_json(run / "run.json", {"status": "running"})
    with logged_to_mlflow(spec, run, rows, Reporter(Console(file=said), quiet=True)) as callbacks:
        for epoch in epochs:
            rows.append({"epoch": epoch, "step": 10 * (epoch + 1), "loss": 1.0 / (epoch + 1), **more})
            for each in callbacks:
                each.on_epoch_end(epoch, {})
        run_directory.write_json(run / "run.json", {"status": status})
        (run / "model.keras").write_bytes(b"a model")
    return said.getvalue()


def logged(run: Path) -> tuple[Any, Any]:
    """MLflow's client, and the run of MLflow that this run names."""
    known = json.loads((run / "mlflow.json").read_text(encoding="utf-8"))
    client = mlflow.MlflowClient(tracking_uri=known["tracking_uri"])
    return client, client.get_run(known["run_id"])


@pytest.mark.smoke
def test_a_training_is_a_run_of_mlflow(spec: graphspec.Spec, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, metrics by epoch and files are there, in a store below the run; what is not finite is left out."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    more: dict[str, Any] = {"share/y": 0.5, "val_loss": None, "f1": [0.1, 0.2]}
    assert train(spec, run, range(3), **more) == ""
    client, found = logged(run)
    assert found.info.status == "FINISHED"
    assert found.data.params["epochs"] == "3"
    assert json.loads(found.data.params["optimizer"]) == {"SGD": {"learning_rate": 0.5}}
    assert found.data.tags["mlflow.note.content"] == "sells hats"
    history = client.get_metric_history(found.info.run_id, "loss")
    assert [(each.step, each.value) for each in history] == [(0, 1.0), (1, 0.5), (2, pytest.approx(1 / 3))]
    assert set(found.data.metrics) == {"loss", "share/y", "f1_0", "f1_1"}
    assert {each.path for each in client.list_artifacts(found.info.run_id)} == {"spec.yaml", "run.json", "model.keras"}
    assert client.get_experiment(found.info.experiment_id).name == "shop"
    assert (run / "mlflow" / "mlflow.db").is_file()
    assert list((run / "mlflow" / "files").rglob("model.keras"))


@pytest.mark.parametrize(("status", "theirs"), [("stopped", "KILLED"), ("failed", "FAILED"), ("running", "FAILED")])
def test_the_end_of_a_training_is_that_of_the_run(spec: graphspec.Spec, run: Path, status: str, theirs: str) -> None:
    """A training that does not finish is no finished run of MLflow."""
    train(spec, run, range(1), status)
    assert logged(run)[1].info.status == theirs


def test_a_resumed_training_goes_on_in_its_run(spec: graphspec.Spec, run: Path) -> None:
    """What was stopped and goes on is one run of MLflow, with all epochs."""
    train(spec, run, range(2), "stopped")
    first = logged(run)[1].info.run_id
    train(spec, run, range(2, 3))
    client, found = logged(run)
    assert found.info.run_id == first
    assert found.info.status == "FINISHED"
    assert [each.step for each in client.get_metric_history(first, "loss")] == [0, 1, 2]


def test_mlflow_says_where_to(spec: graphspec.Spec, run: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variables of MLflow name the store and the experiment; then nothing of it lies in the run."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "hats")
    train(spec, run, range(1))
    client, found = logged(run)
    assert json.loads((run / "mlflow.json").read_text(encoding="utf-8"))["tracking_uri"] == store
    assert client.get_experiment(found.info.experiment_id).name == "hats"
    assert not (run / "mlflow").exists()


def test_no_run_says_what_is_written_elsewhere(
    spec: graphspec.Spec, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that names a store which nobody has chosen is refused, and a moved one is logged to where it lies now."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    for uri in (f"sqlite:///{tmp_path / 'victim.db'}", "http://localhost:9", f"file://{tmp_path / 'victim'}"):
        run_directory.write_json(run / "mlflow.json", {"run_id": "0" * 32, "tracking_uri": uri})
        with pytest.raises(SpecError, match="set MLFLOW_TRACKING_URI to that"):
            train(spec, run, range(1))
    (run / "mlflow.json").unlink()
    train(spec, run, range(1))
    moved = run.rename(tmp_path / "moved")
    assert "no files are logged to it" in train(spec, moved, range(1, 2))
    assert not run.exists()
    victim = (moved / "mlflow" / "mlflow.db").rename(tmp_path / "victim.db")
    content = victim.read_bytes()
    (moved / "mlflow" / "mlflow.db").symlink_to(victim)
    with pytest.raises(SpecError, match="is a link"):
        train(spec, moved, range(2, 3))
    assert victim.read_bytes() == content
    victim.unlink()
    assert {each.name for each in tmp_path.iterdir()} == {"moved", "spec.yaml"}


def test_a_store_that_fails_meanwhile_is_warned_of_once(
    spec: graphspec.Spec, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training does not end because a store does."""
    monkeypatch.setattr(mlflow.MlflowClient, "log_artifact", _refuse)
    said = train(spec, run, range(2))
    assert said.count("MLflow failed, so nothing more is logged to it: the disk is full\n") == 1
    assert "a stack of calls" not in said


def _refuse(*arguments: object) -> None:
    raise OSError("the disk is full\nand a stack of calls")


def test_a_store_that_cannot_be_opened_is_told_before_the_training(
    spec: graphspec.Spec, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong tracking URI is a finding with its place, and what to look at."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://nowhere")
    with pytest.raises(SpecError) as refused:
        train(spec, run, range(1))
    assert "MLFLOW_TRACKING_URI" in str(refused.value)
    assert ":7:" in str(refused.value)


def test_without_mlflow_in_log_nothing_is_imported_or_written(write: Write, run: Path) -> None:
    """A training that logs elsewhere has no callback of MLflow's."""
    spec = graphspec.load(write(SPEC.replace("[mlflow]", "[csv]")))
    assert train(spec, run, range(1)) == ""
    assert not (run / "mlflow.json").exists()
    assert [each.name for each in (spec.training.callbacks if spec.training else [])] == ["CSVLogger"]


def test_a_missing_package_is_told_with_its_extra(spec: graphspec.Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line to run names the extra."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert spec.model.training is not None
    with pytest.raises(SpecError, match=r"graphspec\[mlflow\]"):
        check_mlflow(spec.model.training)


def test_mlflow_sends_nothing_about_its_use(spec: graphspec.Spec, run: Path) -> None:
    """MLflow's reports about its own use are off, unless somebody has switched them on."""
    from mlflow.telemetry.utils import is_telemetry_disabled

    train(spec, run, range(1))
    assert is_telemetry_disabled()


def test_training_that_goes_on_is_one_run_with_every_epoch_once(tmp_path: Path, store: str) -> None:
    """`graphspec.train` logs as it goes, and `resume` to the same run of MLflow."""
    np.savez(tmp_path / "d.npz", x=np.ones((8, 2)), y=np.ones(8))
    path = tmp_path / "shop.yaml"
    data = "data: {train: {file: d.npz, inputs: {x: {key: x}}, outputs: {y: {key: y}}}}\n"
    path.write_text(SPEC + data, encoding="utf-8")
    trained = graphspec.train(path, run_dir=tmp_path / "trained")
    graphspec.resume(trained, epochs=5)
    known = json.loads((trained.path / "mlflow.json").read_text(encoding="utf-8"))
    history = mlflow.MlflowClient(store).get_metric_history(known["run_id"], "loss")
    assert [(each.step, each.value) for each in history] == list(enumerate(trained.history["loss"]))
    assert len(history) == 5
