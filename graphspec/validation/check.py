"""Files → the diagnostics of each, in several processes if there are many files."""

from __future__ import annotations

import gc
import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphspec.catalog.versions import use_version
from graphspec.diagnostics import Diagnostic, Report
from graphspec.diagnostics.rules import INTERNAL, Rule, Stage
from graphspec.extras import missing_extra
from graphspec.garbage import rare_collection
from graphspec.language.document import STANDARD_INPUT
from graphspec.language.document.overlay import overlay
from graphspec.spec import Spec, inspect
from graphspec.validation.ignores import Ignore, ignores_in

_FILES_PER_PROCESS = 20
"""A second process pays from twice as many files on."""

Deep = Callable[[Spec], Iterable[Diagnostic]]


@dataclass(frozen=True)
class FileCheck:
    """Everything found in one spec file, before comments and selections apply.

    Attributes:
        ignores: The ignore comments in the file and in the files that it includes.
        dependencies: The files that were read, or would have been if they existed.
        complete: The stages that checked all of the file.
    """

    path: str
    findings: tuple[Diagnostic, ...]
    ignores: tuple[Ignore, ...] = ()
    dependencies: tuple[str, ...] = ()
    complete: frozenset[Stage] = frozenset()


def check_file(
    path: str,
    overrides: Sequence[str] = (),
    *,
    values: bool = False,
    deep: Deep | None = None,
    keras: str | None = None,
) -> FileCheck:
    """Check one spec file.

    A failure of graphspec itself is a finding of this file (GS902), so that other files are still checked.

    Args:
        path: The file, or `-` for standard input.
        overrides: `key=value` texts, as for `--set`.
        values: Read whole data files instead of their headers.
        deep: A further check, if the spec has no errors.
        keras: The minor version of Keras to check for; None for the one in use.
    """
    return inspect_file(path, overrides, values=values, deep=deep, keras=keras)[0]


def inspect_file(
    path: str,
    overrides: Sequence[str] = (),
    *,
    values: bool = False,
    deep: Deep | None = None,
    keras: str | None = None,
) -> tuple[FileCheck, Spec | None]:
    """Check one spec file as `check_file` does, and return its spec too.

    Returns:
        The findings, and the spec with its faulty parts marked as such; None where too little of it can be read.
    """
    spec, report = None, Report()
    with overlay() as read, use_version(keras):
        try:
            spec, report = inspect(path, overrides, data=True, values=values, keep_faulty=True)
            if spec is not None and deep is not None and not report.errors:
                report.extend(deep(spec))
        except Exception as error:
            missing = missing_extra(error)
            if missing is not None:
                report.extend(missing.report)
            else:
                report.add(*_failure(path, error))
    ignores = [ignore for source in dict.fromkeys(read.sources) for ignore in ignores_in(source)]
    name = "<stdin>" if path == STANDARD_INPUT else path
    complete = _complete(spec if not report.errors else None, report)
    return FileCheck(name, tuple(report.found), tuple(ignores), tuple(read.asked), complete), spec


def _failure(path: str, error: Exception) -> tuple[Rule, str]:
    """Return the rule and the message of an unexpected error, with its place in graphspec."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return INTERNAL, f"graphspec itself failed on {path}, please report it: {type(error).__name__} at {where}"


def check_files(paths: Sequence[str], check: Callable[[str], FileCheck], jobs: int | None = None) -> list[FileCheck]:
    """Check files and return the results in their order.

    Garbage collection would take a fifth of the time, so it runs less often.

    Args:
        paths: The files.
        check: Checks one of them.
        jobs: The number of processes; by default one per core if there are many files.
    """
    cores = jobs if jobs is not None else os.cpu_count() or 1
    processes = min(cores, len(paths) if jobs is not None else len(paths) // _FILES_PER_PROCESS)
    with rare_collection():
        if processes < 2 or not hasattr(os, "fork"):
            return [check(path) for path in paths]
        return _in_processes(paths, check, processes)


def _in_processes(paths: Sequence[str], check: Callable[[str], FileCheck], processes: int) -> list[FileCheck]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    first = check(paths[0])  # its imports and caches are then shared by all processes
    gc.freeze()  # a collection would write to shared pages, and copy them
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


def _complete(spec: Spec | None, report: Report) -> frozenset[Stage]:
    """Return the stages that checked the whole file.

    A file without a spec and without errors only declares parts: its findings appear where it is included. Stages
    before CALLS end early after an error.
    """
    if spec is not None:
        return frozenset(Stage)
    first = min((finding.rule.stage for finding in report.errors), default=Stage.DOCUMENT)
    return frozenset(stage for stage in Stage if stage < first) if first >= Stage.CALLS else frozenset()
