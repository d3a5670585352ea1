"""Numbered cases, tried by processes of their own; one that hangs, dies, grows too large or is old is replaced."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from ..forked import PRELOADED
from .watched import Tried

Attempt = Callable[[int, Path], Tried]
"""Tries a case by its number, in a folder of the process. It is sent there, so it is a function of a module."""

HANGS = 30.0
"""Seconds without a word after which a process is ended."""

_AT_A_TIME = 50
_LIFETIME = 1_000
"""Cases of one process: Click keeps the streams of every command that runs in it, with all that was written."""

_ADDRESSES, _ADDRESSES_OF_KERAS = 4 * 2**30, 10 * 2**30
"""Bytes of address space that a process may take: more, and it fails rather than the machine."""


@dataclass
class Totals:
    """What all cases together took."""

    done: int = 0
    accepted: int = 0
    faulty: int = 0
    slowest: float = 0.0
    largest: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.done:,} cases in {self.seconds:.0f} s: {self.accepted:,} accepted, {self.faulty} faulty; "
            f"the slowest took {self.slowest:.2f} s, the largest process {self.largest:.0f} MB"
        )


def run(
    numbers: Sequence[int],
    attempt: Attempt,
    folders: Sequence[Path],
    megabytes: int,
    keep: Callable[[int, Tried], None],
    *,
    keras: bool = False,
) -> Totals:
    """Try every case, in one process a folder. keep is told of each faulty one.

    keras: The attempts need TensorFlow; processes are then forked from one that has imported it.
    """
    waiting = [list(numbers[at : at + _AT_A_TIME]) for at in range(0, len(numbers), _AT_A_TIME)][::-1]
    workers = [_Worker(attempt, folder, keras) for folder in folders]
    began, totals = time.monotonic(), Totals()
    for worker in workers:
        worker.give(waiting)
    while any(worker.left for worker in workers):
        ready = wait([worker.pipe for worker in workers if worker.left], timeout=1)
        for worker in workers:
            if worker.pipe in ready:
                number, tried = worker.receive()
            elif worker.left and time.monotonic() - worker.heard > HANGS:
                number, tried = worker.lose(f"it hangs: nothing for {HANGS:.0f} s")
            else:
                continue
            totals.done += 1
            totals.accepted += tried.accepted
            totals.slowest, totals.largest = max(totals.slowest, tried.seconds), max(totals.largest, tried.megabytes)
            totals.seconds = time.monotonic() - began
            if tried.faults:
                totals.faulty += 1
                keep(number, tried)
            if tried.megabytes > megabytes or worker.tried >= _LIFETIME:
                worker.restart()
            if not worker.left:
                worker.give(waiting)
            if totals.done % 500 == 0:
                rate = totals.done / totals.seconds
                line = f"\r{totals.done:,} of {len(numbers):,}, {totals.faulty} faulty, {rate:.0f} a second  "
                print(line, end="", file=sys.stderr, flush=True)
    for worker in workers:
        worker.process.kill()
        worker.process.join()
    print(file=sys.stderr)
    return totals


class _Worker:
    """A process that tries cases one after the other, and says of each how it went."""

    def __init__(self, attempt: Attempt, folder: Path, keras: bool) -> None:
        self.attempt, self.folder = attempt, folder
        self.context: Any = multiprocessing.get_context("forkserver" if keras else "spawn")
        if keras:
            self.context.set_forkserver_preload(PRELOADED)
        self.addresses = _ADDRESSES_OF_KERAS if keras else _ADDRESSES
        self.left: list[int] = []
        self._start()

    def _start(self) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = self.context.Process(
            target=_work, args=(theirs, self.attempt, self.folder, self.addresses), daemon=True
        )
        self.process.start()
        theirs.close()
        self.heard = time.monotonic()
        self.tried = 0

    def give(self, waiting: list[list[int]]) -> None:
        if waiting:
            self.left = waiting.pop()
            self.pipe.send(self.left)
            self.heard = time.monotonic()

    def receive(self) -> tuple[int, Tried]:
        try:
            number, tried = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            return self.lose("it ended the process")
        self.heard = time.monotonic()
        self.left.remove(number)
        self.tried += 1
        return number, tried

    def lose(self, why: str) -> tuple[int, Tried]:
        """Give up the case that is being tried, and go on with the next in a new process."""
        number = self.left.pop(0)
        self.restart()
        return number, Tried(0, 0, (why,))

    def restart(self) -> None:
        self.process.kill()
        self._start()
        if self.left:
            self.pipe.send(self.left)


def _work(pipe: Connection, attempt: Attempt, folder: Path, addresses: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))
    while True:
        for number in pipe.recv():
            pipe.send((number, attempt(number, folder)))
