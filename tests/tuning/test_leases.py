"""Leases of trials: whatever the storage and however many claim at once, each trial goes to one worker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from graphspec.tuning.leases import Lease, Leases
from graphspec.tuning.storage import Storage, opened
from graphspec.tuning.worker import Worker

from .postgres import Server

PROCESSES, TRIALS = 3, 10


def race(folder: Path, storage: str) -> None:
    """Let processes claim all trials at once, of a storage that is not even there yet."""
    words = [sys.executable, "-m", "tests.tuning.claimers", str(folder), storage, str(TRIALS)]
    started = [
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    try:
        outputs = [each.communicate("\n", timeout=300) for each in started]
    finally:
        for each in started:
            each.kill()
    assert [said for _, said in outputs] == [""] * PROCESSES
    had = sorted(name for out, _ in outputs for name in json.loads(out))
    assert had == [f"{number:04}" for number in range(TRIALS)]


@pytest.mark.parametrize("storage", [pytest.param("", marks=pytest.mark.slow), "journal"])
def test_each_trial_is_claimed_once(tmp_path: Path, storage: str) -> None:
    """Of processes that all claim every trial, one has it, also where they make the database at the same moment."""
    race(tmp_path / "study", storage)


@pytest.mark.slow
def test_each_trial_is_claimed_once_on_a_server(tmp_path: Path, postgres: Server) -> None:
    """PostgreSQL does not let two workers have one trial either."""
    race(tmp_path / "study", postgres.url)


def leases_of(folder: Path, backend: optuna.storages.BaseStorage, storage: Storage, study: str) -> Leases:
    return Leases(backend, storage, "some", Worker.here(folder, study))


def test_lost_trial_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of which nothing is heard loses its trial, sees that, and closes nothing of its successor."""
    monkeypatch.setattr("graphspec.tuning.leases.GRACE_SECONDS", 0.0)
    storage = Storage.of(tmp_path, "journal")
    with opened(storage, to_write=True) as backend:
        first, second = (leases_of(tmp_path, backend, storage, study) for study in ("one", "two"))
        held = first.claim("0000", None)
        assert held is not None
        assert first.is_held(held)
        seen = second.current()["0000"]
        assert second.is_alive(seen) is False
        taken = second.claim("0000", seen)
        assert taken is not None
        assert (taken.was_silent, taken.lease.turn) == (True, 1)
        assert not first.is_held(held)
        with first.released(held):
            pass
        assert second.is_held(taken)
        with second.released(taken):
            pass


def test_sign_of_life_keeps_a_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of a worker at first sight; it lives as long as its number grows, whatever its clock says."""
    clock = [0.0]
    monkeypatch.setattr("graphspec.tuning.leases.time.monotonic", lambda: clock[0])
    storage = Storage.of(tmp_path, "journal")
    with opened(storage, to_write=True) as backend:
        first, second = (leases_of(tmp_path, backend, storage, study) for study in ("one", "two"))
        held = first.claim("0000", None)
        assert held is not None

        def looked_at() -> Lease:
            return second.current()["0000"]

        assert second.is_alive(looked_at()) is None
        clock[0] = 50.0
        held._record.set_user_attr("beat", 1)
        assert second.is_alive(looked_at()) is True
        clock[0] = 100.0
        assert second.is_alive(looked_at()) is True
        clock[0] = 111.0
        assert second.is_alive(looked_at()) is False
        with first.released(held):
            pass
        assert not looked_at().is_open


def test_slower_of_two_takers_loses(tmp_path: Path) -> None:
    """Two workers that take over the same trial have seen the same lease; the second one gets nothing."""
    storage = Storage.of(tmp_path, "journal")
    with opened(storage, to_write=True) as backend:
        dead, first, second = (leases_of(tmp_path, backend, storage, study) for study in ("one", "two", "three"))
        held = dead.claim("0000", None)
        assert held is not None
        held.stop()
        seen = first.current()["0000"]
        assert second.current()["0000"] == seen
        taken = first.claim("0000", seen)
        assert taken is not None
        assert second.claim("0000", seen) is None
        assert first.is_held(taken)
        with first.released(taken):
            pass
        assert [each.is_open for each in second.current().values()] == [False]
