"""A process that has imported TensorFlow, pytest and the like, and runs tests in forks of itself.

Each fork imports graphspec anew, so it runs the code as it lies in the tree at that moment; what the process itself has
imported takes seconds, and is not imported again. Started as `python -m tests.mutation.server` in the tree.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

PRELOADED = (
    "numpy",
    "tensorflow",
    "keras",
    "hypothesis",
    "pydantic",
    "yaml",
    "click",
    "click.testing",
    "h5py",
    "rich.progress",
    "pyarrow",
    "PIL.Image",
    "jsonschema",
)


_PATIENCE = 120.0
"""Seconds beyond the limit after which the process itself is given up; it begins by importing TensorFlow."""


@dataclass(frozen=True)
class Outcome:
    """How tests went.

    Attributes:
        status: `passed`, `failed`, `broken` (they could not be collected), or `hung` (they did not end in time).
        test: The first test that failed.
        message: Why, in one line.
        ran: How many tests were run.
        seconds: How long it took.
    """

    status: str
    test: str = ""
    message: str = ""
    ran: int = 0
    seconds: float = 0.0


class Server:
    """The process, seen from outside."""

    def __init__(self, tree: Path, preloaded: Iterable[str] = PRELOADED) -> None:
        self.tree = tree
        command = [sys.executable, "-m", "tests.mutation.server", *preloaded]
        self._process = subprocess.Popen(
            command, cwd=tree, env=environment(tree), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, tests: Sequence[str], limit: float) -> Outcome:
        """Run tests in their order until one fails or the limit, in seconds, is over.

        Raises RuntimeError where the process has ended, or does not answer.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"tests": list(tests), "limit": limit}) + "\n")
        self._process.stdin.flush()
        answers, _, _ = select.select([self._process.stdout], [], [], limit + _PATIENCE)
        line = self._process.stdout.readline() if answers else ""
        if not line:
            self.close()
            raise RuntimeError("the process that runs the tests has ended, or does not answer")
        return Outcome(**json.loads(line))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def environment(tree: Path) -> dict[str, str]:
    """Return the environment in which tests, and processes that they start, import graphspec from a tree."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **quiet, "PYTHONPATH": str(tree)}


class _Chosen:
    """Lets pytest run chosen tests only, in the order in which they were chosen, and keeps the first failure."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.rank = {test: rank for rank, test in enumerate(tests)}
        self.ran = 0
        self.failed = ""
        self.message = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.rank), key=lambda item: self.rank[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.ran += report.when == "call"
        if report.failed and not self.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.failed = report.nodeid
            self.message = next(iter(str(crash.message if crash is not None else report.longrepr).splitlines()), "")


def _run(tests: Sequence[str], folder: Path) -> Outcome:
    chosen = _Chosen(tests)
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    began = time.monotonic()
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={folder / 'tests'}"]
    code = pytest.main([*options, *files], plugins=[chosen])
    seconds = time.monotonic() - began
    if code == pytest.ExitCode.TESTS_FAILED:
        return Outcome("failed", chosen.failed, chosen.message, chosen.ran, seconds)
    status = "passed" if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) else "broken"
    return Outcome(status, ran=chosen.ran, seconds=seconds)


def _fork(tests: Sequence[str], limit: float, output: int) -> Outcome:
    """Run tests in a fork, and end it and all that it started when it takes too long."""
    with tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as folder:
        answer = Path(folder) / "outcome.json"
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            os.setsid()
            os.dup2(output, 1)
            os.dup2(output, 2)
            try:
                answer.write_text(json.dumps(asdict(_run(tests, Path(folder)))), encoding="utf-8")
            finally:
                os._exit(0)
        ended = _ends(child, limit)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if not ended:
            os.waitpid(child, 0)
            return Outcome("hung", message=f"no end in {limit:.0f} s", seconds=time.monotonic() - began)
        if not answer.is_file():
            return Outcome("broken", message="the process ended", seconds=time.monotonic() - began)
        return Outcome(**json.loads(answer.read_text(encoding="utf-8")))


def _ends(child: int, limit: float) -> bool:
    pidfd = os.pidfd_open(child)
    try:
        if not select.select([pidfd], [], [], limit)[0]:
            return False
    finally:
        os.close(pidfd)
    os.waitpid(child, 0)
    return True


def _serve(preloaded: Iterable[str]) -> None:
    answers = os.dup(1)
    output = os.open(os.devnull, os.O_WRONLY)
    os.dup2(output, 1)
    for name in preloaded:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        outcome = _fork(**json.loads(line), output=output)
        os.write(answers, (json.dumps(asdict(outcome)) + "\n").encode())


if __name__ == "__main__":
    _serve(sys.argv[1:])
