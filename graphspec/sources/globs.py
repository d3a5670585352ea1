"""A glob → the files that it matches, within bounds: of time, of how much is looked at, and of where it leads.

Patterns are those of Python's `glob`: `*`, `?` and `[...]` within a name, `**` for folders of any depth, and what is
hidden only where the pattern says so. Unlike there, `**` follows no link, files of the kernel are passed over, and a
match that a link leads out of the folder that the pattern starts in is refused: it would be a file that nobody named.
"""

from __future__ import annotations

import fnmatch
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from graphspec.files import is_of_kernel, is_there, reason_of
from graphspec.sources.source import DataError

MOST_FILES = 100_000
MOST_ENTRIES = 1_000_000
MOST_SECONDS = 10.0
MOST_WORK = 1.5
"""Seconds by the clock and of processor time; `within_bounds` lets the globs of a whole spec share them."""

_MAGIC = re.compile(r"[*?[]")

_END: ContextVar[tuple[float, float] | None] = ContextVar("end", default=None)


def _end() -> tuple[float, float]:
    return time.monotonic() + MOST_SECONDS, time.thread_time() + MOST_WORK


@contextmanager
def within_bounds() -> Iterator[None]:
    """Let all globs within it share the bounds of one, so that many of them take no longer."""
    token = _END.set(_END.get() or _end())
    try:
        yield
    finally:
        _END.reset(token)


def matching(folder: Path, pattern: Path, text: str) -> list[Path]:
    """Return the files that `pattern`, which starts in `folder`, matches, in sorted order; messages call it `text`.

    Raises DataError where there are too many, where it takes too long, or where one lies elsewhere.
    """
    parts = [part for at, part in enumerate(pattern.parts) if part != "**" or pattern.parts[at - 1 : at] != ("**",)]
    fixed = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), len(parts) - 1)
    start = folder.joinpath(*parts[:fixed])
    walk = _Walk(text, start)
    return sorted(Path(each) for each in walk.files(tuple(parts[fixed:])))


class _Walk:
    """One search below `start`: counts what it looks at, and ends it where that is too much."""

    def __init__(self, text: str, start: Path) -> None:
        self.text, self.start = text, start
        self.home = os.path.realpath(start)
        self.entries = self.found = 0
        self.end = _END.get() or _end()
        self.seen: set[str] = set()

    def files(self, parts: tuple[str, ...]) -> Iterator[str]:
        """The matches of `parts`, each once."""
        waiting = [(str(self.start), parts, False)]  # and whether a link has led there
        done: set[tuple[str, tuple[str, ...]]] = set()
        while waiting:
            folder, parts, is_linked = waiting.pop()
            if (folder, parts) in done:  # several `**` reach a folder in several ways
                continue
            done.add((folder, parts))
            part, left = parts[0], parts[1:]
            if part == "**" and left:
                waiting.append((folder, left, is_linked))
            elif not _MAGIC.search(part):
                path = os.path.join(folder, part)  # noqa: PTH118 - there may be very many
                if left:
                    waiting.append((path, left, True))  # it may be a link, or `..`
                elif is_there(path) and not os.path.isdir(path):  # noqa: PTH112
                    yield from self._match(path, is_linked=True)
                continue
            for entry in self._listed(folder):
                linked = is_linked or entry.is_symlink()
                if part == "**":
                    if entry.name.startswith("."):
                        continue
                    if _is_folder(entry, follow=False):
                        waiting.append((entry.path, (part, *left), is_linked))
                    elif not left and not _is_folder(entry, follow=True):
                        yield from self._match(entry.path, is_linked=linked)
                elif _matches(part, entry.name):
                    if left:
                        if _is_folder(entry, follow=True):
                            waiting.append((entry.path, left, linked))
                    elif not _is_folder(entry, follow=True):
                        yield from self._match(entry.path, is_linked=linked)

    def _match(self, path: str, *, is_linked: bool) -> Iterator[str]:
        if path in self.seen:  # by `**` a file can be reached in several ways
            return
        self.seen.add(path)
        if is_linked and not Path(os.path.realpath(path)).is_relative_to(self.home):
            raise DataError(
                f"{self.text} matches {os.path.relpath(path, self.start)}, a link that leads out of the folder",
                help="name that file itself, or copy it into the folder",
            )
        self.found += 1
        if self.found > MOST_FILES:
            raise self._too_much(f"more than {MOST_FILES:,} files")
        yield path

    def _listed(self, folder: str) -> Iterator[os.DirEntry[str]]:
        """What lies in `folder`; nothing where there is no such folder, and of what the kernel makes up."""
        try:
            if self._is_late():
                raise self._too_slow()
            if is_of_kernel(folder):
                return
            with os.scandir(folder) as entries:
                for entry in entries:
                    self.entries += 1
                    if self.entries > MOST_ENTRIES:
                        raise self._too_much(f"one of more than {MOST_ENTRIES:,} names that were looked at")
                    if self.entries % 256 == 0 and self._is_late():
                        raise self._too_slow()
                    yield entry
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            shown = os.path.relpath(folder, self.start)
            raise DataError(
                f"{self.text} leads to the folder {shown}, which cannot be looked into: {reason_of(error)}",
                help="check the rights of the folder",
            ) from None

    def _is_late(self) -> bool:
        return time.monotonic() > self.end[0] or time.thread_time() > self.end[1]

    def _too_slow(self) -> DataError:
        return self._too_much("files that take too long to find")

    def _too_much(self, what: str) -> DataError:
        return DataError(
            f"{self.text} matches {what}", help="write a narrower pattern, or put the files together into fewer"
        )


def _is_folder(entry: os.DirEntry[str], *, follow: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:  # a link to itself, for one
        return False


def _matches(part: str, name: str) -> bool:
    """Whether `name` matches one part of a pattern; a hidden name only where the part begins with a dot."""
    if name.startswith(".") and not part.startswith("."):
        return False
    return _compiled(part).match(os.path.normcase(name)) is not None


@lru_cache(maxsize=256)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(os.path.normcase(part)))
