"""Whole trainings by several workers: launched, stopped, killed and resumed, and run as the jobs of clusters."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphspec.training.checkpoints import checkpoint_steps
from tests.distribution.clusters import ROOT, Slurm, run_pods, with_program
from tests.distribution.fake_jobs import wait_until
from tests.distribution.killed_workers import kill_workers
from tests.resuming.data import specs_in


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a spec of two inputs and two outputs, beside its data."""
    return next(each for each in specs_in(tmp_path_factory.mktemp("data")) if each.stem == "heads")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a machine with graphspec."""
    own = with_program(tmp_path, "graphspec", sys.executable, "-m", "graphspec")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**own, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1"}


def record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return found


def launch(environment: dict[str, str], folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["graphspec", "launch", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        output, _ = process.communicate(timeout=240)
    finally:
        process.kill()
    return process.returncode, output


def epochs_in(text: str) -> list[tuple[str, str]]:
    """Return the number and the metrics of each epoch that a log tells of."""
    return re.findall(r"^epoch +(\d+)/\d+  .*?  (loss .*)$", text, re.MULTILINE)


@pytest.mark.slow
def test_ctrl_c_stops_at_a_checkpoint(spec: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """With the status of `train`, a line that resumes the job, and no worker left; the line then finishes the run."""
    run = tmp_path / "run"
    process = launch(environment, tmp_path, str(spec), "--workers", "2", "--run-dir", "run")
    wait_until(lambda: (run / "metrics.jsonl").exists() or process.poll() is not None, 120)
    process.send_signal(signal.SIGINT)
    status, output = end_of(process)
    assert status == 130, output
    command = "graphspec launch --resume run --workers 2"
    assert f"stopped; resume with: {command}" in output
    assert "error" not in output
    assert record(run)["status"] == "stopped"
    log = run / "workers" / "worker-1.log"
    begun = log.read_text(encoding="utf-8")
    assert re.match(r"worker 1 \(127\.0\.0\.1:\d+\) of 2 started at \d{4}-.*, as process \d+\n", begun)
    assert re.search(r"trains rows \d+ to \d+ of each batch of \d+ on CPU:0, for \d+ epochs of \d+ steps\n", begun)
    assert re.search(r"\nstopped by SIGINT at .*; the chief writes the checkpoint\n", begun)
    assert epochs_in(begun) == epochs_in(output) != []
    held = max(checkpoint_steps(run / "checkpoints"))
    assert held > 0
    status, output = end_of(launch(environment, tmp_path, *command.split()[2:]))
    assert (status, record(run)["status"]) == (0, "finished"), output
    assert f"step_{held:09}.npz" in output
    assert "The run is in run" in output
    ended = log.read_text(encoding="utf-8").removeprefix(begun)
    assert re.search(r"\nresuming after step \d+ of epoch \d+\n", ended)
    assert epochs_in(ended) == epochs_in(output) != []
    assert ended.endswith("; the chief writes run\n")
    assert end_of(launch(environment, tmp_path, *command.split()[2:]))[1].startswith("run is complete")


@pytest.mark.long
def test_killed_workers_change_nothing(tmp_path: Path) -> None:
    """The job ends with a message within seconds, and the resumed run is the same, to the bit."""
    (trial,) = kill_workers(tmp_path, kills=1, workers=2, seed=3, epochs=4)
    assert trial.differing == ()
    assert trial.seconds is not None
    assert trial.seconds < 15


@pytest.mark.slow
def test_pods_train(spec: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """The containers of a manifest, with the variables that Kubernetes sets, make one finished run."""
    arguments = ["--emit", "kubernetes", "--image", "graphspec", "--claim", "work", "--set", "training.epochs=2"]
    status, manifest = end_of(
        launch(environment, tmp_path, str(spec), "--workers", "2", "--run-dir", "runs/a", *arguments)
    )
    assert status == 0, manifest
    assert run_pods(manifest, tmp_path, environment) == [0, 0]
    run = tmp_path / "runs" / "a"
    assert (record(run)["status"], record(run)["epochs"]) == ("finished", 2)
    assert (run / "model.keras").exists()


@pytest.mark.long
def test_batch_job_trains(spec: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """The script of Slurm makes one finished run, with the output of the chief in that of the job."""
    arguments = ["--emit", "slurm", "-o", "job.sbatch", "--set", "training.epochs=2"]
    status, output = end_of(
        launch(environment, tmp_path, str(spec), "--workers", "2", "--run-dir", "runs/a", *arguments)
    )
    assert status == 0, output
    manager = Slurm(tmp_path, 2, environment)
    status, output = manager.run(tmp_path / "job.sbatch")
    assert status == 0, output
    assert "The run is in runs/a" in output
    assert not manager.is_requeued
    run = tmp_path / "runs" / "a"
    assert (record(run)["status"], record(run)["epochs"]) == ("finished", 2)
    assert (run / "workers" / "worker-1.log").exists()
