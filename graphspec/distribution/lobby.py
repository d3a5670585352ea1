"""The wait for all workers of a cluster, before TensorFlow connects them.

TensorFlow waits in C++ for an hour, without a word, and no signal ends it. So the workers meet here first: each of the
others connects to the address of the chief, which lets all go once all have come.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_CLUSTER, LOST_WORKER
from graphspec.distribution.cluster import Cluster, split_address

_QUIET_SECONDS = 10.0
"""Seconds of waiting that are not reported."""
_POLL = 0.2
_GO = b"go\n"
_MAX_LINE = 64


def meet(cluster: Cluster, report: Callable[[str], None], seconds: float) -> None:
    """Wait until all workers have started.

    Args:
        cluster: The workers.
        report: Receives what is waited for.
        seconds: The longest wait.

    Raises:
        SpecError: The port of this worker is taken, or a worker has not started in time.
    """
    with closing(_listener(cluster)) as own:
        wait = _Wait(cluster, report, seconds)
        if cluster.is_chief:
            _receive(cluster, own, wait)
        else:
            _report_to_chief(cluster, wait)


class _Wait:
    """The time that has passed, reported less and less often."""

    def __init__(self, cluster: Cluster, report: Callable[[str], None], seconds: float) -> None:
        self.cluster = cluster
        self.report = report
        self.seconds = seconds
        self.began = time.monotonic()
        self.next_report = _QUIET_SECONDS

    def check(self, missing: Iterable[int]) -> None:
        """Report for whom is waited. Raises SpecError once the time is over."""
        waited = time.monotonic() - self.began
        names = ", ".join(self.cluster.name_of(index) for index in missing)
        if waited > self.seconds:
            raise SpecError.of(
                LOST_WORKER,
                f"after {self.seconds:.0f} s not all workers have started: {names} cannot be reached",
                help="start all workers, and look whether they can reach each other's addresses",
            )
        if waited > self.next_report:
            self.report(f"waiting for {names}")
            self.next_report *= 2


def _listener(cluster: Cluster) -> socket.socket:
    """Listen at the port of this worker. Raises SpecError if it is taken."""
    _, port = split_address(cluster.address)
    own = socket.socket(socket.AF_INET6 if cluster.address.startswith("[") else socket.AF_INET, socket.SOCK_STREAM)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind(("", port))
        own.listen(len(cluster.workers))
    except OSError as error:
        own.close()
        raise SpecError.of(
            BAD_CLUSTER,
            f"{cluster.name_of(cluster.index)} cannot listen at port {port}: {error.strerror or error}",
            help="end the process that uses the port, or give the worker another one in TF_CONFIG, on all workers",
        ) from None
    return own


def _receive(cluster: Cluster, own: socket.socket, wait: _Wait) -> None:
    """Wait for the other workers as the chief, and let all go."""
    present: dict[int, socket.socket] = {}
    unknown: list[socket.socket] = []
    try:
        while missing := [index for index in range(1, len(cluster.workers)) if index not in present]:
            wait.check(missing)
            for ready in select.select([own, *unknown, *present.values()], [], [], _POLL)[0]:
                if ready is own:
                    unknown.append(own.accept()[0])
                    continue
                with suppress(OSError):
                    line = ready.recv(_MAX_LINE)
                    if ready in unknown and line.strip().isdigit() and 0 < int(line) < len(cluster.workers):
                        present[int(line)] = ready
                        unknown.remove(ready)
                        continue
                if ready in unknown:  # something else than a worker
                    unknown.remove(ready)
                present = {index: each for index, each in present.items() if each is not ready}
                ready.close()
        for each in present.values():
            with suppress(OSError):
                each.sendall(_GO)
        for each in present.values():  # they close first, so that the port of the chief is free at once
            each.settimeout(1.0)
            with suppress(OSError):
                each.recv(_MAX_LINE)
    finally:
        for each in (*present.values(), *unknown):
            each.close()


def _report_to_chief(cluster: Cluster, wait: _Wait) -> None:
    """Connect to the chief, and wait for it to let this worker go."""
    address = split_address(cluster.workers[0])
    others = [index for index in range(len(cluster.workers)) if index != cluster.index]
    while True:
        wait.check([0])
        with suppress(OSError), closing(socket.create_connection(address, 1.0)) as chief:
            chief.sendall(f"{cluster.index}\n".encode())
            while not select.select([chief], [], [], _POLL)[0]:
                wait.check(others)
            if chief.recv(_MAX_LINE) == _GO:
                return
        time.sleep(_POLL)
