"""Workers of a cluster on this machine: real processes of `graphspec train`, none of which outlives a test."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.forked import Forked

HERE = Path(__file__).parent
SPEC = "two_heads.yaml"
MULTI_WORKER = ("--set", "training.distribute=multi_worker")


def write_data(folder: Path, *, train: int = 103, validation: int = 37, seed: int = 0) -> None:
    """Write the spec and its data: batches of 17 rows leave a rest of 1 and of 3."""
    rng = np.random.default_rng(seed)
    for name, count in (("train", train), ("validation", validation)):
        arrays = {
            "measured": rng.normal(size=(count, 5)).astype(np.float32),
            "words": rng.integers(0, 7, size=(count, 4)),
            "size": rng.normal(size=(count, 1)).astype(np.float32),
            "kind": rng.integers(0, 3, size=count),
            "weight": rng.random(count).astype(np.float32),
        }
        np.savez(folder / f"{name}.npz", **arrays)  # type: ignore[arg-type]
    shutil.copy(HERE / SPEC, folder / SPEC)


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


@dataclass
class Worker:
    """A running or ended worker, with its output in `log`."""

    process: subprocess.Popen[bytes] | Forked
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self, seconds: float = 120) -> int:
        return self.process.wait(seconds)


@contextmanager
def workers(
    commands: Sequence[Sequence[str]],
    folder: Path,
    addresses: Sequence[str] = (),
    prefixes: Sequence[Sequence[str]] = (),
) -> Iterator[list[Worker]]:
    """Run `graphspec` with the arguments of each worker in `folder`; end them all on leaving.

    Args:
        commands: The arguments of each worker.
        folder: The working directory of all.
        addresses: `host:port` of each; by default free ports of this machine.
        prefixes: The words before each command.
    """
    addresses = addresses or [f"127.0.0.1:{port}" for port in free_ports(len(commands))]
    started = []
    try:
        for index, command in enumerate(commands):
            cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            variables = {"TF_CONFIG": json.dumps(cluster)}
            log = folder / f"worker-{index}-{time.monotonic_ns()}.log"
            if not prefixes:
                started.append(Worker(Forked(*command, folder=folder, variables=variables, log=log), log))
                continue
            with open(log, "wb") as output:
                process = subprocess.Popen(
                    [*prefixes[index], sys.executable, "-m", "graphspec", *command],
                    cwd=folder,
                    env={**os.environ, **variables},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            started.append(Worker(process, log))
        yield started
    finally:
        for each in started:
            each.process.kill()
            each.process.wait()


def train(folder: Path, count: int, *arguments: str) -> list[Worker]:
    """Run `count` workers of one training to their end."""
    with workers([["train", *arguments]] * count, folder) as started:
        for each in started:
            assert each.wait() == 0, each.output
        return started


def wait_for_epochs(run: Path, count: int, seconds: float = 90) -> None:
    """Wait until a run has that many rows of metrics."""
    end = time.monotonic() + seconds
    while not (run / "metrics.jsonl").exists() or len((run / "metrics.jsonl").read_text().splitlines()) < count:
        assert time.monotonic() < end, "no epoch has ended"
        time.sleep(0.05)
