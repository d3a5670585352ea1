"""Reading a source: its header or its column, with shards joined and transforms applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from graphspec.files import is_folder
from graphspec.sources.column import Column, Joined
from graphspec.sources.format import format_for
from graphspec.sources.shards import join_headers, shards_of
from graphspec.sources.source import DataError, DataSource, Header
from graphspec.sources.transforms import transformed, transformed_header

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

IN_MEMORY = 256 * 2**20
"""The most bytes of a file without random access that are held in memory; a larger file is converted."""

LARGE = 16 * 2**20
"""The size in bytes from which a file without random access is looked up in the cache."""

Progress = Callable[[str, int, int | None], None]
"""A callback for long reads: the file, the samples read so far, and their total number, if known."""


def header(source: DataSource) -> Header:
    """Return the header of `source` after all transforms, without reading the data.

    Raises:
        DataError: A file does not hold what the source names.
        OSError: A file cannot be opened.
    """
    return transformed_header(file_header(source), source)


def file_header(source: DataSource) -> Header:
    """Return the header of the files of `source`, before any transform."""
    format = format_for(source)
    return format.header(source) if format.whole else _joined_header(source, shards_of(source))


def _joined_header(source: DataSource, shards: list[DataSource]) -> Header:
    """Return the common header of the shards of `source`."""
    format = format_for(source)
    for shard in shards:
        if is_folder(shard.path):
            raise DataError(f"{shard.text} is no file", help="name a file, or write a glob: `folder/*.npy`")
    if len(shards) == 1:
        return format.header(shards[0])
    return join_headers(source, {shard.text: format.header(shard) for shard in shards})


def load(source: DataSource, progress: Progress | None = None) -> Column:
    """Return the column of `source` after all transforms.

    Args:
        source: The files to read.
        progress: Called while a file without random access is read.

    Raises:
        DataError: A file does not hold what the source names.
        OSError: A file cannot be opened.
    """
    return transformed(load_files(source, progress), source)


def load_files(source: DataSource, progress: Progress | None = None) -> Column:
    """Return the column of the files of `source`, before any transform."""
    format = format_for(source)
    if format.whole:
        column = format.column(source)
        assert column is not None
        return column
    shards = shards_of(source)
    _joined_header(source, shards)
    parts = [_load_file(shard, progress) for shard in shards]
    return parts[0] if len(parts) == 1 else Joined(parts)


def _load_file(source: DataSource, progress: Progress | None) -> Column:
    """Return the column of one file, from the cache where it was converted before."""
    format = format_for(source)
    column = format.column(source)
    if column is not None:
        return column
    if source.path.stat().st_size >= LARGE:
        from graphspec.sources.cache import find

        column = find(source)
        if column is not None:
            return column
    head = format.header(source)
    blocks = _unchanged(source, format.blocks(source))
    held: list[Array] = []
    size = samples = 0
    for block in blocks:
        held.append(block)
        size += _bytes(block)
        samples += len(block)
        if progress is not None:
            progress(source.text, samples, head.samples)
        if size > IN_MEMORY:
            from graphspec.sources.cache import convert

            return convert(source, chain(_drained(held), blocks), head.samples, progress)
    return _concatenated(held, head)


def _unchanged(source: DataSource, blocks: Iterator[Array]) -> Iterator[Array]:
    """Yield the blocks of a file; raise DataError after the last if the file changed."""
    before = source.path.stat()
    yield from blocks
    after = source.path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise DataError(f"{source.text} changed while it was read", help="wait until it is written, and start again")


def _drained(blocks: list[Array]) -> Iterator[Array]:
    """Yield each block and remove it from the list, to free its memory."""
    blocks.reverse()
    while blocks:
        yield blocks.pop()


def _bytes(block: Array) -> int:
    if block.dtype != object:
        return int(block.nbytes)
    return sum(len(text) + 56 for text in block.reshape(-1).tolist())


def _concatenated(blocks: list[Array], head: Header) -> Array:
    import numpy as np

    if blocks:
        return np.concatenate(blocks)
    return np.empty((0, *(size or 0 for size in head.shape)), object if head.dtype == "string" else head.dtype or float)


def blocks_of(column: Column, numbers: int = 1 << 22) -> Iterator[Array]:
    """Yield the samples of `column` in order, in blocks of about `numbers` values."""
    from graphspec.sources.column import in_order, rows_together

    rows = rows_together(column, numbers)
    for start in range(0, len(column), rows):
        yield in_order(column, start, start + rows)
