"""Conversions of large files without random access: made once, and memory-mapped ever after.

An entry is named after the bytes of the file and what was read of it, so that it serves every spec, every copy of the
file and every process, and a file that has changed is converted anew. It appears whole or not at all.
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
    MAKING,
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
from graphspec.sources.converted import Writer, open_column
from graphspec.sources.fingerprint import fingerprint
from graphspec.sources.format import format_for
from graphspec.sources.source import DataError, DataSource

if TYPE_CHECKING:
    import numpy as np

    from graphspec.sources.column import Column

    Array = np.ndarray[Any, Any]

_VERSION = 1
"""Version of the layout of conversions; with another one, all are made anew."""


def find(source: DataSource) -> Column | None:
    """Return the earlier conversion of `source`, a single file, if there is one. Raises OSError.

    Raises OSError where the file cannot be read.
    """
    if not entries():
        return None
    return _found(cache_folder() / _key(source))


def convert(
    source: DataSource,
    blocks: Iterable[Array],
    samples: int | None,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Column:
    """Return the samples of `blocks`, which `source` reads, as a column in memory-mapped files.

    Args:
        source: A single file.
        blocks: Its samples; the dtype of the column is the one to which theirs promote.
        samples: How many there are, if that is known.
        progress: Called after each block.

    Raises:
        DataError: The conversion is larger than the cache may be, or cannot be written, or `blocks` raises it.
    """
    root = cache_folder()
    folder = root / _key(source)
    column = _found(folder)
    if column is not None:
        return column
    with ExitStack() as stack:
        with _writable(root):
            root.mkdir(parents=True, exist_ok=True)
            stack.enter_context(alone(folder))
        column = _found(folder)
        if column is None:
            _make(folder, source, blocks, samples, progress)
            column = _found(folder)
    if column is None:
        raise DataError(f"{folder} cannot be read after it was written", help=f"set {FOLDER} to another folder")
    return column


def _key(source: DataSource) -> str:
    """Return the name of a conversion: a hash of the bytes of its file, and of what is read of them."""
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


def _found(folder: Path) -> Column | None:
    """Return the column in `folder` and hold it; None where there is none. A damaged one is removed."""
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
    progress: Callable[[str, int, int | None], None] | None,
) -> None:
    """Convert `blocks` to a new entry in `folder`, which appears when it is whole."""
    root, most = folder.parent, bound()
    making = root / f"{MAKING}{folder.name}-{secrets.token_hex(4)}"
    with _writable(root):
        sweep(root, folder.name)
        making.mkdir()
    writer = Writer(making, source.text)
    try:
        for block in blocks:
            with _writable(root):
                writer.add(block)
            _refuse_too_large(writer, source, samples, most)
            if progress is not None:
                progress(source.text, writer.count, samples)
        with _writable(root):
            writer.finish()
            _describe(making, source, writer)
            make_room(writer.size)
            if folder.exists():  # it is damaged
                shutil.rmtree(folder, ignore_errors=True)
            making.rename(folder)
            _to_disk(root)
    finally:
        writer.close()
        shutil.rmtree(making, ignore_errors=True)


def _refuse_too_large(writer: Writer, source: DataSource, samples: int | None, most: int) -> None:
    """Raise DataError as soon as a conversion is known to be larger than the cache may be."""
    whole = writer.size
    if samples is not None and not writer.holds_text:
        whole = max(whole, whole // max(1, writer.count) * samples)
    if whole > most:
        raise DataError(
            f"{source.text} takes more than {most / 1e9:g} GB once it is unpacked, which is all that the cache of "
            "converted files may hold",
            help=f"set {BOUND} to more gigabytes, or save the data as .npy, which is read where it lies",
        )


def _describe(making: Path, source: DataSource, writer: Writer) -> None:
    part = source.key or source.column or source.feature or ", ".join(source.columns or ())
    entry = {
        "source": f"{source.path.resolve()}{f' ({part})' if part else ''}",
        "shape": [writer.count, *(writer.inner or ())],
    }
    write_whole(making / ENTRY, json.dumps(entry).encode())
    _to_disk(making)


def _to_disk(folder: Path) -> None:
    """Flush the names in `folder` to the disk, where a folder can be flushed."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _writable(root: Path) -> Iterator[None]:
    """Turn an OSError into a DataError that says what the cache is for, and how to move it."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        reason = "the disk is full" if full else reason_of(error)
        raise DataError(
            f"cannot write to {root}, where large files are kept once they are converted: {reason}",
            help=f"set {FOLDER} to a folder with room that you may write to; `graphspec cache` shows what lies there",
        ) from None
