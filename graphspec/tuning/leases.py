"""Leases: which worker trains which trial, agreed upon by all workers of a study.

optuna numbers the trials of a study without gaps, whatever its storage is, and whoever adds them at the same moment.
So a second study, `<name> (workers)`, is a log that all workers read in the same order. A worker that wants a trial
adds a lease of it: the first one of each turn holds the trial. A dead worker's trial has another turn. A worker that
has lost its turn sees that before it reports anything.

A lease shows that its worker is alive by a number that is increased from time to time. Others measure by their own
clocks for how long it has stood still, so that the clocks of machines need not agree.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from typing import Any

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_STORAGE
from graphspec.tuning.storage import Storage, storage_errors, study_in
from graphspec.tuning.worker import Worker

BEAT_SECONDS = 15.0
"""Seconds between two signs of life of a worker."""

GRACE_SECONDS = 60.0
"""Seconds without a sign of life after which the worker of another machine is taken for dead."""

_TRIAL_NAME, _WORKER_ID = re.compile(r"[0-9]{4,9}"), re.compile(r"[0-9a-f]{16}")
_TRIAL, _TURN, _WORKER, _BEAT = "trial", "turn", "worker", "beat"


def study_name(name: str) -> str:
    """Return the name of the study with the leases of another."""
    return f"{name} (workers)"


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to train a trial.

    Attributes:
        number: Its number among all leases.
        trial: The name of the run of the trial.
        turn: How many workers have held the trial before.
        worker: The worker.
        beat: The count of its signs of life.
        is_open: Whether the worker has not given it back.
    """

    number: int
    trial: str
    turn: int
    worker: Worker
    beat: int
    is_open: bool


class Held:
    """A lease that this worker holds, with a thread that shows that it is alive."""

    def __init__(self, lease: Lease, record: optuna.Trial, *, was_silent: bool) -> None:
        self.lease = lease
        self.was_silent = was_silent  # its last worker may still run: it was only not heard of
        self._record = record
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="graphspec lease", daemon=True)
        self._thread.start()

    @property
    def trial(self) -> str:
        """Return the name of the run of the trial."""
        return self.lease.trial

    def stop(self) -> None:
        """Show no more signs of life."""
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        beat = self.lease.beat
        while not self._ended.wait(BEAT_SECONDS):
            beat += 1
            with suppress(Exception):  # an unreachable server is tried again, and reported by the training
                self._record.set_user_attr(_BEAT, beat)


class Leases:
    """The leases of a study, as this worker sees them.

    Args:
        backend: The open storage of the study.
        storage: The same storage.
        name: The name of the study.
        worker: This worker.
    """

    def __init__(self, backend: optuna.storages.BaseStorage, storage: Storage, name: str, worker: Worker) -> None:
        self.storage = storage
        self.worker = worker
        self.study = study_in(backend, storage, study_name(name), "minimize")
        self.study.sampler = RandomSampler(seed=0)
        self._signs: dict[str, tuple[tuple[int, int], float, bool]] = {}
        self._is_first_look = True

    def current(self) -> dict[str, Lease]:
        """Return the newest lease of each trial, by its run."""
        with storage_errors(self.storage):
            found = [lease for each in self.study.get_trials(deepcopy=False) if (lease := _read(each)) is not None]
        self._look_at(found)
        newest: dict[str, Lease] = {}
        for lease in found:  # the first of each turn, the last turn
            if lease.trial not in newest or newest[lease.trial].turn < lease.turn:
                newest[lease.trial] = lease
        return newest

    def is_alive(self, lease: Lease) -> bool | None:
        """Return whether the worker of an open lease is alive; None if that is not known yet."""
        known = self.worker.is_alive(lease.worker)
        if known is not None:
            return known
        _, since, was_seen = self._signs[lease.worker.id]
        if time.monotonic() - since > GRACE_SECONDS:
            return False
        if was_seen and self.storage.is_sqlite:
            raise SpecError.of(
                BAD_STORAGE,
                f"{lease.worker} works on the study too, and {self.storage} is SQLite, whose locks hold on one machine",
                help="begin a study of several machines with --storage, a journal or a database server",
            )
        return True if was_seen else None

    def claim(self, trial: str, previous: Lease | None) -> Held | None:
        """Take a trial that `previous` was the newest lease of; return None if another worker was faster."""
        turn = previous.turn + 1 if previous is not None else 0
        mine = {_TRIAL: trial, _TURN: turn, _WORKER: asdict(self.worker), _BEAT: 0}
        with storage_errors(self.storage):
            self.study.add_trial(optuna.trial.create_trial(state=TrialState.RUNNING, user_attrs=mine))
            rows = [(lease, each) for each in self.study.get_trials(deepcopy=False) if (lease := _read(each))]
            same = [(lease, each) for lease, each in rows if (lease.trial, lease.turn) == (trial, turn)]
            lease, row = same[0]
            is_mine = lease.worker.id == self.worker.id and lease.is_open
            for other, _ in same if not is_mine else same[1:]:
                if other.worker.id == self.worker.id and other.is_open:
                    self._close(other)
            if not is_mine:
                return None
            if previous is not None and previous.is_open:
                self._close(previous)
            was_silent = previous is not None and previous.is_open and self.worker.is_alive(previous.worker) is None
            self.worker.remove_dead()
            return Held(lease, optuna.Trial(self.study, row._trial_id), was_silent=was_silent)

    def is_held(self, held: Held) -> bool:
        """Return whether the trial has not been taken over by another worker."""
        newest = self.current().get(held.trial)
        return newest is not None and newest.number == held.lease.number and newest.is_open

    @contextmanager
    def released(self, held: Held) -> Iterator[None]:
        """Give the lease back at the end of the block, also if that fails; after a kill, others notice."""
        try:
            yield
        finally:
            held.stop()
            with suppress(SpecError), storage_errors(self.storage):
                self._close(held.lease)

    def _close(self, lease: Lease) -> None:
        with suppress(ValueError, optuna.exceptions.OptunaError):  # another worker has closed it
            self.study.tell(lease.number, float(lease.turn))

    def _look_at(self, leases: list[Lease]) -> None:
        """Note when each worker gave its last sign of life: a new lease, or a higher number in one."""
        now = time.monotonic()
        for lease in leases:
            sign = (lease.number, lease.beat)
            before = self._signs.get(lease.worker.id)
            if before is None or before[0] < sign:
                is_sign = before is not None or not self._is_first_look
                self._signs[lease.worker.id] = (sign, now, is_sign)
        self._is_first_look = False


def _read(record: FrozenTrial) -> Lease | None:
    """Return the lease in a record; None if there is none in it."""
    attributes: dict[str, Any] = record.user_attrs
    try:
        worker = Worker(**{each.name: attributes[_WORKER][each.name] for each in fields(Worker)})
        trial = str(attributes[_TRIAL])
        if not _TRIAL_NAME.fullmatch(trial) or not _WORKER_ID.fullmatch(str(worker.id)):  # they become names of files
            return None
        return Lease(
            number=record.number,
            trial=trial,
            turn=int(attributes[_TURN]),
            worker=worker,
            beat=int(attributes.get(_BEAT, 0)),
            is_open=record.state == TrialState.RUNNING,
        )
    except (KeyError, TypeError, ValueError):
        return None
