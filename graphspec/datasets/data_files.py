"""The files that samples come from, as a run records them, compared with what they hold now.

A run records size and SHA-256 of each. That takes as long as reading them once, so it is done in a thread beside the
training; while that goes on, a file counts as changed where its size or its time of change do.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphspec.diagnostics.formats.outcome import legible
from graphspec.run_directory import relative
from graphspec.sources import DataError, Split, files_of
from graphspec.sources.fingerprint import fingerprint

Recorded = dict[str, dict[str, Any]]
"""Size in bytes and SHA-256 of each file, by its path as seen from the run directory."""


class DataFiles:
    """The files of some splits, as they were when this was created, for a run in `folder`."""

    def __init__(self, splits: Iterable[Split], folder: Path) -> None:
        self.paths = paths_of(splits)
        self.folder = folder
        self._before = {text: _size_and_time(path) for text, path in self.paths.items()}
        self._recorded: Future[Recorded] | None = None

    def changed(self) -> list[str]:
        """Return the files that have changed since, or are gone, as the spec writes them."""
        return [text for text, path in self.paths.items() if _size_and_time(path) != self._before[text]]

    def start_recording(self) -> None:
        """Read the files in a thread of their own from now on."""
        pool = ThreadPoolExecutor(1, "recording data files")
        self._recorded = pool.submit(_record, self.paths.values(), self.folder)
        pool.shutdown(wait=False)

    @property
    def are_recorded(self) -> bool:
        """Return whether all files have been read, so that `recorded` waits for nothing."""
        return self._recorded is not None and self._recorded.done()

    def recorded(self) -> Recorded:
        """Return size and SHA-256 of each file; waits for the thread that reads them."""
        return self._recorded.result() if self._recorded is not None else _record(self.paths.values(), self.folder)


def paths_of(splits: Iterable[Split]) -> dict[str, Path]:
    """Return the files of all sources, each once, by their path as the spec would write it."""
    found: dict[str, Path] = {}
    for split in splits:
        for _, source in split.sources():
            try:
                files = files_of(source)
            except DataError:
                continue  # it is found where the source is read
            names = [source.text] if files == [source.path] else [f"{source.text}: {each.name}" for each in files]
            found |= dict(zip(names, files, strict=True))
    return found


def differing(recorded: Recorded, paths: dict[str, Path], folder: Path) -> list[str]:
    """Return the files of `paths` that differ from what a run in `folder` recorded of them."""
    known = {text: recorded.get(_name(path, folder)) for text, path in paths.items()}
    return [text for text, path in paths.items() if (was := known[text]) is not None and _differs(path, was)]


def unknown(recorded: Recorded, paths: dict[str, Path], folder: Path) -> list[str]:
    """Return the files of `paths` of which a run in `folder` recorded nothing."""
    return [text for text, path in paths.items() if _name(path, folder) not in recorded]


def _differs(path: Path, was: dict[str, Any]) -> bool:
    try:
        return bool(path.stat().st_size != was["size"] or fingerprint(path).sha256 != was["sha256"])
    except (OSError, DataError):  # it is gone, or changes at this moment
        return True


def _record(paths: Iterable[Path], folder: Path) -> Recorded:
    """Return size and SHA-256 of each file that can be read."""
    found: Recorded = {}
    for path in paths:
        with suppress(OSError, DataError):
            taken = fingerprint(path)
            found[_name(path, folder)] = {"size": taken.size, "sha256": taken.sha256}
    return found


def _name(path: Path, folder: Path) -> str:
    """Return the path of a file from `folder` on, legible: JSON holds UTF-8 names alone."""
    return legible(relative(path.resolve(), folder.resolve()))


def _size_and_time(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
