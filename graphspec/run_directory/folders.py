"""Run directories: made, found, and held by the process that writes into one."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graphspec.diagnostics import SpecError
from graphspec.rules import BAD_RUN
from graphspec.run_directory.files import RECORD, cannot_write, read_json, without_waiting
from graphspec.shell import command_line, path_word
from graphspec.spec import Spec

if sys.platform == "win32":
    fcntl = None  # there nothing tells whether a run is being written
else:
    import fcntl

RUNS = Path("runs")
_HELD = ".held"


def create(spec: Spec, folder: Path | None) -> Path:
    """An empty run directory: `folder`, or a new one below `runs/<name>`. Raises SpecError where it cannot be had."""
    if folder is None:
        return new_folder(RUNS / spec.name)
    resume = command_line("train", "--resume", path_word(folder))
    go_on = f", or resume that run: {resume}" if (folder / RECORD).exists() else ""
    return empty_folder(folder, "run", f"give another --run-dir, move the folder away{go_on}")


def empty_folder(folder: Path, what: str, help: str) -> Path:
    """`folder`, made where it is not there yet, for a `what`. Raises SpecError where it holds anything."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise cannot_write(folder, error) from None
    if taken:
        raise SpecError.of(BAD_RUN, f"{folder} is not empty, and a {what} never writes over another", help=help)
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
def held(run: Path) -> Iterator[None]:
    """Hold `run` against other processes, for as long as this one lives. Raises SpecError where another holds it."""
    if fcntl is None:
        yield
        return
    try:
        file = open(run / _HELD, "a", encoding="utf-8", opener=without_waiting)  # noqa: SIM115 - closed below
    except OSError as error:
        raise cannot_write(run / _HELD, error) from None
    with file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
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
        with open(run / _HELD, "rb", opener=without_waiting) as file:
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
