"""Launched trainings of which a worker is killed, compared with one that was never killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphspec.cli._verify_resume import differences
from graphspec.extras import require_tensorflow
from tests.distribution.clusters import ROOT
from tests.resuming.data import specs_in

LIMIT = 600.0


@dataclass(frozen=True, kw_only=True)
class KilledWorker:
    """A training of which a worker was killed.

    Attributes:
        worker: The number of the worker.
        step: The step of the newest checkpoint at that moment.
        seconds: The time from the kill to the end of the job; None for a job that has restarted by itself.
        differing: The names of what differs from the uninterrupted training.
    """

    worker: int
    step: int
    seconds: float | None
    differing: tuple[str, ...]


def kill_workers(folder: Path, *, kills: int, workers: int, seed: int, epochs: int) -> Iterator[KilledWorker]:
    """Launch a training once without interruption, then kill a worker of several others, and resume them.

    Args:
        folder: The folder of the runs.
        kills: The number of trainings.
        workers: The number of workers of each.
        seed: The seed of the moments and of the workers.
        epochs: The number of epochs.

    Raises:
        RuntimeError: A training failed for another reason, or did not end in time.
    """
    require_tensorflow()
    chance = random.Random(seed)
    spec = next(each for each in specs_in(folder) if each.stem == "heads")
    common = ["--workers", str(workers), "--set", f"training.epochs={epochs}"]
    whole = folder / "whole"
    with _launched(folder / "whole.log", str(spec), "--run-dir", str(whole), *common) as process:
        begun = _wait_for_checkpoint(process, whole)
        _succeed(process, folder / "whole.log")
    seconds = time.monotonic() - begun
    number = attempt = 0
    while number < kills:
        attempt += 1
        run, log = folder / f"killed_{attempt:03}", folder / f"killed_{attempt:03}.log"
        restarts = number % 2
        arguments = [str(spec), "--run-dir", str(run), "--restarts", str(restarts), *common]
        with _launched(log, *arguments) as process:
            _wait_for_checkpoint(process, run)
            time.sleep(chance.uniform(0, 0.8 * seconds))
            worker = chance.randrange(workers)
            step = max(_steps(run), default=0)
            if not _kill(process, worker):
                continue
            killed_at = time.monotonic()
            status = process.wait(LIMIT)
        output = log.read_text(encoding="utf-8", errors="replace")
        message = f"worker {worker} of {workers} was killed by SIGKILL"
        if status == 0 and message not in output:
            continue  # it had ended before that
        if message not in output or "Traceback" in output or status != (0 if restarts else 1):
            raise RuntimeError(f"it is not said that worker {worker} was killed:\n{output[-4000:]}")
        duration = None if restarts else time.monotonic() - killed_at
        if not restarts:
            with _launched(log, "--resume", str(run), *common[:2]) as process:
                _succeed(process, log)
        number += 1
        yield KilledWorker(worker=worker, step=step, seconds=duration, differing=tuple(differences(whole, run)))


def _kill(launcher: subprocess.Popen[bytes], worker: int) -> bool:
    """Kill a worker, and return whether it was there."""
    try:
        os.kill(worker_processes(launcher.pid)[worker], signal.SIGKILL)
    except (OSError, IndexError):  # the training has ended
        launcher.wait(LIMIT)
        return False
    return True


def worker_processes(launcher: int) -> list[int]:
    """Return the processes that a launcher has started, in their order."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text(encoding="utf-8").split()
    return sorted(map(int, children))


def _launched(log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start `graphspec launch` with its output in `log`."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with open(log, "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "graphspec", "launch", *arguments],
            env={**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1"},
            stdout=output,
            stderr=output,
        )


def _steps(run: Path) -> list[int]:
    return [int(each.stem.removeprefix("step_")) for each in (run / "checkpoints").glob("step_*.npz")]


def _wait_for_checkpoint(process: subprocess.Popen[bytes], run: Path) -> float:
    """Wait for the first checkpoint, and return its time."""
    end = time.monotonic() + LIMIT
    while not _steps(run):
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise RuntimeError(f"{run} has not begun: see {run}.log")
        time.sleep(0.01)
    return time.monotonic()


def _succeed(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.wait(LIMIT):
        raise RuntimeError(f"a training failed:\n{log.read_text(encoding='utf-8', errors='replace')[-4000:]}")
