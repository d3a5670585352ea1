"""Workers wait for each other before TensorFlow connects them, and say for whom."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from graphspec import SpecError
from graphspec.distribution import lobby
from graphspec.distribution.cluster import Cluster
from tests.distribution.workers import free_ports


def _cluster(count: int) -> list[Cluster]:
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(count))
    return [Cluster(addresses, index) for index in range(count)]


def test_workers_go_once_the_last_has_come() -> None:
    """No worker goes before all are there, in whatever order they come; their ports are free again afterwards."""
    clusters = _cluster(4)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(lobby.meet, each, lambda line: None, 30) for each in (clusters[2], clusters[0])]
        time.sleep(0.6)
        assert not any(each.done() for each in waiting)
        waiting += [pool.submit(lobby.meet, each, lambda line: None, 30) for each in (clusters[3], clusters[1])]
        for each in waiting:
            each.result(20)
    for cluster in clusters:
        lobby._listener(cluster).close()


def test_missing_worker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is reported, and is an error once it has been too long."""
    monkeypatch.setattr(lobby, "_QUIET_SECONDS", 0.1)
    chief, other = _cluster(2)
    lines: list[str] = []
    for each, missing in ((chief, other), (other, chief)):
        with pytest.raises(SpecError, match="GS914") as raised:
            lobby.meet(each, lines.append, 0.8)
        assert f"worker {missing.index} ({missing.address}) cannot be reached" in str(raised.value)
        assert f"waiting for worker {missing.index} ({missing.address})" in lines


def test_strangers_at_the_port_of_the_chief_change_nothing() -> None:
    """Something else that connects, sends rubbish or leaves again is no worker."""
    chief, other = _cluster(2)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(lobby.meet, chief, lambda line: None, 30)
        time.sleep(0.3)
        port = int(chief.address.rpartition(":")[2])
        for text in (b"GET / HTTP/1.1\r\n\r\n", b"7\n", b"0\n", b"", b"\xff" * 10_000):
            with socket.create_connection(("127.0.0.1", port)) as stranger, suppress(OSError):
                stranger.sendall(text)
        time.sleep(0.3)
        assert not waiting.done()
        lobby.meet(other, lambda line: None, 30)
        waiting.result(20)


JOIN = """
from graphspec.extras import require_tensorflow
require_tensorflow()
from graphspec.distribution import strategy
from graphspec.distribution.cluster import Cluster
strategy.CONNECT_SECONDS = 2.0
strategy.join(Cluster.from_environment(), print)
"""


@pytest.mark.parametrize("index", [pytest.param(0, marks=pytest.mark.slow), pytest.param(1, marks=pytest.mark.long)])
def test_worker_that_ends_after_the_meeting_is_missed(index: int) -> None:
    """One that met the others and ended before TensorFlow has connected all of them is missed within a bounded time."""
    clusters = _cluster(2)
    other = clusters[1 - index]
    config = {"cluster": {"worker": other.workers}, "task": {"type": "worker", "index": index}}
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", JOIN],
        env={**os.environ, "TF_CONFIG": json.dumps(config)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            lobby.meet(other, lambda line: None, 60)
            said = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert time.monotonic() - began < 60
    assert "GS914" in said
    assert f"{other.name_of(other.index)} was lost" in said
