"""Run directories: created, found, and locked by the process that writes into one."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from graphspec.checks.callback_paths import written_paths
from graphspec.console.shell import command_line, path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN
from graphspec.files import cannot_write, lock_file, open_file
from graphspec.run_directory.destination import INSIDE, check_destination
from graphspec.run_directory.files import open_own, read_json
from graphspec.run_directory.links import check_kept
from graphspec.run_directory.records import read_record
from graphspec.run_paths import HELD, KEPT, RECORD, WORKERS
from graphspec.spec import Spec

RUNS = Path("runs")
NEW_FOLDER = "20000101-000000-0000"
"""A name of the form that `new_name` returns."""


def check_can_create(spec: Spec, folder: Path | None) -> None:
    """Raise SpecError if `create` would fail, before long work. Changes nothing."""
    if folder is None:
        check_destination(RUNS / spec.name / NEW_FOLDER, inside=longest_inside(spec))
    else:
        check_empty(folder, "run", _help(folder), longest_inside(spec))


def create(spec: Spec, folder: Path | None) -> Path:
    """Make the run directory: `folder`, or a new one below `runs/<name>`."""
    if folder is None:
        return new_folder(RUNS / spec.name)
    return empty_folder(folder, "run", _help(folder))


def longest_inside(spec: Spec) -> int:
    """Return the bytes of the longest path that a training writes below its run."""
    callbacks = spec.training.callbacks if spec.training is not None else []
    texts = [str(text) for callback in callbacks for text in written_paths(callback).values()]
    return INSIDE + max((len(text.encode()) for text in texts), default=0)


def _help(folder: Path) -> str:
    try:
        is_run, is_launched = (folder / RECORD).exists(), (folder / WORKERS).exists()
    except (OSError, ValueError):
        is_run = is_launched = False
    words: tuple[object, ...] = ("train", "--resume", path_word(folder))
    if is_launched:
        with suppress(SpecError, KeyError, TypeError):
            words = ("launch", *words[1:], "--workers", read_record(folder)["distribution"]["workers"])
    resume = f", or resume that run: {command_line(*words)}" if is_run else ""
    return f"choose another --run-dir, move the folder away{resume}"


def check_empty(folder: Path, kind: str, help: str, inside: int = INSIDE) -> None:
    """Raise SpecError if `folder` is not empty or cannot be made. Changes nothing.

    The logs of the workers may be there: they begin before the run.

    Args:
        folder: The folder to check.
        kind: Its content in the message: `run` or `study`.
        help: The hint of the diagnostic.
        inside: Bytes of the longest path below it.
    """
    check_destination(folder, inside=inside)
    try:
        is_taken = folder.exists() and any(each.name != WORKERS for each in folder.iterdir())
    except OSError as error:
        raise cannot_write(folder, error) from None
    if is_taken:
        raise SpecError.of(BAD_RUN, f"{folder} is not empty, and a {kind} never overwrites another", help=help)


def empty_folder(folder: Path, kind: str, help: str) -> Path:
    """Make `folder` and return it. Raises SpecError if it is not empty."""
    check_empty(folder, kind, help)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    return folder


def new_name() -> str:
    """Return a name for a folder, by the time and a random number."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def new_folder(parent: Path) -> Path:
    """Make a new folder below `parent`, named by the time. Raises SpecError on failure."""
    while True:
        folder = parent / new_name()
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not parent.is_dir():
                raise cannot_write(folder, NotADirectoryError(20, f"{parent} is not a folder")) from None
        except OSError as error:
            raise cannot_write(folder, error) from None
        else:
            return folder


@contextmanager
def hold(run: Path, kept: tuple[str, ...] = KEPT, *, shared: bool = False) -> Iterator[None]:
    """Lock `run` against other processes within the block; the lock ends with the process.

    Args:
        run: The run directory.
        kept: The names in it that graphspec itself writes.
        shared: Let other processes hold it too, if they do so with `shared`.

    Raises:
        SpecError: Another process holds the lock, or one of `kept` is a link out of the run.
    """
    check_kept(run, kept)
    try:
        handle = open_own(run / HELD, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    except OSError as error:
        raise cannot_write(run / HELD, error) from None
    with open(handle, "ab", buffering=0) as file:
        try:
            is_locked = lock_file(file, shared=shared)
        except OSError as error:
            raise cannot_write(run / HELD, error) from None
        if not is_locked:
            raise _is_trained(run)
        yield


def check_free(run: Path) -> None:
    """Raise SpecError if a process holds `run`."""
    if is_held(run):
        raise _is_trained(run)


def _is_trained(run: Path) -> SpecError:
    return SpecError.of(BAD_RUN, f"{run} is being trained by another process", help="wait for it to end, or stop it")


def is_held(run: Path) -> bool:
    """Return whether a process holds `run`."""
    try:
        with open_file(run / HELD) as file:
            return not lock_file(file, shared=True)
    except (FileNotFoundError, IsADirectoryError):
        return False
    except OSError:
        return True


def newest(path: Path) -> Path:
    """Return the run at `path`, or the newest below it. Raises SpecError without one."""
    help = "name a run, as `graphspec train` prints it, or a folder of runs for the newest in it"
    return newest_with(path, RECORD, "run", help)


def newest_with(path: Path, record: str, kind: str, help: str) -> Path:
    """Return the folder of `folders_with` that was started last.

    Args:
        path: A run or study, or a folder of them.
        record: The file name of the record.
        kind: `run` or `study`, in messages.
        help: The hint if there is none.

    Raises:
        SpecError: There is none, or one of several records cannot be read.
    """
    folders = folders_with(path, record)
    if not folders:
        missing = f"there is no {kind} in {path}" if path.exists() else f"there is no folder {path}"
        raise SpecError.of(BAD_RUN, missing, help=help)
    return folders[0] if len(folders) == 1 else max(folders, key=lambda each: (_started(each, record, kind), each.name))


def _started(folder: Path, record: str, kind: str) -> str:
    """Return the recorded start time. Raises SpecError if it cannot be read."""
    try:
        return str(read_json(folder / record).get("started", ""))
    except SpecError as error:
        (diagnostic,) = error.report
        help = f"it may or may not be the newest: name the {kind} to use, or move {folder} away"
        raise SpecError.of(BAD_RUN, diagnostic.message, help=help) from None


def folders_with(path: Path, record: str) -> list[Path]:
    """Return `path` if it holds a file `record`, else all folders below that do."""
    if os.path.lexists(path / record):
        return [path]
    return [each.parent for each in path.glob(f"**/{record}")] if path.is_dir() else []


KILLED = "killed"


def status_of(run: Path, record: dict[str, Any]) -> str:
    """Return the recorded status, or `killed` if no process holds a running run."""
    status = str(record.get("status", "unknown"))
    return KILLED if status == "running" and not is_held(run) else status
