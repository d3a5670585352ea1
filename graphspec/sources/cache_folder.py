"""The cache folder of converted data files: its entries, their locks, and its size limit.

    <key>/             one entry: the arrays of a conversion, and `entry.json`, which describes them
    <key>.lock         held by the process that is converting
    .making-<key>-*/   an unfinished entry; those of killed processes are removed
    hashes/            the SHA-256 of large files, by their paths

A process holds a shared lock on every entry that it reads, until it ends; such an entry is not removed. NumPy is not
needed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from platformdirs import user_cache_path

from graphspec.files import lock_file, read_text
from graphspec.sources.source import DataError

FOLDER, BOUND = "GRAPHSPEC_CACHE", "GRAPHSPEC_CACHE_GB"
DEFAULT_BOUND = 20.0
ENTRY = "entry.json"
UNFINISHED = ".making-"

_held: dict[Path, IO[bytes]] = {}
"""The `entry.json` of each entry that this process reads, locked."""


@dataclass(frozen=True)
class CacheEntry:
    """A converted file.

    Attributes:
        folder: The folder of the entry.
        source: The file that was converted, and the part of it.
        size: Bytes on disk.
        used: Time of the last use, in seconds since the epoch.
    """

    folder: Path
    source: str
    size: int
    used: float


def cache_folder() -> Path:
    """Return `$GRAPHSPEC_CACHE`, or graphspec's folder in the user's cache, which may not exist yet."""
    if named := os.environ.get(FOLDER):
        return Path(named).expanduser().absolute()
    return user_cache_path("graphspec", appauthor=False, opinion=False)


def bound() -> int:
    """Return the limit of all entries in bytes: `$GRAPHSPEC_CACHE_GB`, or 20 GB. Raises DataError."""
    text = os.environ.get(BOUND) or str(DEFAULT_BOUND)
    try:
        gigabytes = float(text)
        if not 0 < gigabytes < 1e9:
            raise ValueError(text)
    except ValueError:
        raise DataError(f"{BOUND} is `{text[:40]}`, not a number of gigabytes", help=f"such as {BOUND}=50") from None
    return int(gigabytes * 1e9)


def entries() -> list[CacheEntry]:
    """Return the entries, most recently used first."""
    known = []
    for folder in _listed(cache_folder()):
        with suppress(OSError, ValueError):  # it is being removed, or damaged
            entry = json.loads(read_text(folder / ENTRY))
            used = (folder / ENTRY).stat().st_mtime
            if isinstance(entry, dict):
                known.append(CacheEntry(folder, str(entry.get("source")), size_of(folder), used))
    return sorted(known, key=lambda entry: entry.used, reverse=True)


def size_of(folder: Path) -> int:
    """Return the bytes of the files in `folder`."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())


def make_room(size: int) -> None:
    """Remove the least recently used entries until `size` more bytes are within the limit."""
    known = entries()
    taken = sum(entry.size for entry in known)
    limit = bound()
    for entry in reversed(known):
        if taken + size <= limit:
            return
        if remove(entry.folder):
            taken -= entry.size


def remove(folder: Path) -> bool:
    """Remove an entry that no process uses; return False if one does. Raises OSError."""
    with suppress(FileNotFoundError):
        with open(folder / ENTRY, "rb") as file:
            if not _lock(file, shared=False):
                return False
            if not _is_at(file, folder / ENTRY):  # another process was faster
                return True
            removed = folder.with_name(f"{UNFINISHED}removed-{secrets.token_hex(8)}")
            try:
                folder.rename(removed)
            except PermissionError:
                if sys.platform == "win32":  # an open file cannot be moved there
                    return False
                raise
        shutil.rmtree(removed)
    return True


def hold(folder: Path) -> bool:
    """Protect an entry from removal while this process lives; return False if there is none."""
    path = folder / ENTRY
    if folder in _held and _is_at(_held[folder], path):
        return True
    try:
        file = open(path, "rb")  # noqa: SIM115
    except OSError:
        return False
    if not _lock(file, shared=True) or not _is_at(file, path):
        file.close()
        return False
    release(folder)
    _held[folder] = file
    return True


def release(folder: Path) -> None:
    """Allow the removal of an entry."""
    file = _held.pop(folder, None)
    if file is not None:
        file.close()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lock an entry while it is made; wait for a process that is making it. Raises OSError."""
    path = folder.with_name(f"{folder.name}.lock")
    while True:
        with open(path, "wb") as file:
            _lock(file, shared=False, wait=True)
            if not _is_at(file, path):  # the previous owner has removed it
                continue
            try:
                yield
            finally:
                with suppress(OSError):
                    path.unlink()
            return


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Return whether an open file is the one at `path`."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def sweep(root: Path, own: str) -> None:
    """Remove unfinished entries of killed processes, except `own`."""
    for left in root.glob(f"{UNFINISHED}*"):
        key = left.name.removeprefix(UNFINISHED).partition("-")[0]
        with suppress(OSError):
            lock = root / f"{key}.lock"
            if key != own and lock.exists():
                with open(lock, "rb") as file:
                    if not _lock(file, shared=False):
                        continue
                    lock.unlink()
            shutil.rmtree(left)


def _listed(root: Path) -> list[Path]:
    try:
        return [each for each in root.iterdir() if _is_key(each.name) and (each / ENTRY).is_file()]
    except OSError:
        return []


def _is_key(name: str) -> bool:
    return len(name) == 64 and all(digit in "0123456789abcdef" for digit in name)


def _lock(file: IO[bytes], *, shared: bool, wait: bool = False) -> bool:
    """Lock an open file as `lock_file` does; return True on a file system without locks."""
    try:
        return lock_file(file, shared=shared, wait=wait)
    except OSError:
        return True
