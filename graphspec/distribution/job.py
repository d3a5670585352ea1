"""A job: workers that are started together, watched, and stopped together."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from graphspec.distribution.worker_process import WorkerProcess, stop
from graphspec.signals import SIGNALS, handled_by, heed

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL for workers that are stopped since another one has failed."""
LINGER = 60.0
"""Seconds for the other workers to end after the chief has ended a training."""
MIN_SECONDS_TO_FORCE = 1.0
"""Seconds after which another signal ends the job within GRACE, as it stops a training at once."""
MAX_LINES = 12
_POLL = 0.05


@dataclass(frozen=True, kw_only=True)
class WorkerEnd:
    """A worker that failed.

    Attributes:
        index: The number of the worker.
        status: Its exit status; negative for the signal that has killed it.
        log: Its log; None for the chief, which writes to the terminal.
        lines: The last lines of its log, escaped.
    """

    index: int
    status: int
    log: Path | None
    lines: tuple[str, ...]

    def __str__(self) -> str:
        if self.status < 0:
            return f"was killed by {_signal_name(-self.status)}"
        return f"failed with exit status {self.status}"


@dataclass(frozen=True, kw_only=True)
class JobEnd:
    """The end of a job.

    Attributes:
        status: The exit status of the whole, as `graphspec train` has it.
        failed: The workers that failed first, by number; none if the job finished or a signal stopped it.
        signal: The signal that stopped it.
        killed: The workers that had to be killed since they did not end by themselves.
        seconds: The time since the start.
    """

    status: int
    failed: tuple[WorkerEnd, ...] = ()
    signal: int | None = None
    killed: tuple[int, ...] = ()
    seconds: float = 0.0


class _Signals:
    """The signals that this process has received, with their times."""

    def __init__(self) -> None:
        self.received: list[tuple[int, float]] = []
        self._sent = 0

    def note(self, number: int, frame: FrameType | None) -> None:
        self.received.append((number, heed()))

    def pass_on(self, workers: Sequence[WorkerProcess]) -> None:
        """Send what was received since the last call to `workers`."""
        while self._sent < len(self.received):
            for worker in workers:
                if worker.status is None:
                    worker.send(self.received[self._sent][0])
            self._sent += 1

    @property
    def first(self) -> int | None:
        return self.received[0][0] if self.received else None

    @property
    def forced_at(self) -> float | None:
        """The time of the signal that stops the job at once; None if there was none."""
        begin = self.received[0][1] if self.received else 0.0
        return next((at for _, at in self.received if at - begin >= MIN_SECONDS_TO_FORCE), None)


def run_job(command: Sequence[str], environments: Sequence[Mapping[str, str]], logs: Path) -> JobEnd:
    """Run one worker of `command` for each environment until all have ended.

    Signals are passed on to the workers, which end by themselves; when one fails, the others are stopped.

    Args:
        command: The program and arguments, the same for each worker.
        environments: The environment of each worker; the first is that of the chief, which writes to the streams of
            this process.
        logs: An existing folder, which gets a file `worker-N.log` of each other worker.

    Raises:
        SpecError: A log cannot be written.
        OSError: The command cannot be run.
    """
    begin, signals, workers = time.monotonic(), _Signals(), list[WorkerProcess]()
    with handled_by(signals.note):
        try:
            for index, environment in enumerate(environments):
                log = logs / f"worker-{index}.log" if index else None
                workers.append(WorkerProcess(index, command, environment, log))
            failed, is_late = _watch(workers, signals)
        except BaseException:
            stop(workers, 0.0)
            raise
        killed = stop(workers, 0.0 if is_late else GRACE)
    status, number = _end(workers, failed, signals.first)
    return JobEnd(
        status=status,
        failed=tuple(_end_of(worker) for worker in failed),
        signal=number,
        killed=tuple(killed),
        seconds=time.monotonic() - begin,
    )


def _watch(workers: list[WorkerProcess], signals: _Signals) -> tuple[list[WorkerProcess], bool]:
    """Wait for the end. Return the workers that failed, and whether others have had their time to end."""
    ended_at: dict[int, float] = {}
    while True:
        signals.pass_on(workers)
        ended = {worker.index: status for worker in workers if (status := worker.status) is not None}
        failed = [workers[index] for index, status in ended.items() if status and stop_signal(status) is None]
        if failed:  # a kill makes others fail; they are not the reason
            return [each for each in failed if ended[each.index] < 0] or failed, False
        if len(ended) == len(workers):
            return [], False
        now = time.monotonic()
        for index in ended:
            ended_at.setdefault(index, now)
        # A worker that has finished may wait long for the chief, which writes the model; nobody waits for the others.
        waited = [at for index, at in ended_at.items() if index == 0 or (ended[index] and signals.first is None)]
        if waited and now - min(waited) >= LINGER:
            return [], True
        if (forced_at := signals.forced_at) is not None and now - forced_at >= GRACE:
            return [], True
        time.sleep(_POLL)


def stop_signal(status: int) -> int | None:
    """Return the signal that has stopped a training with this exit status; None for any other end."""
    number = status - 128 if status > 128 else -status
    return number if number in SIGNALS else None


def _end(workers: list[WorkerProcess], failed: list[WorkerProcess], number: int | None) -> tuple[int, int | None]:
    """Return the exit status of a job, and the signal that has stopped it."""
    statuses = [worker.status or 0 for worker in workers]
    if failed:
        status = failed[0].status or 0
        return (status if status > 0 else 1), None
    if statuses[0] == 0:  # the run is complete
        return 0, None
    number = number or next(filter(None, map(stop_signal, statuses)), None)
    return (128 + number if number is not None else 1), number


def _end_of(worker: WorkerProcess) -> WorkerEnd:
    return WorkerEnd(index=worker.index, status=worker.status or 0, log=worker.log, lines=tuple(worker.tail(MAX_LINES)))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
