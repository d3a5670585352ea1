"""A small run, trained once for all test files, and copies of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import graphspec

from .small_runs import CALLBACKS, written


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec and a run of it that has one epoch to go, for tests that copy or read it."""
    folder = tmp_path_factory.mktemp("shared")
    run = graphspec.train(written(folder, CALLBACKS), run_dir=folder / "run", overrides=["training.epochs=1"])
    assert run.record["status"] == "finished"
    return folder


@pytest.fixture
def run(shared: Path, tmp_path: Path) -> Path:
    """A copy of that run, with its data."""
    shutil.copytree(shared, tmp_path / "copy")
    return tmp_path / "copy" / "run"
