"""One training at a time in a process: Keras, NumPy and Python share their random generators among all threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN

TRAINING, STUDY = "a training", "a study"

_guard = threading.Lock()
_going_on: list[tuple[str, int]] = []
"""What goes on in this process, with the thread that does it: a training, a study, or a training of a study."""


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Within it, `what` goes on: a training or a study. Raises SpecError where another one does already."""
    mine = (what, threading.get_ident())
    with _guard:
        if _going_on and not (what == TRAINING and _going_on == [(STUDY, mine[1])]):
            raise SpecError.of(
                BAD_RUN,
                f"{_going_on[-1][0]} goes on in this process, and {what} beside it would change its random numbers",
                help="wait until it ends, or train in a process of its own",
            )
        _going_on.append(mine)
    try:
        yield
    finally:
        with _guard:
            _going_on.remove(mine)
