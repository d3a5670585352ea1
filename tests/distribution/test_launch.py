"""Workers on this machine: started, watched, stopped and restarted together."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError
from graphspec.distribution import job as jobs
from graphspec.distribution.launch import launch
from graphspec.distribution.local_cluster import free_addresses, worker_environments
from tests.distribution.fake_jobs import FakeJob, is_alive, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give stopped workers little time, and keep the environment of the test."""
    monkeypatch.setattr(jobs, "GRACE", 1.0)
    monkeypatch.setattr(jobs, "LINGER", 1.0)
    monkeypatch.setenv("WORKER_FOLDER", "")


def start(job: FakeJob, *, restarts: int = 0) -> tuple[jobs.JobEnd, list[str]]:
    said: list[str] = []
    return launch(job.launch, said.append, restarts=restarts), said


def refused(job: FakeJob, *, restarts: int = 0) -> str:
    with pytest.raises(SpecError) as caught:
        start(job, restarts=restarts)
    assert [each.rule.code for each in caught.value.report] == ["GS916"]
    assert job.alive() == []
    return str(caught.value)


def test_every_worker_gets_the_same_command_and_its_own_number(tmp_path: Path) -> None:
    """One cluster, whose addresses differ, on ports that were free; the job ends as its workers do."""
    job = FakeJob(tmp_path, 3, {"other": "note('config', os.environ['TF_CONFIG'])"})
    end, said = start(job)
    assert (end.status, end.failed, end.killed) == (0, (), ())
    assert sorted((index, text) for index, _, text in job.notes("started")) == [(n, "spec.yaml") for n in range(3)]
    configs = [json.loads(text) for _, _, text in sorted(job.notes("config"))]
    assert [each["task"] for each in configs] == [{"type": "worker", "index": n} for n in range(3)]
    (cluster,) = {json.dumps(each["cluster"]) for each in configs}
    addresses = json.loads(cluster)["worker"]
    assert len(set(addresses)) == 3
    assert all(each.startswith("127.0.0.1:") for each in addresses)
    assert any("3 workers" in line for line in said)


