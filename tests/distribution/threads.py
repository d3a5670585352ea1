"""Threads that stand for the workers of a cluster: they exchange bytes as processes do, without TensorFlow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from graphspec.distribution.cluster import Cluster
from graphspec.distribution.strategy import Distribution


@dataclass
class Exchange:
    """What the threads give each other in place of processes."""

    count: int
    values: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.barrier = threading.Barrier(self.count)

    def gather(self, index: int, value: bytes) -> list[bytes]:
        self.values[index] = value
        self.barrier.wait(60)
        every = [self.values[each] for each in range(self.count)]
        self.barrier.wait(60)
        return every


@dataclass(frozen=True)
class Thread(Distribution):
    """A worker that is a thread."""

    exchange: Exchange | None = None

    def gather(self, value: bytes) -> list[bytes]:
        assert self.cluster is not None
        assert self.exchange is not None
        return self.exchange.gather(self.cluster.index, value)


def together(count: int, work: Callable[[Distribution], Any]) -> list[Any]:
    """Let so many workers do the same, and return what each returns."""
    addresses = tuple(f"127.0.0.1:{1 + index}" for index in range(count))
    exchange = Exchange(count)
    with ThreadPoolExecutor(count) as pool:
        started = [pool.submit(work, Thread(None, Cluster(addresses, index), exchange)) for index in range(count)]
        return [each.result(120) for each in started]
