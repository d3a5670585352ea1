"""Fingerprints of files: size, modification time, and SHA-256 of the content.

The hashes of large files are stored in the cache folder by path, size, modification time and inode, so that a file of
many gigabytes is not read at every start.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from graphspec.files import open_file, read_text, write_whole
from graphspec.sources.cache_folder import cache_folder
from graphspec.sources.source import DataError

REMEMBERED = 2**24
"""Size in bytes from which the hash of a file is stored."""

_BLOCK = 1 << 20
_SETTLED = 2.0
"""Seconds after which a further change of a file is sure to change its modification time."""


@dataclass(frozen=True)
class Fingerprint:
    """The state of a file at one time."""

    size: int
    """Size in bytes."""

    mtime_ns: int
    """Modification time in nanoseconds."""

    sha256: str
    """SHA-256 of the content in hexadecimal digits."""


def fingerprint(path: Path) -> Fingerprint:
    """Return the fingerprint of the file at `path`.

    Raises:
        OSError: The file cannot be read.
        DataError: The file changes while it is read.
    """
    before = path.stat()
    memo = _memo(path)
    stored = _stored_hash(memo, path, before) if before.st_size >= REMEMBERED else None
    if stored is not None:
        return Fingerprint(before.st_size, before.st_mtime_ns, stored)
    digest = sha256(path)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise DataError(f"{path} changed while it was read", help="wait until it is written, and start again")
    if before.st_size >= REMEMBERED and time.time() - before.st_mtime > _SETTLED:
        text = json.dumps({**_identity(path, before), "sha256": digest})
        with suppress(OSError):  # storing it only saves time
            memo.parent.mkdir(parents=True, exist_ok=True)
            write_whole(memo, text.encode())
    return Fingerprint(before.st_size, before.st_mtime_ns, digest)


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file at `path` in hexadecimal digits.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with open_file(path) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _memo(path: Path) -> Path:
    """Return the path of the stored hash of the file at `path`."""
    return cache_folder() / "hashes" / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()}.json"


def _identity(path: Path, stat: os.stat_result) -> dict[str, object]:
    return {"path": str(path.resolve()), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "inode": stat.st_ino}


def _stored_hash(memo: Path, path: Path, stat: os.stat_result) -> str | None:
    """Return the stored hash of the file at `path`, or None where it is out of date."""
    try:
        entry = json.loads(read_text(memo))
    except (OSError, ValueError):
        return None
    digest = entry.pop("sha256", None) if isinstance(entry, dict) else None
    return digest if isinstance(digest, str) and len(digest) == 64 and entry == _identity(path, stat) else None
