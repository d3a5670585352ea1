"""Reader of `.parquet`: tables of typed columns, whose schema is in the footer, unpacked a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graphspec.sources.format import Format
from graphspec.sources.formats.arrow_values import (
    BLOCK_BYTES,
    MAX_ROWS,
    NUMBER_BYTES,
    ArrowColumns,
    count_values,
    import_pyarrow,
    is_list,
    readable,
    table_header,
)
from graphspec.sources.formats.parquet_pages import refuse_large_pages
from graphspec.sources.formats.table_columns import column_positions
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

_HELP = "write it again, with `pyarrow.parquet.write_table` or `DataFrame.to_parquet`"

_SAMPLE_ROWS = 64
"""Rows from which the bytes of a row are estimated."""


def header(source: DataSource) -> Header:
    """Return the header of the columns of `source`; raise DataError if they cannot be read."""
    import_pyarrow(source)
    with readable(source, _HELP), _open(source) as file:
        return table_header(source, file.schema_arrow, file.metadata.num_rows)


def names(source: DataSource) -> list[str]:
    """Return the names of the columns; raise DataError if the footer cannot be read."""
    import_pyarrow(source)
    with readable(source, _HELP), _open(source) as file:
        return list(file.schema_arrow.names)


def blocks(source: DataSource) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the columns of `source`, a block of rows at a time.

    Raises:
        DataError: as `ArrowColumns.array`, or the file cannot be read.
    """
    import_pyarrow(source)
    with readable(source, _HELP), _open(source) as footer:
        schema = footer.schema_arrow
        names = [schema.names[at] for at in column_positions(source, schema.names)]
        table_header(source, schema, None)
        refuse_large_pages(source, names, _HELP)
        columns = ArrowColumns(source, names)
        distinct = list(dict.fromkeys(names))
        with _open(source, _text_paths(footer.metadata, names)) as file:
            read = 0
            for group in range(file.metadata.num_row_groups):
                rows = _rows_of_block(source, file, group, distinct)
                for batch in file.iter_batches(rows, [group], distinct, use_threads=False):
                    read += len(batch)
                    yield columns.array([batch.column(batch.schema.get_field_index(name)) for name in names])
            if read != file.metadata.num_rows:
                raise DataError(
                    f"{source.text} holds {read:,} rows where its footer promises {file.metadata.num_rows:,}",
                    help=_HELP,
                )


def _rows_of_block(source: DataSource, file: Any, group: int, names: list[str]) -> int:
    """Return the rows of a block of a row group, by the size of its first rows and the total that it declares.

    The metadata of its columns are not used: pyarrow ends the process when it describes those of a broken file.
    """
    metadata = file.metadata.row_group(group)
    row_bytes: int = max(
        NUMBER_BYTES * (source.transforms.pad or 1), metadata.total_byte_size // max(1, metadata.num_rows)
    )
    if any(is_list(file.schema_arrow.field(name).type) for name in names):
        for rows in (1, min(_SAMPLE_ROWS, BLOCK_BYTES // row_bytes)):
            batch = next(file.iter_batches(max(1, rows), [group], names, use_threads=False), None)
            if batch is not None and len(batch):
                values = sum(count_values(batch.column(batch.schema.get_field_index(name))) for name in names)
                row_bytes = max(row_bytes, NUMBER_BYTES * values // len(batch))
    return max(1, min(MAX_ROWS, BLOCK_BYTES // row_bytes))


def _open(source: DataSource, texts: list[str] | None = None) -> Any:
    """Open the file; read its columns `texts` dictionary-encoded, since many rows share a text."""
    from pyarrow.parquet import ParquetFile

    return ParquetFile(source.path, read_dictionary=texts, buffer_size=1 << 20, pre_buffer=False)


def _text_paths(metadata: Any, names: list[str]) -> list[str]:
    """Return the paths of the columns below `names` that hold text."""
    schema = metadata.schema
    columns = (schema.column(at) for at in range(len(schema)))
    return [each.path for each in columns if each.physical_type == "BYTE_ARRAY" and _is_below(each.path, names)]


def _is_below(path: str, names: list[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in names)


FORMAT = Format(".parquet", ("column", "columns"), header, blocks=blocks, names=names)
