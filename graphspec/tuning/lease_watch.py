"""`LeaseWatch`: notices that another worker has taken a trial over, and keeps the runs of both apart."""

from __future__ import annotations

import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from graphspec.files import cannot_write
from graphspec.run_paths import UNFINISHED
from graphspec.tuning.leases import Held, Leases

CHECK_SECONDS = 5.0
"""Seconds between two looks at a lease during a training."""


class LeaseWatch:
    """The lease of the trial that this worker trains, looked at from time to time."""

    def __init__(self, leases: Leases, held: Held) -> None:
        self._leases = leases
        self._held = held
        self._looked_at = time.monotonic()
        self._is_lost = False

    def is_lost(self, *, at_once: bool = True) -> bool:
        """Return whether another worker holds the trial; unless `at_once`, as it was some seconds ago."""
        now = time.monotonic()
        if not self._is_lost and (at_once or now - self._looked_at > CHECK_SECONDS):
            self._looked_at = now
            self._is_lost = not self._leases.is_held(self._held)
        return self._is_lost

    def discard(self, run: Path) -> None:
        """Remove the run of a lost trial, unless the other worker trains it in this folder.

        It was ended in the middle, so resuming it would end there.
        """
        newest = self._leases.current().get(self._held.trial)
        if newest is not None and newest.worker.study != self._leases.worker.study:
            shutil.rmtree(run, ignore_errors=True)


def replace_by_copy(run: Path) -> None:
    """Replace a run by a copy of it, so that a process that still writes into it notices, and stops.

    Raises SpecError if it cannot be copied.
    """
    if not run.is_dir():
        return
    copy, old = (run.with_name(f"{UNFINISHED}{secrets.token_hex(4)}") for _ in range(2))
    try:
        shutil.copytree(run, copy, symlinks=True)
        run.rename(old)
        copy.rename(run)
    except OSError as error:
        raise cannot_write(run, error) from None
    finally:
        with suppress(OSError):
            shutil.rmtree(copy)
        shutil.rmtree(old, ignore_errors=True)
