"""Links in a run directory: through one, a callback or graphspec itself would write outside of it.

A new run holds none. One that is resumed may come from anywhere, as its spec may.
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

MOST_FILES = 100_000
"""So many files of one folder are looked at."""


def check_kept(folder: Path, kept: tuple[str, ...] = KEPT) -> None:
    """Raise SpecError where something that graphspec itself writes in `folder` is a link, or no file or folder.

    Files are replaced when they are written, but for the log: that one must have no second name either.
    """
    for name in kept:
        try:
            found = os.lstat(folder / name)
        except OSError:
            continue
        mode = found.st_mode
        if name == LOG and (reason := next(_file(folder / name, found), None)) is not None:
            raise _leading_out(folder, reason)
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise _leading_out(folder, f"{folder / name} is {_kind(mode)}")


def check_no_links(folder: Path, name: str) -> None:
    """Raise SpecError where what another program keeps in `folder / name` leads out of it. Nothing there is fine."""
    if (reason := next(_below(folder / name), None)) is not None:
        raise _leading_out(folder, reason)


def _leading_out(folder: Path, reason: str) -> SpecError:
    return SpecError.of(
        BAD_RUN,
        f"{reason}, and graphspec writes into {folder} alone",
        help="put the file or folder itself in its place",
    )


def check_inside(
    run: Path, text: str, span: Span, *, takes_placeholders: bool = False, shared: str = "", may_link: bool = False
) -> None:
    """Raise SpecError where a callback must not write to the path `text` below `run`, as the folder is now.

    Args:
        run: The run directory.
        text: The path as the spec writes it.
        span: The place of `text`.
        takes_placeholders: See `run_paths.run_path`.
        shared: See `run_paths.run_path`.
        may_link: Whether links are let stand that the callback itself may have made since the training began.
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
            expected="a path within the run directory", help="remove what lies there, or choose another name",
        )  # fmt: skip


def _links(run: Path, text: str, *, may_link: bool) -> Iterator[str]:
    """Yield everything on the way to `text`, and below it, that leads out of `run`."""
    here = run
    for name in text.split("/"):
        if "{" in name or "}" in name:
            yield from _below(here, _filled(name) if here == run else None, may_link=may_link)
            return
        here /= name
        try:
            found = os.lstat(here)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(found.st_mode):
            yield from _file(here, found, may_link=may_link)
            return
    yield from _below(here, may_link=may_link)


def _filled(name: str) -> re.Pattern[str]:
    """Return what matches every name that numbers make of `name`, whatever they are and however they are formatted."""
    parts = re.split(r"\{[^{}]*\}", name.replace("{{", "\0").replace("}}", "\1"))
    return re.compile(r"[-+0-9.,%e naif]*".join(re.escape(part) for part in parts), re.IGNORECASE)


def _below(folder: Path, chosen: re.Pattern[str] | None = None, *, may_link: bool = False) -> Iterator[str]:
    """Yield what leads out of `folder`. chosen: look at the names in it that this matches alone."""
    count = 0
    for root, folders, files in os.walk(folder):
        if chosen is not None and Path(root) == folder:
            folders[:], files = ([each for each in names if chosen.fullmatch(each)] for names in (folders, files))
        for name in (*folders, *files):
            path = Path(root, name)
            found = os.lstat(path)
            if not stat.S_ISDIR(found.st_mode):
                yield from _file(path, found, may_link=may_link)
            count += 1
            if count > MOST_FILES:
                yield f"{folder} holds more than {MOST_FILES:,} files"
                return


def _file(path: Path, found: os.stat_result, *, may_link: bool = False) -> Iterator[str]:
    if may_link and (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        return
    if not stat.S_ISREG(found.st_mode):
        yield f"{path} is {_kind(found.st_mode)}"
    elif found.st_nlink > 1:
        yield f"{path} has a second name elsewhere (a hard link), where it would change as well"


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link"
    return "a device" if stat.S_ISBLK(mode) or stat.S_ISCHR(mode) else "no regular file"
