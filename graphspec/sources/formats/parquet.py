"""`.parquet`: a table of typed columns; the footer tells its schema, and rows are unpacked a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graphspec.sources.format import Format
from graphspec.sources.formats.arrow_values import (
    BLOCK,
    NUMBER,
    ROWS,
    Columns,
    arrow,
    is_list,
    readable,
    table_header,
    values_in,
)
from graphspec.sources.formats.parquet_pages import refuse_large_pages
from graphspec.sources.formats.table_columns import positions
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

_MEND = "write it again, with `pyarrow.parquet.write_table` or `DataFrame.to_parquet`"

_SAMPLE = 64
"""Rows by which the size of a row is guessed."""


def header(source: DataSource) -> Header:
    """What the footer tells of the columns of `source`. Raises DataError where file or columns cannot be read."""
    arrow(source)
    with readable(source, _MEND), _opened(source) as file:
        return table_header(source, file.schema_arrow, file.metadata.num_rows)


def blocks(source: DataSource) -> Iterator[np.ndarray[Any, Any]]:
    """The columns in order, a block of rows at a time; see `arrow_values.Columns.array` for what is raised."""
    arrow(source)
    with readable(source, _MEND), _opened(source) as plain:
        schema = plain.schema_arrow
        names = [schema.names[at] for at in positions(source, schema.names)]
        table_header(source, schema, None)
        refuse_large_pages(source, names, _MEND)
        columns = Columns(source, names)
        wanted = list(dict.fromkeys(names))
        with _opened(source, _texts(plain.metadata, names)) as file:
            read = 0
            for group in range(file.metadata.num_row_groups):
                rows = _rows_together(source, file, group, wanted)
                for batch in file.iter_batches(rows, [group], wanted, use_threads=False):
                    read += len(batch)
                    yield columns.array([batch.column(batch.schema.get_field_index(name)) for name in names])
            if read != file.metadata.num_rows:
                raise DataError(
                    f"{source.text} holds {read:,} rows where its footer promises {file.metadata.num_rows:,}",
                    help=_MEND,
                )


def _rows_together(source: DataSource, file: Any, group: int, names: list[str]) -> int:
    """How many rows of a row group to unpack at a time, by what its first ones take, and all of them as it says.

    Its columns are not asked for: of a broken file, pyarrow ends the process when it describes them.
    """
    metadata = file.metadata.row_group(group)
    a_row: int = max(NUMBER * (source.transforms.pad or 1), metadata.total_byte_size // max(1, metadata.num_rows))
    if any(is_list(file.schema_arrow.field(name).type) for name in names):
        for rows in (1, min(_SAMPLE, BLOCK // a_row)):
            batch = next(file.iter_batches(max(1, rows), [group], names, use_threads=False), None)
            if batch is not None and len(batch):
                values = sum(values_in(batch.column(batch.schema.get_field_index(name))) for name in names)
                a_row = max(a_row, NUMBER * values // len(batch))
    return max(1, min(ROWS, BLOCK // a_row))


def _opened(source: DataSource, texts: list[str] | None = None) -> Any:
    """The file; its columns `texts` are read as indices into their different texts, which many rows share."""
    from pyarrow.parquet import ParquetFile

    return ParquetFile(source.path, read_dictionary=texts, buffer_size=1 << 20, pre_buffer=False)


def _texts(metadata: Any, names: list[str]) -> list[str]:
    """The paths of the columns below `names` that hold text."""
    schema = metadata.schema
    found = (schema.column(at) for at in range(len(schema)))
    return [each.path for each in found if each.physical_type == "BYTE_ARRAY" and _is_below(each.path, names)]


def _is_below(path: str, names: list[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in names)


FORMAT = Format(".parquet", ("column", "columns"), header, blocks=blocks)
