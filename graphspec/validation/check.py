"""Files → what is found in each, in several processes where they are many."""

from __future__ import annotations

import gc
import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graphspec.diagnostics import Diagnostic, Report
from graphspec.diagnostics.rules import INTERNAL, Rule
from graphspec.extras import missing_extra
from graphspec.language.document import STANDARD_INPUT
from graphspec.language.document.overlay import overlay
from graphspec.spec import Spec, inspect
from graphspec.validation.ignores import Ignore, ignores_in

_ENOUGH = 40
"""From so many files on a second process saves more than it costs to start."""

Deep = Callable[[Spec], Iterable[Diagnostic]]


@dataclass(frozen=True)
class Raw:
    """All that is found in the file at `path`, before anything is ignored.

    ignores are the comments in it and in the files that it includes; asked, the files that were looked for. Every rule
    of the stages below `reached` was looked for.
    """

    path: str
    findings: tuple[Diagnostic, ...]
    ignores: tuple[Ignore, ...] = ()
    asked: tuple[str, ...] = ()
    reached: int = 0


def check_file(path: str, overrides: Sequence[str] = (), *, values: bool = False, deep: Deep | None = None) -> Raw:
    """What is found in the spec at `path`; values: in all that its data files hold; deep finds more in a sound spec.

    Where graphspec itself fails, that is a finding (GS902) of this file, and others are still looked at.
    """
    spec, report = None, Report()
    with overlay() as read:
        try:
            spec, report = inspect(path, overrides, data=True, values=values)
            if spec is not None and deep is not None:
                report.extend(deep(spec))
        except Exception as error:
            missing = missing_extra(error)
            if missing is not None:
                report.extend(missing.report)
            else:
                report.add(*_failure(path, error))
    ignores = [ignore for source in dict.fromkeys(read.sources) for ignore in ignores_in(source)]
    name = "<stdin>" if path == STANDARD_INPUT else path
    return Raw(name, tuple(report.found), tuple(ignores), tuple(read.asked), _reached(spec, report))


def _failure(path: str, error: Exception) -> tuple[Rule, str]:
    """The finding that looking at the file at `path` ended in `error`, with the place in graphspec."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return INTERNAL, f"graphspec itself failed on {path}, please report it: {type(error).__name__} at {where}"


def check_files(paths: Sequence[str], check: Callable[[str], Raw], jobs: int | None = None) -> list[Raw]:
    """`check` of each of `paths`, in their order, by `jobs` processes; by one a core where they are many.

    A collector that looks through every new tree takes a fifth of the time, so it rests while there are few of them.
    """
    cores = jobs if jobs is not None else os.cpu_count() or 1
    processes = min(cores, len(paths) if jobs is not None else 2 * len(paths) // _ENOUGH)
    with _collecting_less_often():
        if processes < 2 or not hasattr(os, "fork"):
            return [check(path) for path in paths]
        return _in_processes(paths, check, processes)


def _in_processes(paths: Sequence[str], check: Callable[[str], Raw], processes: int) -> list[Raw]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    first = check(paths[0])  # what it makes be read and imported is there for all, before the processes part
    gc.freeze()  # what is shared stays shared: collecting would write to it
    context = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(processes, context, _leave_interrupts_to_parent)
    try:
        size = max(1, min(16, len(paths) // (4 * processes)))
        return [first, *pool.map(check, paths[1:], chunksize=size)]
    finally:
        pool.shutdown(cancel_futures=True)
        gc.unfreeze()


def _leave_interrupts_to_parent() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _collecting_less_often() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(100_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _reached(spec: Spec | None, report: Report) -> int:
    """The first stage that was not reached, or not with all there is.

    Where there is no spec without an error, the file only declares parts: what is ignored in it may be found where it
    is included. The stages of objects and wiring end early after an error; from the fourth on they do not.
    """
    if spec is not None:
        return 10
    first = min((int(finding.rule.code[2]) for finding in report.errors), default=0)
    return first if first >= 4 else 0
