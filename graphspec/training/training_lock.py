"""A guard for one training at a time, since threads share random generators."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN

TRAINING, STUDY = "a training", "a study"

_guard = threading.Lock()
_running: list[tuple[str, int]] = []
"""The activities of this process with their threads: a training, a study, or a study and its training."""


def is_of_study() -> bool:
    """Return whether a training in this process is a trial of a study."""
    return any(activity == STUDY for activity, _ in _running)


@contextmanager
def exclusive(activity: str) -> Iterator[None]:
    """Run TRAINING or STUDY within the block. Raises SpecError if another one is running."""
    entry = (activity, threading.get_ident())
    with _guard:
        if _running and not (activity == TRAINING and _running == [(STUDY, entry[1])]):
            raise SpecError.of(
                BAD_RUN,
                f"{_running[-1][0]} is running in this process, and {activity} would change its random numbers",
                help="wait until it ends, or train in another process",
            )
        _running.append(entry)
    try:
        yield
    finally:
        with _guard:
            _running.remove(entry)
