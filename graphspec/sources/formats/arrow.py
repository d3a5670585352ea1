"""Reader of `.feather` and `.arrow`: record batches in the file format or the stream format of Arrow.

Only the columns that a source names are unpacked. An uncompressed batch of the file format stays in a memory map.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graphspec.sources.format import Format
from graphspec.sources.formats.arrow_messages import refuse_large_buffers
from graphspec.sources.formats.arrow_values import (
    BLOCK_BYTES,
    MAX_ROWS,
    NUMBER_BYTES,
    ArrowColumns,
    import_pyarrow,
    readable,
    table_header,
)
from graphspec.sources.formats.table_columns import column_positions
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

_HELP = "write it again, with `pyarrow.feather.write_feather` or `DataFrame.to_feather`"

_STREAM_START = 8
"""Offset of the stream within the file format."""

_MAX_BATCH = 1 << 31
"""Bytes of a column that a compressed batch may unpack to, since it is unpacked whole."""


def header(source: DataSource) -> Header:
    """Return the header of the columns of `source`; a stream does not state its number of rows.

    Raises:
        DataError: the file or a column cannot be read.
    """
    pyarrow = import_pyarrow(source)
    with readable(source, _HELP), pyarrow.memory_map(str(source.path)) as file:
        reader, is_file = _open(source, file)
        # pyarrow 21 is the first to count rows without unpacking them
        samples = reader.count_rows() if is_file and hasattr(reader, "count_rows") else None
        return table_header(source, reader.schema, samples)


def names(source: DataSource) -> list[str]:
    """Return the names of the columns; raise DataError if the schema cannot be read."""
    pyarrow = import_pyarrow(source)
    with readable(source, _HELP), pyarrow.memory_map(str(source.path)) as file:
        return list(_open(source, file)[0].schema.names)


def blocks(source: DataSource) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the columns of `source`, a block of rows at a time.

    Raises:
        DataError: as `ArrowColumns.array`, or the file cannot be read.
    """
    pyarrow = import_pyarrow(source)
    with readable(source, _HELP), pyarrow.memory_map(str(source.path)) as file:
        schema = _open(source, file)[0].schema
        indices = column_positions(source, schema.names)
        names = [schema.names[at] for at in indices]
        head = table_header(source, schema, None)
        columns = ArrowColumns(source, names)
        row_bytes = NUMBER_BYTES * math.prod(size or source.transforms.pad or 1 for size in head.shape)
        file.seek(0)
        for batch in _batches(source, file, sorted(set(indices))):
            # long texts take more than the schema implies
            batch_bytes = sum(batch.column(batch.schema.get_field_index(name)).nbytes for name in names)
            rows = max(1, min(MAX_ROWS, BLOCK_BYTES // max(1, row_bytes, batch_bytes // max(1, len(batch)))))
            for start in range(0, len(batch), rows):
                part = batch.slice(start, rows)
                yield columns.array([part.column(part.schema.get_field_index(name)) for name in names])


def _batches(source: DataSource, file: Any, fields: list[int]) -> Iterator[Any]:
    """Yield the record batches, with only the columns at `fields` unpacked."""
    from pyarrow import ipc

    options = ipc.IpcReadOptions(use_threads=False, included_fields=fields)
    reader, is_file = _open(source, file, options)
    # the file format is read as the stream within, since its index may disagree
    file.seek(_STREAM_START if is_file else 0)
    refuse_large_buffers(source, file)
    if not is_file:
        file.seek(0)
        yield from _open(source, file, options)[0]
        return
    count = reader.num_record_batches
    rows = reader.count_rows() if hasattr(reader, "count_rows") else 0
    if rows * NUMBER_BYTES > _MAX_BATCH * max(1, count) and file.size() < _MAX_BATCH:
        raise DataError(
            f"{source.text} holds {rows:,} rows in {count} compressed batches, too many to unpack at once",
            help="write it again in batches of some thousand rows",
        )
    file.seek(_STREAM_START)
    stream = ipc.open_stream(file, options=options)
    read = 0
    for batch in stream:
        read += 1
        yield batch
    if read != count:
        raise DataError(f"{source.text} holds {read:,} batches where its footer promises {count:,}", help=_HELP)


def _open(source: DataSource, file: Any, options: Any = None) -> tuple[Any, bool]:
    """Return a reader of the batches, and whether `file` has the file format rather than the stream format."""
    from pyarrow import ipc

    start = bytes(file.read(6))
    file.seek(0)
    if start[:4] == b"FEA1":
        raise DataError(f"{source.text} has the first version of Feather, which is no longer read", help=_HELP)
    if start == b"ARROW1":
        return ipc.open_file(file, options=options), True
    return ipc.open_stream(file, options=options), False


FORMAT = Format(".arrow", ("column", "columns"), header, blocks=blocks, names=names)
