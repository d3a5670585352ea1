"""A small spec with a search, processes that work on it, and a database server."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..forked import Forked
from .postgres import Server, server
from .searches import write_spec


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path)


@pytest.fixture
def process() -> Iterator[Callable[..., Forked]]:
    """Starts `graphspec tune` in a process of its own, which is gone when the test is."""
    started: list[Forked] = []

    def start(*arguments: object, before: Callable[[], None] | None = None) -> Forked:
        started.append(Forked("tune", *arguments, before=before))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server that runs until all tests have ended."""
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as running:
        yield running
