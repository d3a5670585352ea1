"""Processes that claim trials as fast as they can, and train none: `python -m tests.tuning.claimers`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from graphspec.tuning.leases import Leases
from graphspec.tuning.storage import Storage, opened
from graphspec.tuning.worker import Worker


def claim_all(folder: Path, storage: Storage, trials: int) -> list[str]:
    """Claim every one of `trials` that is free, and return the names of those that were had."""
    worker = Worker.here(folder, folder.name)
    had = []
    with opened(storage, to_write=True) as backend, worker.registered():
        leases = Leases(backend, storage, "race", worker)
        for number in range(trials):
            name = f"{number:04}"
            previous = leases.current().get(name)
            if previous is not None:
                continue
            held = leases.claim(name, None)
            if held is not None:
                had.append(name)
                with leases.released(held):
                    assert leases.is_held(held)
    return had


if __name__ == "__main__":
    folder, text, trials = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    sys.stdin.readline()  # all begin at once
    print(json.dumps(claim_all(folder, Storage.of(folder, text), trials)))
