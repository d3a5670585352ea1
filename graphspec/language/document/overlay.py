"""Overlays: texts that replace files, and a record of the files that were requested.

They serve unsaved text in an editor, standard input, which can be read only once, and fixes that are tried before they
are written. `--watch` needs the record of every requested file, including those that do not exist.
"""

from __future__ import annotations

import os
import sys
from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from graphspec.diagnostics import SourceText
from graphspec.files import open_file
from graphspec.language.document.limits import MAX_BYTES

STANDARD_INPUT = "-"


@dataclass
class Overlay:
    """The texts by the `key` of the file that each replaces.

    asked: the keys of the requested files. sources: the sources that were read. Both are in order.
    """

    texts: Mapping[str, bytes] = field(default_factory=dict)
    asked: dict[str, None] = field(default_factory=dict)
    sources: list[SourceText] = field(default_factory=list)


_CURRENT: ContextVar[Overlay | None] = ContextVar("overlay", default=None)


@contextmanager
def overlay(texts: Mapping[str, bytes] | None = None) -> Iterator[Overlay]:
    """Read `texts`, and those of the enclosing overlay, in the place of files."""
    outer = _CURRENT.get()
    layers = [texts if texts is not None else {}, *([outer.texts] if outer is not None else [])]
    current = Overlay(ChainMap(*layers))  # type: ignore[arg-type] # nothing is written to it
    token = _CURRENT.set(current)
    try:
        yield current
    finally:
        _CURRENT.reset(token)


def key(path: Path | str) -> str:
    """Return the key of a file, the same for every spelling of its path."""
    return STANDARD_INPUT if str(path) == STANDARD_INPUT else os.path.realpath(path)


def read_bytes(path: Path | str, limit: int = MAX_BYTES + 1) -> bytes:
    """Return the first `limit` bytes of a file, or of the text that replaces it.

    Raises:
        OSError: The file cannot be read.
    """
    current = _CURRENT.get()
    if current is not None:
        current.asked[key(path)] = None
        if key(path) in current.texts:
            return current.texts[key(path)]
    if str(path) == STANDARD_INPUT:
        return sys.stdin.buffer.read(limit)
    with open_file(path) as file:
        return file.read(limit)


def is_overlaid(path: Path | str) -> bool:
    """Return whether a text replaces the file at `path`, which then need not exist."""
    current = _CURRENT.get()
    return current is not None and key(path) in current.texts


def record_source(source: SourceText) -> None:
    """Record that `source` was read."""
    current = _CURRENT.get()
    if current is not None:
        current.sources.append(source)
