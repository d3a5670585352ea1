"""Expansion of globs, within limits on time, on the number of entries, and on where links lead.

Patterns are those of Python's `glob`: `*`, `?` and `[...]` within a name, `**` for folders of any depth, hidden names
only where the pattern starts with a dot. Unlike there, `**` follows no links, kernel files are skipped, and a link out
of the folder in which the pattern starts is refused: nobody named the file that it leads to.
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
from graphspec.patterns import MAX_LENGTH
from graphspec.sources.source import DataError

MAX_FILES = 100_000
MAX_ENTRIES = 1_000_000
MAX_SECONDS = 10.0
MAX_CPU_SECONDS = 1.2
"""Processor time; all globs within one `within_bounds` share it and `MAX_SECONDS`."""

_MAGIC = re.compile(r"[*?[]")


class _Budget:
    """The results of the globs of one spec, and the time left for them, which passes only during a search."""

    def __init__(self) -> None:
        self.results: dict[tuple[Path, Path], list[Path]] = {}
        self._left = (MAX_SECONDS, MAX_CPU_SECONDS)
        self._began = _now()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Subtract the time spent within from the time left."""
        self._began = _now()
        try:
            yield
        finally:
            self._left = self._rest()

    def is_late(self) -> bool:
        """Return whether the current search has run out of time."""
        return min(self._rest()) < 0

    def _rest(self) -> tuple[float, float]:
        (seconds, work), (now, worked) = self._left, _now()
        return seconds - (now - self._began[0]), work - (worked - self._began[1])


def _now() -> tuple[float, float]:
    return time.monotonic(), time.thread_time()


_BUDGET: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def within_bounds() -> Iterator[None]:
    """Let all globs within share one time limit, and cache their results."""
    token = _BUDGET.set(_BUDGET.get() or _Budget())
    try:
        yield
    finally:
        _BUDGET.reset(token)


def matching(folder: Path, pattern: Path, text: str) -> list[Path]:
    """Return the files that a pattern matches, in sorted order.

    Args:
        folder: The folder in which the pattern starts.
        pattern: The glob, relative to `folder`.
        text: The glob as messages quote it.

    Raises:
        DataError: There are too many files, the search takes too long, or a link leads out of the folder.
    """
    budget = _BUDGET.get() or _Budget()
    if (known := budget.results.get((folder, pattern))) is not None:
        return known
    parts = [part for at, part in enumerate(pattern.parts) if part != "**" or pattern.parts[at - 1 : at] != ("**",)]
    fixed = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), len(parts) - 1)
    start = folder.joinpath(*parts[:fixed])
    with budget.counted():
        search = _GlobSearch(text, start, budget)
        files = sorted(Path(each) for each in search.files(tuple(parts[fixed:])))
    budget.results[folder, pattern] = files
    return files


class _GlobSearch:
    """A search below the folder `start` that counts what it reads and fails beyond the limits."""

    def __init__(self, text: str, start: Path, budget: _Budget) -> None:
        self.text, self.start, self.budget = text, start, budget
        self.home = os.path.realpath(start)
        self.entries = self.matches = 0
        self.seen: set[str] = set()

    def files(self, parts: tuple[str, ...]) -> Iterator[str]:
        """Yield the files that the pattern `parts` matches, each once."""
        waiting = [(str(self.start), parts, False)]  # the last: whether a link led there
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
        self.matches += 1
        if self.matches > MAX_FILES:
            raise self._too_much(f"more than {MAX_FILES:,} files")
        yield path

    def _listed(self, folder: str) -> Iterator[os.DirEntry[str]]:
        """Yield the entries of `folder`; none if it does not exist or belongs to the kernel."""
        try:
            if self.budget.is_late():
                raise self._too_slow()
            if is_of_kernel(folder):
                return
            with os.scandir(folder) as entries:
                for entry in entries:
                    self.entries += 1
                    if self.entries > MAX_ENTRIES:
                        raise self._too_much(f"one of more than {MAX_ENTRIES:,} names that were looked at")
                    if self.entries % 256 == 0 and self.budget.is_late():
                        raise self._too_slow()
                    yield entry
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            relative = os.path.relpath(folder, self.start)
            raise DataError(
                f"{self.text} leads to the folder {relative}, which cannot be looked into: {reason_of(error)}",
                help="check the rights of the folder",
            ) from None

    def _too_slow(self) -> DataError:
        return self._too_much("files that take too long to find")

    def _too_much(self, what: str) -> DataError:
        return DataError(
            f"{self.text} matches {what}", help="write a narrower pattern, or put the files together into fewer"
        )


def _is_folder(entry: os.DirEntry[str], *, follow: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:  # such as a link to itself
        return False


def _matches(part: str, name: str) -> bool:
    """Return whether `name` matches one part of a pattern; hidden names need a leading dot."""
    if name.startswith(".") and not part.startswith("."):
        return False
    return _compiled(part).match(os.path.normcase(name)) is not None


@lru_cache(maxsize=256)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(os.path.normcase(part)) if len(part) <= MAX_LENGTH else r"(?!)")
