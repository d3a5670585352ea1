"""A trial in a child process with a time limit: a crash of a native library becomes a line of text."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from os import cpu_count
from typing import Any

SECONDS = 120.0
"""The time limit of one trial; TensorFlow on a slow disk takes tens of seconds."""

_TRIAL = "from graphspec.installation.trials import run_trial; run_trial(sys.argv.pop())"
_ERROR = re.compile(r"[\w.]*(?:Error|Exception)\b.*")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one trial.

    Attributes:
        problem: What failed, as one line; empty if the extra works.
        seconds: The seconds for the import and the use; None if it failed.
        facts: What the trial found, such as devices.
    """

    problem: str = ""
    seconds: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def python_command(code: str, *arguments: str) -> list[str]:
    """Return a command that runs `code` in a new Python with the module path of this one."""
    # -P: nothing that lies in the working folder is imported before the path is set.
    path = "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    return [sys.executable, "-P", "-c", path + code, json.dumps(sys.path), *arguments]


def outcomes(extras: Sequence[str], *, limit: float = SECONDS) -> Iterator[Outcome]:
    """Try `extras` side by side, one child process each, and yield their outcomes in order.

    Args:
        extras: Names of `graphspec.extras.EXTRAS`.
        limit: Seconds after which a child process is killed.
    """
    running: set[subprocess.Popen[str]] = set()
    with ThreadPoolExecutor(max_workers=min(4, cpu_count() or 1)) as pool:
        futures = [pool.submit(_try, extra, limit, running) for extra in extras]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
            for process in list(running):
                process.kill()


def _try(extra: str, limit: float, running: set[subprocess.Popen[str]]) -> Outcome:
    with subprocess.Popen(
        python_command(_TRIAL, extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        running.add(process)
        try:
            output, errors = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Outcome(f"it does not finish within {limit:g} s")
        finally:
            running.discard(process)
    if process.returncode:
        return Outcome(_death(process.returncode, errors))
    try:
        found = json.loads(output.strip().rpartition("\n")[2])
        problem = found.get("problem")
    except (ValueError, AttributeError):
        return Outcome("its process ended before the trial did")
    return Outcome(_first_line(problem)) if problem else Outcome("", found["seconds"], found["facts"])


def _death(status: int, errors: str) -> str:
    """Return why a child process died, from its status and standard error."""
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"the process was killed by {name}"
    return _first_line(errors) or f"the process ended with the status {status}"


def _first_line(text: str) -> str:
    """Return the line of `text` that names the error: the last one of a traceback, else the first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if _ERROR.match(line)]
    return (named or lines or [""])[-1 if named else 0][:300]
