"""A piece of work → what it took, and what was wrong with it: exceptions, too much time, too much memory."""

from __future__ import annotations

import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

SECONDS = 2.0
"""Of processor time, so that a busy machine makes no faults."""


@dataclass(frozen=True)
class Tried:
    """What one case took, and the faults found with it. accepted: whether it was taken for sound."""

    seconds: float
    megabytes: float
    faults: tuple[str, ...]
    accepted: bool = False


def peak() -> float:
    """Return the most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**10 if sys.platform != "darwin" else 2**20)


def watch(work: Callable[[], tuple[bool, Iterable[str]]], megabytes: float, seconds: float | None = None) -> Tried:
    """Do the work, which says whether its case is sound and which faults it has found.

    megabytes, seconds: the most allowed.
    """
    began = time.process_time()
    accepted, faults = False, list[str]()
    try:
        accepted, found = work()
        faults += found
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        faults.append("".join(traceback.format_exception(error))[-3000:])
    passed = time.process_time() - began
    taken = peak()
    if passed > (SECONDS if seconds is None else seconds):
        faults.append(f"it took {passed:.1f} s")
    if taken > megabytes:
        faults.append(f"it took {taken:.0f} MB")
    return Tried(passed, taken, tuple(faults), accepted)
