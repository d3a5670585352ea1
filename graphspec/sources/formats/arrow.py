"""`.feather` and `.arrow`: record batches of Arrow, as its file format holds them or its stream format.

Only the columns that a source names are unpacked. A batch of the file format that is not compressed is never loaded
whole: it lies in a memory map.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graphspec.sources.format import Format
from graphspec.sources.formats.arrow_messages import refuse_large_buffers
from graphspec.sources.formats.arrow_values import BLOCK, NUMBER, ROWS, Columns, arrow, readable, table_header
from graphspec.sources.formats.table_columns import positions
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

_MEND = "write it again, with `pyarrow.feather.write_feather` or `DataFrame.to_feather`"

_START = 8
"""Where in a file of the file format the stream begins that it holds."""

_MOST = 1 << 31
"""Bytes of a column that a compressed batch may unpack to; it can only be unpacked whole."""


def header(source: DataSource) -> Header:
    """What the schema tells of the columns of `source`, and of a file how many rows it has; a stream does not tell.

    Raises DataError where file or columns cannot be read.
    """
    pyarrow = arrow(source)
    with readable(source, _MEND), pyarrow.memory_map(str(source.path)) as file:
        reader, is_file = _opened(source, file)
        # counting rows without unpacking them is new in pyarrow 21
        samples = reader.count_rows() if is_file and hasattr(reader, "count_rows") else None
        return table_header(source, reader.schema, samples)


def blocks(source: DataSource) -> Iterator[np.ndarray[Any, Any]]:
    """The columns in order, a block of rows at a time; see `arrow_values.Columns.array` for what is raised."""
    pyarrow = arrow(source)
    with readable(source, _MEND), pyarrow.memory_map(str(source.path)) as file:
        schema = _opened(source, file)[0].schema
        chosen = positions(source, schema.names)
        names = [schema.names[at] for at in chosen]
        head = table_header(source, schema, None)
        columns = Columns(source, names)
        a_row = NUMBER * math.prod(size or source.transforms.pad or 1 for size in head.shape)
        file.seek(0)
        for batch in _batches(source, file, sorted(set(chosen))):
            taken = sum(batch.column(batch.schema.get_field_index(name)).nbytes for name in names)  # of long texts much
            rows = max(1, min(ROWS, BLOCK // max(1, a_row, taken // max(1, len(batch)))))
            for start in range(0, len(batch), rows):
                part = batch.slice(start, rows)
                yield columns.array([part.column(part.schema.get_field_index(name)) for name in names])


def _batches(source: DataSource, file: Any, fields: list[int]) -> Iterator[Any]:
    """The record batches, of which only the columns at `fields` are unpacked."""
    from pyarrow import ipc

    reader, is_file = _opened(source, file, ipc.IpcReadOptions(use_threads=False, included_fields=fields))
    file.seek(_START if is_file else 0)  # a file is a stream as well, and is read as one: its index may say otherwise
    refuse_large_buffers(source, file)
    if not is_file:
        file.seek(0)
        yield from _opened(source, file, ipc.IpcReadOptions(use_threads=False, included_fields=fields))[0]
        return
    count = reader.num_record_batches
    rows = reader.count_rows() if hasattr(reader, "count_rows") else 0
    if rows * NUMBER > _MOST * max(1, count) and file.size() < _MOST:
        raise DataError(
            f"{source.text} holds {rows:,} rows in {count} compressed batches, too many to unpack at once",
            help="write it again in batches of some thousand rows",
        )
    file.seek(_START)
    stream = ipc.open_stream(file, options=ipc.IpcReadOptions(use_threads=False, included_fields=fields))
    read = 0
    for batch in stream:
        read += 1
        yield batch
    if read != count:
        raise DataError(f"{source.text} holds {read:,} batches where its footer promises {count:,}", help=_MEND)


def _opened(source: DataSource, file: Any, options: Any = None) -> tuple[Any, bool]:
    """A reader of the batches in `file`, and whether the file has the file format, not that of a stream."""
    from pyarrow import ipc

    start = bytes(file.read(6))
    file.seek(0)
    if start[:4] == b"FEA1":
        raise DataError(f"{source.text} has the first version of Feather, which is no longer read", help=_MEND)
    if start == b"ARROW1":
        return ipc.open_file(file, options=options), True
    return ipc.open_stream(file, options=options), False


FORMAT = Format(".arrow", ("column", "columns"), header, blocks=blocks)
