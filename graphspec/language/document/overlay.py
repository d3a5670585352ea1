"""Which texts stand for files while specs are read, and which files reading has asked for.

An editor has text that is not saved, standard input can be read only once, and a fix is tried before it is written: in
each case a text is held that is read in the place of a file. What follows the changes of a spec must know every
file that went into it, read or not there.
"""

from __future__ import annotations

import os
import sys
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
class Reading:
    """The texts held, by `key`; the keys of the files asked for, and the sources that were read, in order."""

    held: Mapping[str, bytes] = field(default_factory=dict)
    asked: dict[str, None] = field(default_factory=dict)
    sources: list[SourceText] = field(default_factory=list)


_CURRENT: ContextVar[Reading | None] = ContextVar("reading", default=None)


@contextmanager
def reading(held: Mapping[str, bytes] | None = None) -> Iterator[Reading]:
    """What is read inside of this reads `held` in the place of files, those held around it too, and is noted."""
    around = _CURRENT.get()
    current = Reading({**(around.held if around is not None else {}), **(held or {})})
    token = _CURRENT.set(current)
    try:
        yield current
    finally:
        _CURRENT.reset(token)


def key(path: Path | str) -> str:
    """What stands for the file at `path`, however it is written; `-` is standard input."""
    return STANDARD_INPUT if str(path) == STANDARD_INPUT else os.path.realpath(path)


def read_bytes(path: Path | str, limit: int = MAX_BYTES + 1) -> bytes:
    """The first `limit` bytes of the file at `path`, or of the text that stands for it; `-` is standard input.

    Raises OSError.
    """
    current = _CURRENT.get()
    if current is not None:
        current.asked[key(path)] = None
        if key(path) in current.held:
            return current.held[key(path)]
    if str(path) == STANDARD_INPUT:
        return sys.stdin.buffer.read(limit)
    with open_file(path) as file:
        return file.read(limit)


def is_held(path: Path | str) -> bool:
    """Whether a text stands for the file at `path`, which need not exist then."""
    current = _CURRENT.get()
    return current is not None and key(path) in current.held


def note(source: SourceText) -> None:
    """Note that `source` was read."""
    current = _CURRENT.get()
    if current is not None:
        current.sources.append(source)
