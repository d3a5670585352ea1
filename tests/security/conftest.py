"""Two processes under the audit hook for all tests of a worker: one without TensorFlow, and one that may load it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Commands that load no TensorFlow."""
    with Sandbox(tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture(scope="session")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Commands that build models. TensorFlow is imported by the first of them, so that there is time for it."""
    home = tmp_path_factory.mktemp("home")
    with Sandbox(home, tensorflow=True) as made:
        yield made


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A new folder for one case, whose files may all be removed afterwards."""
    yield tmp_path
    for path in tmp_path.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
