"""Run directories: made, found, and held by the process that writes into one."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphspec.checks.written_paths import written_paths
from graphspec.console.shell import command_line, path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN
from graphspec.files import open_file
from graphspec.run_directory.destination import INSIDE, check_destination
from graphspec.run_directory.files import cannot_write, open_own, read_json
from graphspec.run_directory.inside import check_kept
from graphspec.run_paths import HELD, KEPT, RECORD
from graphspec.spec import Spec

if sys.platform == "win32":
    fcntl = None  # there nothing tells whether a run is being written
else:
    import fcntl

RUNS = Path("runs")
NEW_FOLDER = "20000101-000000-0000"
"""A name as those that `new_folder` gives."""


def check_place(spec: Spec, folder: Path | None) -> None:
    """Raise SpecError where `create` could not make a run directory, before what takes long. Makes nothing."""
    if folder is None:
        check_destination(RUNS / spec.name / NEW_FOLDER, inside=longest_inside(spec))
    else:
        check_empty(folder, "run", _help(folder), longest_inside(spec))


def create(spec: Spec, folder: Path | None) -> Path:
    """An empty run directory: `folder`, or a new one below `runs/<name>`. Raises SpecError where it cannot be had."""
    if folder is None:
        return new_folder(RUNS / spec.name)
    return empty_folder(folder, "run", _help(folder))


def longest_inside(spec: Spec) -> int:
    """Return how many bytes the longest path takes that a training of `spec` writes to below its run."""
    callbacks = spec.training.callbacks if spec.training is not None else []
    texts = [str(text) for callback in callbacks for text in written_paths(callback).values()]
    return INSIDE + max((len(text.encode()) for text in texts), default=0)


def _help(folder: Path) -> str:
    try:
        is_run = (folder / RECORD).exists()
    except (OSError, ValueError):
        is_run = False
    resume = command_line("train", "--resume", path_word(folder))
    return "give another --run-dir, move the folder away" + (f", or resume that run: {resume}" if is_run else "")


def check_empty(folder: Path, what: str, help: str, inside: int = INSIDE) -> None:
    """Raise SpecError where `folder` cannot be made for a `what`, or holds anything. Makes nothing.

    inside: how many bytes the longest path below it takes.
    """
    check_destination(folder, inside=inside)
    try:
        taken = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise cannot_write(folder, error) from None
    if taken:
        raise SpecError.of(BAD_RUN, f"{folder} is not empty, and a {what} never writes over another", help=help)


def empty_folder(folder: Path, what: str, help: str) -> Path:
    """`folder`, made where it is not there yet, for a `what`. Raises SpecError where it holds anything."""
    check_empty(folder, what, help)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    return folder


def new_folder(parent: Path) -> Path:
    """A new folder below `parent`, named by the time. Raises SpecError where it cannot be made."""
    while True:
        folder = parent / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not parent.is_dir():
                raise cannot_write(folder, NotADirectoryError(20, f"{parent} is no folder")) from None
        except OSError as error:
            raise cannot_write(folder, error) from None
        else:
            return folder


@contextmanager
def held(run: Path, kept: tuple[str, ...] = KEPT) -> Iterator[None]:
    """Hold `run` against other processes, for as long as this one lives.

    kept: what is written in it by graphspec itself. Raises SpecError where another process holds it, and where one of
    `kept` is a link, which would lead out of it.
    """
    check_kept(run, kept)
    if fcntl is None:
        yield
        return
    try:
        handle = open_own(run / HELD, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    except OSError as error:
        raise cannot_write(run / HELD, error) from None
    with open(handle, "ab", buffering=0):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _is_trained(run) from None
        yield


def check_free(run: Path) -> None:
    """Raise SpecError where a process is writing into `run`."""
    if is_held(run):
        raise _is_trained(run)


def _is_trained(run: Path) -> SpecError:
    return SpecError.of(BAD_RUN, f"{run} is being trained by another process", help="wait until it ends, or stop it")


def is_held(run: Path) -> bool:
    """Whether a process is writing into `run`."""
    if fcntl is None:
        return False
    try:
        with open_file(run / HELD) as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, IsADirectoryError):
        return False
    except OSError:
        return True
    return False


def newest(path: Path) -> Path:
    """The run at `path`, or the newest run below it. Raises SpecError where there is none."""
    help = "`graphspec train` prints where its run lies; a folder of runs stands for the newest in it"
    return newest_with(path, RECORD, "run", help)


def newest_with(path: Path, record: str, what: str, help: str) -> Path:
    """Of `folders_with` the one that was begun last, as its record says. Raises SpecError where there is no `what`."""
    found = folders_with(path, record)
    if not found:
        missing = f"there is no {what} in {path}" if path.exists() else f"there is no folder {path}"
        raise SpecError.of(BAD_RUN, missing, help=help)
    return found[0] if len(found) == 1 else max(found, key=lambda each: (_started(each, record, what), each.name))


def _started(folder: Path, record: str, what: str) -> str:
    """When the `what` in `folder` was begun. Raises SpecError where its record does not tell."""
    try:
        return str(read_json(folder / record).get("started", ""))
    except SpecError as error:
        (found,) = error.report
        help = f"it may be the newest or not: name the {what} that you mean, or move {folder} away"
        raise SpecError.of(BAD_RUN, found.message, help=help) from None


def folders_with(path: Path, record: str) -> list[Path]:
    """The folder `path` alone where it holds a file `record`, else every folder below it that does."""
    if os.path.lexists(path / record):
        return [path]
    return [each.parent for each in path.glob(f"**/{record}")] if path.is_dir() else []


KILLED = "killed"


def status_of(run: Path, record: dict[str, Any]) -> str:
    """`running`, `finished`, `stopped`, `failed`; `killed` where the record says `running` and no process holds it."""
    status = str(record.get("status", "unknown"))
    return KILLED if status == "running" and not is_held(run) else status
