"""Jobs whose workers do what a test says."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from graphspec.distribution.launch import Launch

WORKER = Path(__file__).with_name("worker.py")


class FakeJob:
    """A job in a folder, and what its workers have written down."""

    def __init__(self, folder: Path, workers: int, *plans: dict[str, str]) -> None:
        """Plan a job.

        Args:
            folder: The folder of the run and of the notes.
            workers: The number of workers.
            plans: For each start the code of each worker by its number; of `other` for all others.
        """
        self.folder = folder
        self.run = folder / "run"
        (folder / "plan.json").write_text(json.dumps(plans), encoding="utf-8")
        os.environ["WORKER_FOLDER"] = str(folder)
        self.launch = Launch(
            name="fake",
            run=self.run,
            workers=workers,
            first=["spec.yaml"],
            resumed=["--resume", "run"],
            program=(sys.executable, str(WORKER)),
        )

    def notes(self, name: str) -> list[tuple[int, int, str]]:
        """Return the lines of a file that the workers wrote: number, process and text."""
        path = self.folder / name
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [(int(index), int(process), text) for index, process, text in (each.split(" ", 2) for each in lines)]

    def alive(self) -> list[int]:
        """Return the workers whose processes still run."""
        return [index for index, process, _ in self.notes("started") if is_alive(process)]


def is_alive(process: int) -> bool:
    """Return whether a process runs; one that waits for its parent to be told of its end does not."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def wait_until(holds: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something holds; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it has not come true in time"
        time.sleep(0.02)
