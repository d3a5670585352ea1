"""The registry of file formats. A new format is one module with a `FORMAT` and one line here.

Packages can add formats: an entry point of the group `graphspec.formats`, named like the file ending without the dot,
that loads a `Format`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

    from graphspec.sources.column import Column

GROUP = "graphspec.formats"

FORMATS = {
    ".npy": "npy",
    ".npz": "npz",
    ".csv": "csv_table",
    ".parquet": "parquet",
    ".feather": "arrow",
    ".arrow": "arrow",
    ".jsonl": "json_lines",
    ".tfrecord": "tfrecord",
    ".tfrecords": "tfrecord",
}
"""The module of each file ending, imported on first use."""

IMAGES = "images"


@dataclass(frozen=True)
class Format:
    """A file format: functions that read a single-file source and may raise DataError."""

    name: str
    keys: tuple[str, ...]
    """The keys of a source that select a part of a file."""

    header: Callable[[DataSource], Header]
    """Returns what is known without reading the data; needs no NumPy."""

    column: Callable[[DataSource], Column | None] = lambda source: None
    """Returns the samples at random access, or None where the file has to be read in order."""

    blocks: Callable[[DataSource], Iterator[np.ndarray[Any, Any]]] = lambda source: iter(())
    """Yields all samples in order, as arrays whose first axis is the samples."""

    whole: bool = False
    """True where the format expands globs itself."""

    names: Callable[[DataSource], list[str]] = lambda source: []
    """Returns the names of the columns, arrays or features that the file holds, where a source may name one."""


@cache
def format_of(ending: str, decode: str | None = None) -> Format | None:
    """Return the format of files with `ending`, or of what `decode` names; None if unknown."""
    module = IMAGES if decode is not None else FORMATS.get(ending)
    if module is not None:
        builtin: Format = importlib.import_module(f"graphspec.sources.formats.{module}").FORMAT
        return builtin
    return _registered(ending)


def format_for(source: DataSource) -> Format:
    """Return the format of a source, whose ending must be a known one."""
    known = format_of(source.path.suffix.lower(), source.decode)
    assert known is not None
    return known


def import_reader(source: DataSource, module: str, extra: str) -> Any:
    """Import a module that reads `source`; raise DataError with the install command if it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise DataError(
            f"{source.text} is read by {module}, which is not installed",
            help=f"run: pip install 'graphspec[{extra}]'",
        ) from None


def _registered(ending: str) -> Format | None:
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP):
        if f".{entry.name.lower()}" == ending:
            plugin: Format = entry.load()
            return plugin
    return None


def endings() -> list[str]:
    """Return the endings of the built-in formats."""
    return list(FORMATS)


def is_glob(text: str) -> bool:
    """Return whether a path is a glob."""
    return any(sign in text for sign in "*?[")
