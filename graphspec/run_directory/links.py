"""Checks for links in a run directory, which would lead writes out of it.

A new run has none. A run that is resumed may be of unknown origin.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import BAD_RUN, UNSAFE_PATH
from graphspec.files import reason_of
from graphspec.run_paths import KEPT, LOG, UnsafePathError, run_path

MAX_FILES = 100_000
"""The number of files below a folder that are checked."""


def check_kept(folder: Path, kept: tuple[str, ...] = KEPT) -> None:
    """Raise SpecError if one of `kept` in `folder` is neither file nor folder.

    Files are replaced when they are written, except for the log, which must not have a hard link either.
    """
    for name in kept:
        try:
            status = os.lstat(folder / name)
        except OSError:
            continue
        mode = status.st_mode
        if name == LOG and (reason := next(_file(folder / name, status), None)) is not None:
            raise _leading_out(folder, reason)
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise _leading_out(folder, f"{folder / name} is {_kind(mode)}")


def check_no_links(folder: Path, name: str) -> None:
    """Raise SpecError if links lead out of an existing `folder / name`."""
    if (reason := next(_below(folder / name), None)) is not None:
        raise _leading_out(folder, reason)


def _leading_out(folder: Path, reason: str) -> SpecError:
    return SpecError.of(
        BAD_RUN,
        f"{reason}, and graphspec writes into {folder} alone",
        help="replace it with the file or folder itself",
    )


def check_inside(
    run: Path, text: str, span: Span, *, takes_placeholders: bool = False, shared: str = "", may_link: bool = False
) -> None:
    """Raise SpecError if writing to the path `text` below `run` is unsafe at present.

    Args:
        run: The run directory.
        text: The path as the spec writes it.
        span: The span of `text`.
        takes_placeholders: See `run_paths.run_path`.
        shared: See `run_paths.run_path`.
        may_link: Whether links are allowed, which the callback itself may have made since the training began.
    """
    try:
        run_path(text, takes_placeholders=takes_placeholders, shared=shared)
        reason = next(_links(run, text, may_link=may_link), None)
    except UnsafePathError as error:
        reason = f"{text} {error.reason}"
    except OSError as error:
        reason = f"{run / text}: {reason_of(error)}"
    if reason is not None:
        raise SpecError.of(
            UNSAFE_PATH, f"a callback must not write there: {reason}", span,
            expected="a path within the run directory", help="remove it, or choose another name",
        )  # fmt: skip


def _links(run: Path, text: str, *, may_link: bool) -> Iterator[str]:
    """Yield a reason for each entry that leads from `text` out of `run`."""
    here = run
    for name in text.split("/"):
        if "{" in name or "}" in name:
            yield from _below(here, _filled(name) if here == run else None, may_link=may_link)
            return
        here /= name
        try:
            status = os.lstat(here)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(status.st_mode):
            yield from _file(here, status, may_link=may_link)
            return
    yield from _below(here, may_link=may_link)


def _filled(name: str) -> re.Pattern[str]:
    """Return a pattern of all names that numbers in its placeholders make of `name`."""
    parts = re.split(r"\{[^{}]*\}", name.replace("{{", "\0").replace("}}", "\1"))
    return re.compile(r"[-+0-9.,%e naif]*".join(re.escape(part) for part in parts), re.IGNORECASE)


def _below(folder: Path, chosen: re.Pattern[str] | None = None, *, may_link: bool = False) -> Iterator[str]:
    """Yield a reason for each entry that leads out of `folder`, by `chosen` names."""
    count = 0
    for root, folders, files in os.walk(folder):
        if chosen is not None and Path(root) == folder:
            folders[:], files = ([each for each in names if chosen.fullmatch(each)] for names in (folders, files))
        for name in (*folders, *files):
            path = Path(root, name)
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode):
                yield from _file(path, status, may_link=may_link)
            count += 1
            if count > MAX_FILES:
                yield f"{folder} holds more than {MAX_FILES:,} files"
                return


def _file(path: Path, status: os.stat_result, *, may_link: bool = False) -> Iterator[str]:
    if may_link and (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        return
    if not stat.S_ISREG(status.st_mode):
        yield f"{path} is {_kind(status.st_mode)}"
    elif status.st_nlink > 1:
        yield f"{path} is a hard link, so another file would change as well"


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link"
    return "a device" if stat.S_ISBLK(mode) or stat.S_ISCHR(mode) else "not a regular file"
