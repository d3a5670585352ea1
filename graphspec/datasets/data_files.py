"""Records of the data files of a run, and their comparison with the files; the files that weights are taken from.

A run records the size and the SHA-256 of each file. That takes as long as reading them once, so a thread beside the
training does it; until then, a file counts as changed if its size or its modification time change.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphspec.diagnostics.formats.outcome import legible
from graphspec.files import open_file
from graphspec.language.graph import ExternalModel, ObjectLayer
from graphspec.language.objects import Object
from graphspec.language.traversal import every_layer
from graphspec.run_directory import relative
from graphspec.sources import DataError, DataSource, Split, files_of
from graphspec.sources.fingerprint import fingerprint
from graphspec.spec import Spec

_PIECE = 2**18
_PIECES = 64

Recorded = dict[str, dict[str, Any]]
"""Size in bytes and SHA-256 of each file, by its path as seen from the run directory."""


class DataFiles:
    """The data files of splits in the state of its creation, for a run in `folder`."""

    def __init__(self, splits: Iterable[Split], folder: Path) -> None:
        self.paths = paths_of(splits)
        self.folder = folder
        self._before = {text: _size_and_time(path) for text, path in self.paths.items()}
        self._recorded: Future[Recorded] | None = None

    def changed(self) -> list[str]:
        """Return the files that have changed or are gone since, as the spec writes them."""
        return [text for text, path in self.paths.items() if _size_and_time(path) != self._before[text]]

    def start_recording(self) -> None:
        """Start to hash the files in a thread."""
        pool = ThreadPoolExecutor(1, "recording data files")
        self._recorded = pool.submit(_record, self.paths.values(), self.folder)
        pool.shutdown(wait=False)

    @property
    def are_recorded(self) -> bool:
        """Return whether all files have been hashed, so that `recorded` does not wait."""
        return self._recorded is not None and self._recorded.done()

    def recorded(self) -> Recorded:
        """Return the size and the SHA-256 of each file; wait for the thread that hashes them."""
        return self._recorded.result() if self._recorded is not None else _record(self.paths.values(), self.folder)


def paths_of(splits: Iterable[Split]) -> dict[str, Path]:
    """Return the files of all sources, each once, by their path as the spec would write it."""
    paths: dict[str, Path] = {}
    for split in splits:
        for _, source in split.sources():
            try:
                files = files_of(source)
            except DataError:
                continue  # it is reported when the source is read
            names = [source.text] if files == [source.path] else [f"{source.text}: {each.name}" for each in files]
            paths |= dict(zip(names, files, strict=True))
    return paths


def weights_of(spec: Spec) -> dict[str, Path]:
    """Return the files that a model of `spec` takes weights from, by their paths as the spec writes them."""
    layers = list(every_layer(spec.graph))
    models = [each for each in layers if isinstance(each, ExternalModel)]
    initial = spec.training.initial_weights if spec.training is not None else None
    stated = (spec.graph.weights, *(each.weights for each in layers), initial)
    return {
        **{each.source: each.path for each in models if each.path is not None},
        **{each.text: each.path for each in stated if each is not None},
        **dict(pair for each in layers if isinstance(each, ObjectLayer) for pair in _values_of(each.object)),
    }


def _values_of(stated: Object) -> Iterator[tuple[str, Path]]:
    """Yield the files whose values an object takes, such as an initializer."""
    for each in stated.arguments.values():
        if isinstance(each, DataSource):
            yield each.text, each.path
        elif isinstance(each, Object):
            yield from _values_of(each)


def names_of(paths: Mapping[str, Path]) -> dict[str, Path]:
    """Return files by names that are the same on all machines: the last part of a path that is absolute."""
    return {Path(text).name if Path(text).is_absolute() else text: path for text, path in paths.items()}


def differing(recorded: Recorded, paths: dict[str, Path], folder: Path) -> list[str]:
    """Return the files of `paths` that differ from the records of a run in `folder`."""
    records = {text: recorded.get(_name(path, folder)) for text, path in paths.items()}
    return [text for text, path in paths.items() if (record := records[text]) is not None and _differs(path, record)]


def unknown(recorded: Recorded, paths: dict[str, Path], folder: Path) -> list[str]:
    """Return the files of `paths` without a record of a run in `folder`."""
    return [text for text, path in paths.items() if _name(path, folder) not in recorded]


def signature(path: Path) -> str:
    """Return a hash of the size of a file and of pieces of it, which is cheap; of all of it up to 16 MB.

    Machines compare their files by it. A file that cannot be read has a signature that says why.
    """
    digest = hashlib.sha256()
    try:
        with open_file(path) as file:
            size = file.seek(0, os.SEEK_END)
            digest.update(str(size).encode())
            pieces = -(-size // _PIECE)
            for number in range(min(pieces, _PIECES)):
                file.seek(number * _PIECE if pieces <= _PIECES else (size - _PIECE) * number // (_PIECES - 1))
                digest.update(file.read(_PIECE))
    except OSError as error:
        return f"unreadable ({error.strerror})"
    return digest.hexdigest()


def _differs(path: Path, record: dict[str, Any]) -> bool:
    try:
        return bool(path.stat().st_size != record["size"] or fingerprint(path).sha256 != record["sha256"])
    except (OSError, DataError):  # it is gone, or is changing
        return True


def _record(paths: Iterable[Path], folder: Path) -> Recorded:
    """Return the size and the SHA-256 of each file that can be read."""
    recorded: Recorded = {}
    for path in paths:
        with suppress(OSError, DataError):
            state = fingerprint(path)
            recorded[_name(path, folder)] = {"size": state.size, "sha256": state.sha256}
    return recorded


def _name(path: Path, folder: Path) -> str:
    """Return the path of a file relative to `folder`, legible: JSON holds UTF-8 alone."""
    return legible(relative(path.resolve(), folder.resolve()))


def _size_and_time(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
