"""A worker that trains nothing: it does what the file WORKER_PLAN says, for the tests of what starts workers.

Each worker reads its number from TF_CONFIG, appends a line to `started`, and runs the Python text of its number.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

CONFIG = json.loads(os.environ["TF_CONFIG"])
INDEX, COUNT = CONFIG["task"]["index"], len(CONFIG["cluster"]["worker"])
FOLDER = Path(os.environ["WORKER_FOLDER"])


def until_stopped(status: int = 143, *, deaf: bool = False) -> None:
    """Wait for SIGTERM or SIGINT, and exit as a training does; if `deaf`, only SIGKILL ends it."""

    def stop(number: int, frame: object) -> None:
        note("signals", signal.Signals(number).name)
        if not deaf:
            sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    note("ready", "")
    while True:
        time.sleep(0.01)


def note(name: str, text: str) -> None:
    """Append a line to a file that the test reads; lines this short are written whole."""
    with open(FOLDER / name, "a", encoding="utf-8") as file:
        file.write(f"{INDEX} {os.getpid()} {text}\n")


def wait_for(name: str, lines: int) -> None:
    """Wait until a file has that many lines."""
    while not (FOLDER / name).exists() or len((FOLDER / name).read_text(encoding="utf-8").splitlines()) < lines:
        time.sleep(0.01)


def killed(number: int = signal.SIGKILL) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


plans = json.loads((FOLDER / "plan.json").read_text(encoding="utf-8"))
note("started", " ".join(sys.argv[1:]))
starts = len([line for line in (FOLDER / "started").read_text(encoding="utf-8").splitlines() if line[0] == str(INDEX)])
plan = plans[min(starts, len(plans)) - 1]
exec(plan[str(INDEX)] if str(INDEX) in plan else plan["other"])
