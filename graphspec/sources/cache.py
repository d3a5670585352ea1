"""Conversions of large files without random access into memory-mapped ones, each made once.

An entry is named by a hash of the file and of what is read of it, so that all specs, copies of the file and processes
share it, and a changed file is converted again. Entries are created atomically.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec.files import read_text, reason_of, write_whole
from graphspec.sources.cache_folder import (
    BOUND,
    ENTRY,
    FOLDER,
    UNFINISHED,
    alone,
    bound,
    cache_folder,
    entries,
    hold,
    make_room,
    release,
    remove,
    sweep,
)
from graphspec.sources.fingerprint import fingerprint
from graphspec.sources.format import format_for
from graphspec.sources.sample_files import Writer, open_column
from graphspec.sources.source import DataError, DataSource

if TYPE_CHECKING:
    import numpy as np

    from graphspec.sources.column import Column

    Array = np.ndarray[Any, Any]

_VERSION = 1
"""Version of the layout of conversions; entries of other versions are not used."""


def find(source: DataSource) -> Column | None:
    """Return the earlier conversion of `source`, a single file, or None.

    Raises:
        OSError: The file cannot be read.
        DataError: The file changes while it is read.
    """
    if not entries():
        return None
    return _open_entry(cache_folder() / _key(source))


def convert(
    source: DataSource,
    blocks: Iterable[Array],
    samples: int | None,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Column:
    """Return the samples of `blocks`, which `source` reads, as a column in memory-mapped files.

    Args:
        source: A single file.
        blocks: Its samples; the dtype of the column is that to which theirs promote.
        samples: The number of samples, if known.
        progress: Called after each block.

    Raises:
        DataError: The conversion exceeds the limit of the cache or cannot be written, or a block cannot be read.
    """
    root = cache_folder()
    folder = root / _key(source)
    column = _open_entry(folder)
    if column is not None:
        return column
    with ExitStack() as stack:
        with _writable(root):
            root.mkdir(parents=True, exist_ok=True)
            stack.enter_context(alone(folder))
        column = _open_entry(folder)
        if column is None:
            _make(folder, source, blocks, samples, progress=progress)
            column = _open_entry(folder)
    if column is None:
        raise DataError(f"{folder} cannot be read after it was written", help=f"set {FOLDER} to another folder")
    return column


def _key(source: DataSource) -> str:
    """Return the name of a conversion: a hash of its file, and of what is read of it."""
    read = {
        "version": _VERSION,
        "file": fingerprint(source.path).sha256,
        "format": format_for(source).name,
        "key": source.key,
        "column": source.column,
        "columns": source.columns,
        "feature": source.feature,
        "pad": source.transforms.pad,
        "as_text": source.as_text,
    }
    if source.decode is not None:
        read |= {
            "size": source.size,
            "channels": source.channels,
            "interpolation": source.interpolation,
            "as_classes": source.as_classes,
        }
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()


def _open_entry(folder: Path) -> Column | None:
    """Return the column in `folder` and hold it; None if there is none. A damaged one is removed."""
    if not hold(folder):
        return None
    try:
        entry = json.loads(read_text(folder / ENTRY))
        column: Column = open_column(folder, entry["shape"])
    except (OSError, ValueError, LookupError, TypeError):
        release(folder)
        with suppress(OSError):
            remove(folder)
        return None
    with suppress(OSError):  # of a folder that cannot be written
        os.utime(folder / ENTRY)
    return column


def _make(
    folder: Path,
    source: DataSource,
    blocks: Iterable[Array],
    samples: int | None,
    *,
    progress: Callable[[str, int, int | None], None] | None,
) -> None:
    """Convert `blocks` to a new entry `folder`, which is created atomically."""
    root, limit = folder.parent, bound()
    unfinished = root / f"{UNFINISHED}{folder.name}-{secrets.token_hex(4)}"
    with _writable(root):
        sweep(root, folder.name)
        unfinished.mkdir()
    writer = Writer(unfinished, source.text)
    try:
        for block in blocks:
            with _writable(root):
                writer.add(block)
            _refuse_too_large(writer, source, samples, limit)
            if progress is not None:
                progress(source.text, writer.count, samples)
        with _writable(root):
            writer.finish()
            _describe(unfinished, source, writer)
            make_room(writer.size)
            if folder.exists():  # it is damaged
                shutil.rmtree(folder, ignore_errors=True)
            unfinished.rename(folder)
            _sync_folder(root)
    finally:
        writer.close()
        shutil.rmtree(unfinished, ignore_errors=True)


def _refuse_too_large(writer: Writer, source: DataSource, samples: int | None, limit: int) -> None:
    """Raise DataError as soon as a conversion is known to exceed the limit of the cache."""
    whole = writer.size
    if samples is not None and not writer.holds_text:
        whole = max(whole, whole // max(1, writer.count) * samples)
    if whole > limit:
        raise DataError(
            f"{source.text} takes more than {limit / 1e9:g} GB once it is unpacked, which is all that the cache of "
            "converted files may hold",
            help=f"set {BOUND} to more gigabytes, or save the data as .npy, which is read where it lies",
        )


def _describe(unfinished: Path, source: DataSource, writer: Writer) -> None:
    part = source.key or source.column or source.feature or ", ".join(source.columns or ())
    entry = {
        "source": f"{source.path.resolve()}{f' ({part})' if part else ''}",
        "shape": [writer.count, *(writer.inner or ())],
    }
    write_whole(unfinished / ENTRY, json.dumps(entry).encode())
    _sync_folder(unfinished)


def _sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk, on systems that can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _writable(root: Path) -> Iterator[None]:
    """Turn an OSError within into a DataError that explains the cache and how to move it."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        reason = "the disk is full" if full else reason_of(error)
        raise DataError(
            f"cannot write to {root}, where large files are kept once they are converted: {reason}",
            help=f"set {FOLDER} to a folder with room that you may write to; `graphspec cache` shows what lies there",
        ) from None
