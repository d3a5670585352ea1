"""Source → header, and source → column: shards joined, transforms applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from graphspec.files import is_folder
from graphspec.sources.column import Column, Joined
from graphspec.sources.format import format_for
from graphspec.sources.shards import joined, shards_of
from graphspec.sources.source import DataError, DataSource, Header
from graphspec.sources.transforms import transformed, transformed_header

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

IN_MEMORY = 256 * 2**20
"""The bytes of a source without random access that are held in memory; a larger one is converted."""

LARGE = 16 * 2**20
"""The bytes of a file without random access from which on it is looked for among those that were converted before."""

Progress = Callable[[str, int, int | None], None]
"""Told of what takes long: the file, the samples read so far, and how many there are if that is known."""


def header(source: DataSource) -> Header:
    """What the files of `source` tell of what it gives. Raises DataError, or OSError where one cannot be opened."""
    return transformed_header(file_header(source), source)


def file_header(source: DataSource) -> Header:
    """What the files of `source` tell of what they hold, before any transform."""
    found = format_for(source)
    return found.header(source) if found.whole else _header_of(source, shards_of(source))


def _header_of(source: DataSource, shards: list[DataSource]) -> Header:
    """The header of all `shards`, the files that `source` stands for."""
    found = format_for(source)
    for shard in shards:
        if is_folder(shard.path):
            raise DataError(f"{shard.text} is no file", help="name a file, or write a glob: `folder/*.npy`")
    if len(shards) == 1:
        return found.header(shards[0])
    return joined(source, {shard.text: found.header(shard) for shard in shards})


def load(source: DataSource, progress: Progress | None = None) -> Column:
    """The column of `source`, first axis samples. Raises DataError, or OSError where a file cannot be opened."""
    return transformed(load_files(source, progress), source)


def load_files(source: DataSource, progress: Progress | None = None) -> Column:
    """The column of what the files of `source` hold, before any transform."""
    found = format_for(source)
    if found.whole:
        column = found.column(source)
        assert column is not None
        return column
    shards = shards_of(source)
    _header_of(source, shards)
    parts = [_load_file(shard, progress) for shard in shards]
    return parts[0] if len(parts) == 1 else Joined(parts)


def _load_file(source: DataSource, progress: Progress | None) -> Column:
    found = format_for(source)
    column = found.column(source)
    if column is not None:
        return column
    if source.path.stat().st_size >= LARGE:
        from graphspec.sources.cache import find

        column = find(source)
        if column is not None:
            return column
    head = found.header(source)
    blocks = _of_one_state(source, found.blocks(source))
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

            return convert(source, chain(_given_up(held), blocks), head.samples, progress)
    return _together(held, head)


def _of_one_state(source: DataSource, blocks: Iterator[Array]) -> Iterator[Array]:
    """The blocks of a file. Raises DataError after the last one where the file has changed since the first."""
    before = source.path.stat()
    yield from blocks
    after = source.path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise DataError(f"{source.text} changed while it was read", help="wait until it is written, and start again")


def _given_up(blocks: list[Array]) -> Iterator[Array]:
    """Each block, which is held no longer once it was given."""
    blocks.reverse()
    while blocks:
        yield blocks.pop()


def _bytes(block: Array) -> int:
    if block.dtype != object:
        return int(block.nbytes)
    return sum(len(text) + 56 for text in block.reshape(-1).tolist())


def _together(blocks: list[Array], head: Header) -> Array:
    import numpy as np

    if blocks:
        return np.concatenate(blocks)
    return np.empty((0, *(size or 0 for size in head.shape)), object if head.dtype == "string" else head.dtype or float)


def blocks_of(column: Column, numbers: int = 1 << 22) -> Iterator[Array]:
    """The samples of `column` in order, about so many numbers at a time."""
    from graphspec.sources.column import in_order, rows_together

    rows = rows_together(column, numbers)
    for start in range(0, len(column), rows):
        yield in_order(column, start, start + rows)
