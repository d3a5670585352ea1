"""Signals in any number, at any time: a training ends by the first, with a true record and without a traceback."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphspec
from graphspec.console.reporter import Reporter
from graphspec.console.shell import command_line, path_word
from graphspec.run_directory import read_json
from graphspec.signals import SIGNALS
from graphspec.training import signals, trainer
from graphspec.training.checkpoints import Checkpoints, checkpoint_steps
from graphspec.training.recorder import Recorder

SPEC = """
graphspec: 1
inputs: {x: [3]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
training: {optimizer: sgd, epochs: 400, batch_size: 2, checkpoint: {every: 5 steps}, jit_compile: false}
data: {train: {file: d.npz, inputs: {x: {key: x}}, outputs: {y: {key: y}}}}
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signals")
    np.savez(folder / "d.npz", x=np.ones((21, 3)), y=np.ones(21))
    path = folder / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


def burst(count: int = 5) -> None:
    """Send this process Ctrl-C, several times."""
    for _ in range(count):
        os.kill(os.getpid(), signal.SIGINT)


PLACES = [
    (Recorder, "begin"),
    (Recorder, "on_epoch_end"),
    (Checkpoints, "_write"),
    (trainer, "_save"),
    (Recorder, "finish"),
    (Recorder, "stop"),
    (Reporter, "conclude"),
]


@pytest.mark.slow
@pytest.mark.parametrize("impatience", [0.0, 1.0], ids=["at once", "in order"])
@pytest.mark.parametrize(("owner", "name"), PLACES, ids=[each[1] for each in PLACES])
def test_a_burst_leaves_a_true_record(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, impatience: float
) -> None:
    """Before and after each thing that a training does, at its end too: `run.json` never says that it goes on."""
    inner = getattr(owner, name)

    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        burst()
        found = inner(*arguments, **keywords)
        burst()
        return found

    monkeypatch.setattr(owner, name, wrapped)
    monkeypatch.setattr(signals, "MIN_SECONDS_TO_FORCE", impatience)
    run = tmp_path / "run"
    ended: BaseException | None = None
    try:
        graphspec.train(spec, overrides=["training.epochs=2"], run_dir=run)
    except KeyboardInterrupt as error:
        ended = error
    status = read_json(run / "run.json")["status"]
    assert (status, ended is None) in (("stopped", False), ("finished", True)), status
    monkeypatch.undo()
    if checkpoint_steps(run / "checkpoints"):
        assert graphspec.resume(run).record["status"] == "finished"
    else:
        assert "the run cannot be resumed" in (run / "log.txt").read_text(encoding="utf-8")


def program(spec: Path, run: Path) -> subprocess.Popen[str]:
    """`graphspec train` in a process of its own."""
    command = [sys.executable, "-m", "graphspec", "train", str(spec), "--run-dir", str(run)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str], run: Path, number: int, count: int, gap: float) -> None:
    """Send a process signals until they are all sent or it has ended, and look at how that ended."""
    for _ in range(count):
        if process.poll() is not None:
            break
        process.send_signal(number)
        time.sleep(gap)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 128 + number, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    if (run / "run.json").exists():
        assert read_json(run / "run.json")["status"] == "stopped", said
        assert command_line("train", "--resume", path_word(run)) in said or "before the first checkpoint" in said


@pytest.mark.slow
def test_five_within_a_second(spec: Path, tmp_path: Path) -> None:
    """The run is stopped, the line that resumes it is one for a shell, and the status is that of Ctrl-C."""
    run = tmp_path / "it's a run; $(echo)"
    with program(spec, run) as process:
        deadline = time.monotonic() + 240
        while not (run / "metrics.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        end(process, run, signal.SIGINT, 5, 0.2)


@pytest.mark.parametrize(
    "seed", [pytest.param(each, marks=pytest.mark.slow if each < 2 else pytest.mark.long) for each in range(6)]
)
def test_any_number_at_any_time(spec: Path, tmp_path: Path, seed: int) -> None:
    """From the start of the process on: while it imports, while it begins, while it trains and while it ends."""
    chance = random.Random(seed)
    run = tmp_path / "run"
    with program(spec, run) as process:
        if chance.random() < 0.4:
            time.sleep(chance.uniform(0.3, 8))
        else:
            deadline = time.monotonic() + 240
            while not (run / "run.json").exists() and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 1.5))
        end(process, run, chance.choice(SIGNALS), chance.choice([1, 5, 60]), chance.choice([0.001, 0.01, 0.05, 0.2]))


@pytest.mark.parametrize(
    "path", ["runs/wine", "a b", "it's", "$(x)", "a;b", "-x", "`x`", "ü", "a\nb", "\x1b[2J", "a\\b'\t", "\u202e", "*"]
)
def test_printed_command_is_what_a_shell_takes(path: str) -> None:
    """The line stays one line, holds no control characters, and bash reads from it the very words."""
    line = command_line("train", "--resume", path_word(path))
    assert line.isprintable()
    found = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True, text=True).stdout
    wanted = f"./{path}" if path.startswith("-") else path
    assert found.split("\0")[:-1] == ["graphspec", "train", "--resume", wanted]
    if path.isprintable():
        assert shlex.split(line)[-1] == wanted
