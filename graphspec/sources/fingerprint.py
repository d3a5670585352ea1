"""Which bytes a file holds: its size, its time of change, and the SHA-256 of its content.

The hash of a large file is remembered beside the converted files, by path, size, time of change and inode, so that a
file of many gigabytes is not read at every start.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from graphspec.files import open_file, read_text
from graphspec.sources.cache_folder import cache_folder, write_whole
from graphspec.sources.source import DataError

REMEMBERED = 2**24
"""Bytes from which on the hash of a file is remembered; a smaller one is hashed in no time."""

_BLOCK = 1 << 20
_SETTLED = 2.0
"""Seconds after which another change of a file is sure to give another time of change."""


@dataclass(frozen=True)
class Fingerprint:
    """What a file held when it was looked at. sha256 is in hexadecimal digits."""

    size: int
    mtime_ns: int
    sha256: str


def fingerprint(path: Path) -> Fingerprint:
    """The fingerprint of the file at `path`. Raises OSError where it cannot be read, DataError where it changes."""
    before = path.stat()
    memo = _memo(path)
    known = _known(memo, path, before) if before.st_size >= REMEMBERED else None
    if known is not None:
        return Fingerprint(before.st_size, before.st_mtime_ns, known)
    found = sha256(path)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise DataError(f"{path} changed while it was read", help="wait until it is written, and start again")
    if before.st_size >= REMEMBERED and time.time() - before.st_mtime > _SETTLED:
        text = json.dumps({**_identity(path, before), "sha256": found})
        with suppress(OSError):  # remembering only saves time
            memo.parent.mkdir(parents=True, exist_ok=True)
            write_whole(memo, text)
    return Fingerprint(before.st_size, before.st_mtime_ns, found)


def sha256(path: Path) -> str:
    """The SHA-256 of the file at `path`, read a MiB at a time. Raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with open_file(path) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _memo(path: Path) -> Path:
    """Where the hash of the file at `path` is remembered."""
    return cache_folder() / "hashes" / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()}.json"


def _identity(path: Path, stat: os.stat_result) -> dict[str, object]:
    return {"path": str(path.resolve()), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "inode": stat.st_ino}


def _known(memo: Path, path: Path, stat: os.stat_result) -> str | None:
    try:
        held = json.loads(read_text(memo))
    except (OSError, ValueError):
        return None
    found = held.pop("sha256", None) if isinstance(held, dict) else None
    return found if isinstance(found, str) and len(found) == 64 and held == _identity(path, stat) else None
