"""`TrialQueue`: which trial this worker trains next, while others work on the same study."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from graphspec.console.reporter import Reporter
from graphspec.language.search_space import SearchSpace
from graphspec.run_directory.folders import is_held
from graphspec.tuning import folder as study_folder
from graphspec.tuning import leases as lease_times
from graphspec.tuning.leases import Held, Lease, Leases
from graphspec.tuning.storage import patiently
from graphspec.tuning.trial import RUNNING, Trial

POLL_SECONDS = 1.0
"""Seconds between two looks at what other workers do."""


class TrialQueue:
    """The trials of a study that nobody trains, and those that may still begin.

    Args:
        folder: The folder of the study.
        space: Its search, with the budget of this worker.
        leases: The leases of the study.
        read: Returns every trial so far.
        is_exhausted: Returns whether the sampler has no more values.
        reporter: Receives what this worker takes over or waits for.
    """

    def __init__(
        self,
        *,
        folder: Path,
        space: SearchSpace,
        leases: Leases,
        read: Callable[[], list[Trial]],
        is_exhausted: Callable[[], bool],
        reporter: Reporter,
    ) -> None:
        self.folder = folder
        self.space = space
        self.leases = leases
        self.read = read
        self.is_exhausted = is_exhausted
        self.reporter = reporter
        self._awaited: list[str] = []

    def next(self) -> Held | None:
        """Take a trial: one that was left unfinished, else a new one, within the budget.

        Waits while other workers train the last trials, since each of them may die. Returns None if all have ended.
        """
        while True:
            held, is_over = patiently(self.leases.storage, self._look, self.reporter.warn)
            if held is not None or is_over:
                return held
            time.sleep(POLL_SECONDS)

    def _look(self) -> tuple[Held | None, bool]:
        """Take a trial that is free; return it, and whether all trials have ended."""
        while True:
            newest = self.leases.current()  # before the trials: who gives a lease back has ended its trial
            trials = {each.run.name: each for each in self.read()}
            open_trials = [name for name in sorted({*newest, *trials}, key=int) if self._is_open(name, trials)]
            states = {name: self._is_trained(name, newest.get(name)) for name in open_trials}
            free = [name for name in open_trials if states[name] is False]
            if not free and None not in states.values():
                free = self._new(newest, trials)
                if not free and not open_trials:
                    return None, True
            if not free:
                self._tell_awaited(open_trials, newest)
                return None, False
            if (held := self._taken(free[0], newest.get(free[0]))) is not None:
                return held, False

    def _is_open(self, name: str, trials: dict[str, Trial]) -> bool:
        """Return whether a trial has not ended. One without values counts as long as the budget has room for it."""
        if name in trials:
            return trials[name].state == RUNNING
        return (self.space.trials is None or int(name) < self.space.trials) and not self.is_exhausted()

    def _is_trained(self, name: str, lease: Lease | None) -> bool | None:
        """Return whether another worker trains a trial; None if that is not known yet."""
        if lease is None or not lease.is_open or lease.worker.id == self.leases.worker.id:
            return False  # one of its own was left open by an answer of the server that did not arrive
        is_alive = self.leases.is_alive(lease)
        return True if is_alive is False and is_held(self.folder / study_folder.TRIALS / name) else is_alive

    def _new(self, newest: dict[str, Lease], trials: dict[str, Trial]) -> list[str]:
        """Return the name of the next new trial, if the budget has room for one."""
        names = {*newest, *trials}
        number = next(number for number in range(len(names) + 1) if f"{number:04}" not in names)
        if self.is_exhausted() or (self.space.trials is not None and number >= self.space.trials):
            return []
        if self.space.timeout is not None and sum(each.seconds for each in trials.values()) >= self.space.timeout:
            return []
        return [f"{number:04}"]

    def _taken(self, name: str, previous: Lease | None) -> Held | None:
        """Return the lease of a trial; None if another worker was faster."""
        held = self.leases.claim(name, previous)
        if held is None:
            return None
        trial = next((each for each in self.read() if each.run.name == name), None)
        if trial is not None and trial.state != RUNNING:  # it has ended between two looks
            with self.leases.released(held):
                return None
        if previous is not None and previous.is_open and previous.worker.id != self.leases.worker.id:
            silence = f"of which nothing was heard for {lease_times.GRACE_SECONDS:.0f} s"
            why = silence if held.was_silent else "which has ended"
            self.reporter.info(f"trial {int(name)} is taken over from {previous.worker}, {why}")
        self._awaited = []
        return held

    def _tell_awaited(self, names: list[str], newest: dict[str, Lease]) -> None:
        """Report once which trials of others are waited for."""
        if names != self._awaited:
            self._awaited = names
            whose = ", ".join(f"{int(name)} ({newest[name].worker})" for name in names if name in newest)
            self.reporter.info(f"waiting for other workers, to take their trials over if they die: trials {whose}")
