"""`graphspec` in processes of its own that are forked from one which has imported TensorFlow already.

To import it takes most of the time of a short command. For what a process does when it is stopped or killed, where its
imports come from makes no difference; what the start of a command does is tested with `python -m graphspec`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PRELOADED = ["graphspec.training.preloaded"]


class Forked:
    """A command that runs: as much of `subprocess.Popen` as the tests use. Its output goes to files.

    Args:
        words: The arguments of the command.
        before: What the process does first.
        folder: Its working directory; by default that of this process.
        variables: What its environment has besides that of this process.
        log: A file for all of its output.
    """

    def __init__(
        self,
        *words: object,
        before: Callable[[], None] | None = None,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._files = [log or Path(self._folder.name) / name for name in ("stdout", "stderr")]
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        start = ([*map(str, words)], self._files, folder or Path.cwd(), variables or {}, before)
        self._process = context.Process(target=_run, args=start)
        self._process.start()

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.join()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Its status, when it has ended."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("graphspec", timeout or 0)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has written to its standard output and error, when it has ended."""
        self.wait(timeout)
        stdout, stderr = (path.read_text(encoding="utf-8") if path.exists() else "" for path in self._files)
        return stdout, stderr


def _run(
    words: list[str], files: list[Path], folder: Path, variables: Mapping[str, str], before: Callable[[], None] | None
) -> None:
    from graphspec.cli import main

    os.chdir(folder)
    os.environ.update(variables)
    for number, path in enumerate(files, start=1):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
    sys.argv = ["graphspec", *words]
    if before is not None:
        before()
    command: Any = main
    command(words, prog_name="graphspec")
