"""Which format reads a source. A new format is one module with a `FORMAT`, and one line here.

A package can bring formats as well: an entry point of the group `graphspec.formats`, named as the ending of its files
without the dot, that gives a `Format`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from graphspec.sources.source import DataSource, Header

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
"""The module of each ending; imported when a source has it."""

IMAGES = "images"


@dataclass(frozen=True)
class Format:
    """How the files of a format are read. Each function is given a source of one file, and may raise DataError.

    header tells what is known without reading the data, and needs no NumPy. column gives samples at random access, or
    None where the file allows none; then blocks gives all of them in order, as arrays whose first axis counts samples.
    keys are those of a source that choose a part of a file. whole tells that the format expands globs itself.
    """

    name: str
    keys: tuple[str, ...]
    header: Callable[[DataSource], Header]
    column: Callable[[DataSource], Column | None] = lambda source: None
    blocks: Callable[[DataSource], Iterator[np.ndarray[Any, Any]]] = lambda source: iter(())
    whole: bool = False


@cache
def format_of(ending: str, decode: str | None = None) -> Format | None:
    """The format of files with the `ending`, or of what is decoded; None where none is known."""
    module = IMAGES if decode is not None else FORMATS.get(ending)
    if module is not None:
        found: Format = importlib.import_module(f"graphspec.sources.formats.{module}").FORMAT
        return found
    return _registered(ending)


def format_for(source: DataSource) -> Format:
    """The format of a source, whose ending is known to have one."""
    found = format_of(source.path.suffix.lower(), source.decode)
    assert found is not None
    return found


def _registered(ending: str) -> Format | None:
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP):
        if f".{entry.name.lower()}" == ending:
            found: Format = entry.load()
            return found
    return None


def endings() -> list[str]:
    """The endings of the files that can be read."""
    return list(FORMATS)


def is_glob(text: str) -> bool:
    """Whether a path stands for the files that it matches."""
    return any(sign in text for sign in "*?[")