def test_output_of_workers_is_kept_by_number(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The chief writes to the streams of the launcher; a second start appends to the logs of the others."""
    job = FakeJob(tmp_path, 2, {"other": "print(f'out of {INDEX}'); print(f'err of {INDEX}', file=sys.stderr)"})
    start(job)
    start(job)
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("out of 0\n" * 2, "err of 0\n" * 2)
    log = (job.run / "workers" / "worker-1.log").read_text(encoding="utf-8").splitlines()
    assert sorted(log) == ["err of 1"] * 2 + ["out of 1"] * 2
    assert [each.name for each in job.run.iterdir()] == ["workers"]


def test_killed_worker_stops_the_job(tmp_path: Path) -> None:
    """Within a second the others are asked to stop, and the message has the number, the signal and the last lines."""
    plan = "wait_for('ready', 2); print('last words', flush=True); killed()"
    begin = time.monotonic()
    message = refused(FakeJob(tmp_path, 3, {"1": plan, "other": "until_stopped()"}))
    assert "worker 1 of 3 was killed by SIGKILL" in message
    assert f"the last lines of {tmp_path / 'run' / 'workers' / 'worker-1.log'}:" in message
    assert "| last words" in message
    assert time.monotonic() - begin < 10
    assert {text for _, _, text in FakeJob(tmp_path, 3).notes("signals")} == {"SIGTERM"}


def test_worker_that_fails_before_all_meet_is_not_waited_for(tmp_path: Path) -> None:
    """The others wait for it to start, minutes if need be; they are stopped at once, and the message is its own."""
    imports = "from graphspec.distribution.cluster import Cluster; from graphspec.distribution.lobby import meet; "
    waits = f"{imports}note('ready', ''); meet(Cluster.from_environment(), print, 600.0)"
    plan = {"1": "wait_for('ready', 2); print('no such GPU', flush=True); sys.exit(3)", "other": waits}
    begin = time.monotonic()
    message = refused(FakeJob(tmp_path, 3, plan))
    assert "worker 1 of 3 failed with exit status 3" in message
    assert "| no such GPU" in message
    assert time.monotonic() - begin < 20


def test_deaf_workers_are_killed(tmp_path: Path) -> None:
    """After a bounded time, with the processes that they have started."""
    child = "import subprocess; note('child', str(subprocess.Popen(['sleep', '600']).pid)); "
    job = FakeJob(tmp_path, 3, {"2": "wait_for('ready', 2); sys.exit(3)", "other": f"{child}until_stopped(deaf=True)"})
    message = refused(job)
    assert "worker 2 of 3 failed with exit status 3" in message
    assert "workers 0, 1 had to be killed too" in message
    children = [int(text) for _, _, text in job.notes("child")]
    assert len(children) == 2
    wait_until(lambda: not any(map(is_alive, children)))


def test_chief_that_fails_has_said_why(tmp_path: Path) -> None:
    """Its output is not repeated: it is on the terminal."""
    job = FakeJob(tmp_path, 2, {"0": "wait_for('ready', 1); sys.exit(1)", "1": "until_stopped()"})
    message = refused(job)
    assert "worker 0 of 2 failed with exit status 1" in message
    assert "output is above" in message


def test_consequences_of_a_kill_are_not_the_reason(tmp_path: Path) -> None:
    """A worker that fails since another one is gone is not named."""
    gone = "wait_for('ready', 1); time.sleep(0.2); sys.exit(1)"
    job = FakeJob(tmp_path, 2, {"0": f"note('ready', ''); {gone}", "1": "wait_for('ready', 1); killed(signal.SIGSEGV)"})
    message = refused(job)
    assert "worker 1 of 2 was killed by SIGSEGV" in message
    assert "worker 0" not in message


def test_hostile_output_is_shown_harmless(tmp_path: Path) -> None:
    """Control characters of a log do not reach the terminal, and endless lines are cut."""
    plan = "sys.stdout.buffer.write(b'\\x1b[2J\\xff\\x00::error::x\\rend\\n' + b'y' * 10**6); sys.exit(1)"
    message = refused(FakeJob(tmp_path, 2, {"1": plan, "other": "until_stopped()"}))
    assert "\x1b" not in message
    assert "\0" not in message
    assert len(message) < 10_000


def test_restarts_begin_at_the_checkpoint(tmp_path: Path) -> None:
    """The first start is of the spec; once there is a checkpoint, all workers resume, until one failure too many."""
    made = "p = Path('{run}'); (p / 'checkpoints').mkdir(exist_ok=True); (p / 'run.json').touch(); "
    made = made.format(run=tmp_path / "run") + "(p / 'checkpoints' / 'step_000000000.npz').touch(); "
    first = {"0": f"{made}note('ready', ''); until_stopped()", "1": "wait_for('ready', 1); killed()"}
    job = FakeJob(tmp_path, 2, first, {"other": "pass"})
    end, said = start(job, restarts=2)
    assert end.status == 0
    assert sorted(text for _, _, text in job.notes("started")) == ["--resume run"] * 2 + ["spec.yaml"] * 2
    assert said[-1] == "worker 1 of 2 was killed by SIGKILL; restart 1 of 2"


def test_run_without_a_checkpoint_begins_again(tmp_path: Path) -> None:
    """A folder that was written is kept under another name, since a run never overwrites another."""
    begun = f"Path({str(tmp_path / 'run' / 'run.json')!r}).touch(); "
    job = FakeJob(
        tmp_path, 2, {"0": f"wait_for('ready', 1); {begun}sys.exit(3)", "1": "until_stopped()"}, {"other": "pass"}
    )
    end, said = start(job, restarts=1)
    assert end.status == 0
    assert {text for _, _, text in job.notes("started")} == {"spec.yaml"}
    (aside,) = tmp_path.glob("run.ended-at-*")
    assert (aside / "run.json").exists()
    assert not (tmp_path / "run" / "run.json").exists()
    assert str(aside) in said[-1]


def test_restarts_are_counted(tmp_path: Path) -> None:
    """A job that fails each time ends after the last restart, with the command to resume it by hand."""
    job = FakeJob(tmp_path, 2, {"1": "sys.exit(1)", "other": "until_stopped()"})
    message = refused(job, restarts=2)
    assert "after 2 restarts" in message
    assert [index for index, _, _ in job.notes("started")].count(1) == 3


def test_wrong_usage_is_not_tried_again(tmp_path: Path) -> None:
    """A command that no worker understands fails once."""
    job = FakeJob(tmp_path, 2, {"other": "sys.exit(2)"})
    refused(job, restarts=5)
    assert [index for index, _, _ in job.notes("started")].count(0) == 1


def test_idle_workers_do_not_keep_a_finished_run(tmp_path: Path) -> None:
    """Once the chief has ended, the others have a bounded time; the run is complete all the same."""
    job = FakeJob(tmp_path, 2, {"0": "wait_for('ready', 1)", "1": "until_stopped(deaf=True)"})
    end, said = start(job)
    assert (end.status, end.killed) == (0, (1,))
    assert said[-1].startswith("warning: worker 1 ")
    assert job.alive() == []


def test_worker_stopped_alone_stops_the_job(tmp_path: Path) -> None:
    """SIGTERM to one worker, as a manager of one machine sends it: all end, with the status of that signal."""
    job = FakeJob(tmp_path, 2, {"0": "until_stopped()", "1": "wait_for('ready', 1); sys.exit(143)"})
    end, _ = start(job)
    assert (end.status, end.signal, end.failed) == (143, signal.SIGTERM, ())


@pytest.mark.parametrize("kind", ["link", "hard link", "folder link", "pipe"])
def test_logs_stay_in_the_run(tmp_path: Path, kind: str) -> None:
    """A run of unknown origin cannot lead the output of a worker to another file, or block it."""
    outside, logs = tmp_path / "outside", tmp_path / "run" / "workers"
    outside.mkdir()
    (outside / "worker-1.log").write_text("mine", encoding="utf-8")
    (tmp_path / "run").mkdir()
    if kind == "folder link":
        logs.symlink_to(outside)
    else:
        logs.mkdir()
        made = {"link": (logs / "worker-1.log").symlink_to, "hard link": (logs / "worker-1.log").hardlink_to}
        if kind == "pipe":
            os.mkfifo(logs / "worker-1.log")
        else:
            made[kind](outside / "worker-1.log")
    job = FakeJob(tmp_path, 2, {"other": "print('words')"})
    with pytest.raises(SpecError) as caught:
        start(job)
    assert [each.rule.code for each in caught.value.report] == ["GS903"]
    assert (outside / "worker-1.log").read_text(encoding="utf-8") == "mine"
    assert job.notes("started") == []


@pytest.fixture(scope="module")
def run_of_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of one process, beside its spec."""
    folder = tmp_path_factory.mktemp("one")
    np.savez(folder / "rows.npz", a=np.ones((8, 4)), y=np.ones((8, 1)))
    spec = folder / "spec.yaml"
    spec.write_text(
        "graphspec: 1\ninputs: {a: [4]}\noutputs: {y: {from: a, apply: {Dense: 1}, loss: mse}}\n"
        "training: {optimizer: SGD}\ndata: {train: {file: rows.npz, inputs: {a: {key: a}}, outputs: {y: {key: y}}}}\n",
        encoding="utf-8",
    )
    return graphspec.train(spec, run_dir=folder / "run").path


def test_run_of_one_process_is_not_launched(run_of_one: Path) -> None:
    """Its spec does not say that several workers train it; the message says what can be done."""
    words = ["launch", "--resume", str(run_of_one), "--workers", "2"]
    assert "is complete" in CliRunner().invoke(main, words).output
    result = CliRunner().invoke(main, [*words, "--set", "training.epochs=2"])
    assert result.exit_code == 1
    assert "GS915" in result.output
    assert f"--from {run_of_one}" in result.output


@pytest.mark.parametrize(
    ("sets", "place"),
    [
        (["training.epochs=5", "training.batch_size=3", "training.seed=1"], "training.batch_size=3"),
        (
            ["training.batch_size=64", "training.distribute=mirrored", "training.epochs=5"],
            "training.distribute=mirrored",
        ),
        (["training.epochs=5"], "training: {optimizer: SGD}"),
    ],
)
def test_refused_launch_points_at_its_reason(run_of_one: Path, sets: list[str], place: str) -> None:
    """Of several `--set`, the message shows the one with the value that it is about, and the file where none has it."""
    words = [word for each in sets for word in ("--set", each)]
    spec = str(run_of_one.parent / "spec.yaml")
    result = CliRunner().invoke(main, ["launch", spec, "--workers", "40", "--emit", "slurm", *words])
    assert result.exit_code == 1
    assert "GS915" in result.output
    assert f"1 | {place}\n" in result.output or f"4 | {place}\n" in result.output
    assert not [each for each in sets if each != place and each in result.output]


def test_taken_folder_is_resumed_as_it_was_begun(run_of_one: Path, tmp_path: Path) -> None:
    """The help for a folder that holds a run has the command that resumes it: by as many workers, or by one process."""
    run, spec = tmp_path / "run", str(run_of_one.parent / "spec.yaml")
    shutil.copytree(run_of_one, run)
    for words in (["launch", spec, "--workers", "3"], ["train", spec]):
        result = CliRunner().invoke(main, [*words, "--run-dir", str(run)])
        assert (result.exit_code, f"graphspec train --resume {run}\n" in result.output) == (1, True), result.output
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    record["distribution"] = {"workers": 2, "replicas": 2}
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (run / "workers").mkdir()
    for words in (["launch", spec, "--workers", "3"], ["train", spec]):
        result = CliRunner().invoke(main, [*words, "--run-dir", str(run)])
        command = f"graphspec launch --resume {run} --workers 2\n"
        assert (result.exit_code, command in result.output) == (1, True), result.output


def test_gpus_are_shared_out() -> None:
    """Each GPU to one worker; where there are too few, none is used, since two processes cannot share one."""

    def devices(workers: int, visible: str) -> list[str | None]:
        environments = worker_environments(workers, {"CUDA_VISIBLE_DEVICES": visible})
        return [each.get("CUDA_VISIBLE_DEVICES") for each in environments]

    assert devices(2, "0,1,2,3") == ["0,1", "2,3"]
    assert devices(2, "GPU-a,GPU-b,GPU-c") == ["GPU-a", "GPU-b"]
    assert devices(2, "5") == ["-1", "-1"]
    assert devices(2, "0,-1,1") == ["-1", "-1"]
    assert devices(2, "-1") == ["-1", "-1"]
    assert devices(2, "") == ["", ""]


def test_ports_are_free_and_distinct() -> None:
    """A port that something listens at is not taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        addresses = free_addresses(200)
    assert len(set(addresses)) == 200


PROGRAM = """
import sys
from graphspec.distribution import job
from tests.distribution.fake_jobs import FakeJob
from graphspec.distribution.launch import launch
from pathlib import Path
job.GRACE = 1.0
fake = FakeJob(Path(sys.argv[1]), 2, {"other": sys.argv[2]})
sys.exit(launch(fake.launch, print).status)
"""


def launcher(folder: Path, plan: str) -> tuple[subprocess.Popen[bytes], FakeJob]:
    """Start two workers in a process of their own, and wait until both are ready."""
    command = [sys.executable, "-c", PROGRAM, str(folder), plan]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    job = FakeJob(folder, 2, {"other": plan})
    wait_until(lambda: len(job.notes("ready")) == 2)
    return process, job


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot be asked to kill the workers")
def test_killed_launcher_leaves_no_worker(tmp_path: Path) -> None:
    """The system ends the workers when nobody watches them any more."""
    process, job = launcher(tmp_path, "until_stopped(deaf=True)")
    assert sorted(job.alive()) == [0, 1]
    process.kill()
    process.wait()
    wait_until(lambda: not job.alive())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_passed_on(tmp_path: Path, number: signal.Signals) -> None:
    """Each worker gets the signal once and ends by itself; the launcher has the exit status of a training."""
    process, job = launcher(tmp_path, "until_stopped()")
    process.send_signal(number)
    assert process.wait(20) == 128 + number
    assert sorted((index, text) for index, _, text in job.notes("signals")) == [(0, number.name), (1, number.name)]


def test_second_signal_ends_deaf_workers(tmp_path: Path) -> None:
    """One waits for the checkpoint, however long it takes; another, a second later, ends the job soon."""
    process, job = launcher(tmp_path, "until_stopped(deaf=True)")
    process.send_signal(signal.SIGINT)
    time.sleep(jobs.MIN_SECONDS_TO_FORCE + 0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert job.alive() == []
    assert [text for index, _, text in job.notes("signals") if index == 0] == ["SIGINT", "SIGINT"]
