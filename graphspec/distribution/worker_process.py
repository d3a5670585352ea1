"""A worker of a job: a process of a group of its own, which does not outlive the process that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from graphspec.diagnostics.escapes import escaped
from graphspec.files import cannot_write
from graphspec.run_directory.files import open_own

_SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux: the signal that a process gets when its parent ends."""
_MAX_TAIL = 2**14
_POLL = 0.02


class WorkerProcess:
    """A running or ended worker.

    Attributes:
        index: The number of the worker; 0 is the chief.
        log: The file with its output; None for a worker that writes to the terminal.
    """

    def __init__(self, index: int, command: Sequence[str], environment: Mapping[str, str], log: Path | None) -> None:
        """Start the worker. Raises SpecError if its log cannot be written, OSError if the command cannot be run."""
        self.index = index
        self.log = log
        self._begin = 0
        output = None
        if log is not None:
            try:
                output = open_own(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                self._begin = os.fstat(output).st_size
            except OSError as error:
                raise cannot_write(log, error) from None
        try:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches the launcher alone, which decides what becomes of it
                preexec_fn=_end_with(os.getpid()) if sys.platform == "linux" else None,
            )
        finally:
            if output is not None:
                os.close(output)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status; negative for the signal that has killed it, None while it runs."""
        return self._process.poll()

    def send(self, number: int) -> None:
        """Send a signal to the worker, and to the processes that it has started."""
        if sys.platform == "win32":
            self._process.terminate()
            return
        with suppress(ProcessLookupError, PermissionError):  # it has ended, or another user's process has its number
            os.killpg(self.pid, number)

    def tail(self, lines: int) -> list[str]:
        """Return the last lines that it has written to its log, escaped; none without a log."""
        if self.log is None:
            return []
        try:
            with open(open_own(self.log, os.O_RDONLY), "rb") as file:
                file.seek(max(self._begin, file.seek(0, os.SEEK_END) - _MAX_TAIL))
                text = file.read().decode(errors="backslashreplace")
        except OSError:
            return []
        written = [each.rstrip() for each in text.replace("\r", "\n").split("\n")]
        return [escaped(each) for each in written if each][-lines:]


def _end_with(parent: int) -> Callable[[], None]:
    """Return what a new process does first: ask the system to kill it when its parent ends."""
    libc = ctypes.CDLL(None)  # loaded here, since the new process must not take a lock
    kill = int(signal.SIGKILL)

    def ask() -> None:
        libc.prctl(_SET_DEATH_SIGNAL, kill, 0, 0, 0)
        if os.getppid() != parent:  # it has ended before that
            os._exit(1)

    return ask


def stop(workers: Iterable[WorkerProcess], grace: float) -> list[int]:
    """Stop all workers: by SIGTERM, and by SIGKILL after `grace` seconds. Return the numbers of those killed."""
    running = [worker for worker in workers if worker.status is None]
    for worker in running if grace else ():
        worker.send(signal.SIGTERM)
    end = time.monotonic() + grace
    while (running := [worker for worker in running if worker.status is None]) and time.monotonic() < end:
        time.sleep(_POLL)
    killed = [worker.index for worker in running]
    for worker in workers:
        worker.send(getattr(signal, "SIGKILL", signal.SIGTERM))  # also what an ended worker has left behind
    while any(worker.status is None for worker in workers):
        time.sleep(_POLL)
    return killed
