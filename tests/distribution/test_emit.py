"""Jobs for Kubernetes and Slurm: valid by the published schema and by the shell, and run as they are written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from graphspec.cli import main
from tests.distribution.clusters import Slurm, run_pods, with_program
from tests.distribution.fake_jobs import WORKER, FakeJob, wait_until

SPEC = """
graphspec: 1
name: Two_Heads
inputs: {a: [4]}
outputs: {y: {from: a, apply: {Dense: 1}, loss: mse}}
training: {optimizer: SGD, batch_size: 8}
data: {train: {file: d.npz, inputs: {a: {key: a}}, outputs: {y: {key: y}}}}
"""
KUBERNETES = ("--emit", "kubernetes", "--image", "registry.example/graphspec:1", "--claim", "work")


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a spec into the working directory; its data is on the cluster alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKER_FOLDER", str(tmp_path))
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


def emit(*arguments: str, spec: str = "spec.yaml", workers: int = 3) -> Result:
    return CliRunner().invoke(main, ["launch", spec, "--workers", str(workers), *arguments])


def emitted(*arguments: str, spec: str = "spec.yaml", workers: int = 3) -> str:
    result = emit(*arguments, spec=spec, workers=workers)
    assert result.exit_code == 0, result.output
    return result.stdout


RUNS = ["runs/first", "runs/it's a run; $(touch gone) $HOME $$", "-run", "runs/ä & 'ü'"]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("needs", [[], ["--gpus", "2", "--cpus", "4", "--memory", "16G"]], ids=["any", "needs"])
def test_manifest_is_valid(spec: Path, run: str, needs: list[str]) -> None:
    """Service and Job agree with the strict schema of each version of Kubernetes that has what they use."""
    kubernetes = pytest.importorskip("kubernetes_validate")
    service, job = yaml.safe_load_all(emitted(*KUBERNETES, f"--run-dir={run}", *needs))
    for version in ("1.29", "1.31", "1.33", kubernetes.latest_version()):
        for each in (service, job):
            kubernetes.validate(each, version, strict=True)
    wrong = {**job, "spec": {**job["spec"], "parallel": 2}}
    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate(wrong, kubernetes.latest_version(), strict=True)
    container = job["spec"]["template"]["spec"]["containers"][0]
    limits = {"memory": "16Gi", "nvidia.com/gpu": 2}
    expected = {"requests": {"cpu": 4, "memory": "16Gi"}, "limits": limits} if needs else None
    assert container.get("resources") == expected


def test_names_in_a_manifest_are_names_of_hosts(spec: Path) -> None:
    """However long or odd the names of the spec and of its run are, each pod has a name in DNS."""
    for run in ("runs/" + "x" * 200, "runs/..._", "9", "runs/" + "-" * 60 + "a"):
        service, job = yaml.safe_load_all(emitted(*KUBERNETES, f"--run-dir={run}", workers=8))
        name = job["metadata"]["name"]
        assert service["metadata"]["name"] == name
        assert len(f"{name}-7") <= 63
        assert name.strip("abcdefghijklmnopqrstuvwxyz0123456789-") == ""
        assert name[0].isalpha()
        assert name[-1] != "-"


@pytest.mark.parametrize("run", RUNS)
def test_script_is_valid(spec: Path, tmp_path: Path, run: str) -> None:
    """The shell reads it, and shellcheck, where it is installed, has nothing to say, for the container's either."""
    script = emitted("--emit", "slurm", f"--run-dir={run}", "--gpus", "1", "-o", "job.sbatch") or "job.sbatch"
    assert subprocess.run(["bash", "-n", script], capture_output=True, check=True).stderr == b""
    _, job = yaml.safe_load_all(emitted(*KUBERNETES, f"--run-dir={run}"))
    inner = tmp_path / "inner.sh"
    inner.write_text("#!/bin/sh\n" + job["spec"]["template"]["spec"]["containers"][0]["args"][0].replace("$$", "$"))
    shellcheck = pytest.importorskip("shutil").which(
        "shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    )
    if shellcheck is not None:
        for each in (script, str(inner)):
            command = [shellcheck, "--exclude=SC2016", each]  # a run may have a dollar in its name
            checked = subprocess.run(command, capture_output=True, text=True)
            assert checked.stdout == ""


def sbatch_options(text: str) -> dict[str, str]:
    lines = [line.removeprefix("#SBATCH --") for line in text.splitlines() if line.startswith("#SBATCH ")]
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def test_script_asks_for_what_it_needs(spec: Path) -> None:
    """One task a node, as many as there are workers, and the options of the command line."""
    options = sbatch_options(
        emitted("--emit", "slurm", "--run-dir", "runs/first", "--gpus", "2", "--cpus", "4", "--memory", "512M")
    )
    assert options["job-name"] == "two-heads-first"
    counts = {name: options[name] for name in ("nodes", "ntasks", "ntasks-per-node", "gpus-per-node", "cpus-per-task")}
    expected = {"nodes": "3", "ntasks": "3", "ntasks-per-node": "1", "gpus-per-node": "2", "cpus-per-task": "4"}
    assert counts == expected
    assert options["mem"] == "512M"
    assert "requeue" in options
    plain = sbatch_options(emitted("--emit", "slurm"))
    assert not {"gpus-per-node", "cpus-per-task", "mem"} & plain.keys()


def test_spec_that_names_its_strategy_is_taken_as_it_is(spec: Path) -> None:
    """Only a spec that does not say how it is trained by several workers gets an override."""
    assert "--set training.distribute=multi_worker" in emitted("--emit", "slurm")
    spec.write_text(SPEC.replace("training: {", "training: {distribute: multi_worker, "), encoding="utf-8")
    assert "--set" not in emitted("--emit", "slurm")


@pytest.mark.parametrize("run", RUNS)
def test_pods_run_as_written(spec: Path, tmp_path: Path, run: str) -> None:
    """Each pod gets its number and the addresses of all; a second start resumes where there is a checkpoint."""
    environment = with_program(tmp_path, "graphspec", sys.executable, str(WORKER))
    manifest = emitted(*KUBERNETES, f"--run-dir={run}", "--set", "training.epochs=3")
    job = FakeJob(tmp_path, 3, {"other": "note('config', os.environ['TF_CONFIG'])"})
    assert run_pods(manifest, tmp_path, environment) == [0, 0, 0]
    configs = [json.loads(text) for _, _, text in sorted(job.notes("config"))]
    assert [each["task"] for each in configs] == [{"type": "worker", "index": n} for n in range(3)]
    assert len({json.dumps(each["cluster"]) for each in configs}) == 1
    word = f"./{run}" if run.startswith("-") else run
    first = f"train spec.yaml --run-dir {word} --set training.epochs=3 --set training.distribute=multi_worker"
    assert {text for _, _, text in job.notes("started")} == {first}
    (tmp_path / run / "checkpoints").mkdir(parents=True)
    (tmp_path / run / "run.json").touch()
    assert run_pods(manifest, tmp_path, environment) == [0, 0, 0]
    (kept,) = {
        each for each in (tmp_path / run).parent.iterdir() if each.name.startswith(f"{Path(run).name}.ended-at-")
    }
    assert (kept / "run.json").exists()
    assert {text for _, _, text in job.notes("started")} == {first}
    (tmp_path / run / "checkpoints").mkdir(parents=True)
    (tmp_path / run / "checkpoints" / "step_000000004.npz").touch()
    assert run_pods(manifest, tmp_path, environment) == [0, 0, 0]
    assert {text for _, _, text in job.notes("started")[-3:]} == {f"train --resume {word}"}
    assert not (tmp_path / "gone").exists()


def slurm(tmp_path: Path, run: str, *arguments: str) -> tuple[Slurm, Path]:
    script = tmp_path / "job.sbatch"
    emitted("--emit", "slurm", f"--run-dir={run}", "-o", str(script), *arguments)
    return Slurm(tmp_path, 3, with_program(tmp_path, "graphspec", sys.executable, str(WORKER))), script


@pytest.mark.parametrize("run", RUNS)
def test_batch_script_runs_as_written(spec: Path, tmp_path: Path, run: str) -> None:
    """Each task gets its number and the addresses of all; all but the chief write to logs of the run."""
    manager, script = slurm(tmp_path, run)
    job = FakeJob(tmp_path, 3, {"other": "note('config', os.environ['TF_CONFIG']); print('words of', INDEX)"})
    assert manager.run(script) == (0, "words of 0\n")
    assert not manager.is_requeued
    configs = [json.loads(text) for _, _, text in sorted(job.notes("config"))]
    assert [each["task"] for each in configs] == [{"type": "worker", "index": n} for n in range(3)]
    assert (tmp_path / run / "workers" / "worker-2.log").read_text(encoding="utf-8") == "words of 2\n"
    word = f"./{run}" if run.startswith("-") else run
    first = f"train spec.yaml --run-dir {word} --set training.distribute=multi_worker"
    assert {text for _, _, text in job.notes("started")} == {first}
    assert not (tmp_path / "gone").exists()


CHECKPOINT = "p = Path('runs/a/checkpoints'); p.mkdir(exist_ok=True); (p / 'step_000000004.npz').touch(); "


def test_failed_batch_job_is_queued_again(spec: Path, tmp_path: Path) -> None:
    """A killed task ends all; the job resumes from the checkpoint, and as often as it may, even if it is moved."""
    manager, script = slurm(tmp_path, "runs/a", "--restarts", "2")
    killed = {"1": f"wait_for('ready', 2); {CHECKPOINT}killed()", "other": "until_stopped()"}
    failed = [{"1": f"wait_for('ready', {count}); sys.exit(1)", "other": "until_stopped()"} for count in (4, 6)]
    job = FakeJob(tmp_path, 3, killed, *failed)
    seen = []
    for _ in range(3):
        status, output = manager.run(script)
        seen.append((status, manager.is_requeued, "restart" in output))
    assert [each[1:] for each in seen] == [(True, True), (True, True), (False, False)]
    assert seen[-1][0] != 0
    starts = [text for index, _, text in job.notes("started") if index == 0]
    assert starts[1:] == ["train --resume runs/a"] * 2
    assert job.alive() == []


def test_batch_job_at_the_end_of_its_time(spec: Path, tmp_path: Path) -> None:
    """Before it, Slurm sends SIGUSR1 to the script: all stop at a checkpoint, and the job is no failure."""
    manager, script = slurm(tmp_path, "runs/a", "--restarts", "0")
    job = FakeJob(tmp_path, 3, {"other": f"{CHECKPOINT}until_stopped()"}, {"other": "pass"})
    process = manager.start(script)
    wait_until(lambda: len(job.notes("ready")) == 3)
    process.send_signal(signal.SIGUSR1)
    _, output = manager.finish(process)
    assert manager.is_requeued, output
    assert [text for _, _, text in job.notes("signals")] == ["SIGTERM"] * 3
    assert manager.run(script)[0] == 0
    assert not manager.is_requeued


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--workers", "0"], "0 is not in the range"),
        (["--emit", "slurm", "--workers", "9"], "9 workers cannot share a batch of 8 samples"),
        (["--emit", "slurm", "--set", "training.distribute=mirrored"], "which is for one process"),
        (["--image", "x"], "only with --emit"),
        (["--emit", "kubernetes"], "needs the --image"),
        ([*KUBERNETES[:2], "--image", "a b", "--claim", "c"], "names no image"),
        ([*KUBERNETES[:4], "--claim", "Work_1"], "names no claim"),
        (["--emit", "slurm", "--image", "x"], "are for --emit kubernetes"),
        (["--emit", "slurm", "--memory", "lots"], "no size of memory"),
        (["--emit", "slurm", "--run-dir", "a\nb"], "control character"),
        (["--emit", "slurm", "-o", "/proc/none/job"], "cannot write /proc/none/job"),
        (["--checkpoint", "best"], "--from names"),
        (["--resume", "runs/a"], "either a SPEC"),
    ],
)
def test_mistakes_are_named(spec: Path, arguments: list[str], words: str) -> None:
    """Before anything is started or written, in one line without a traceback."""
    result = emit(*arguments, workers=2)
    assert result.exit_code in (1, 2)
    assert words in result.output
    assert "Traceback" not in result.output
    assert not (spec.parent / "runs").exists()
