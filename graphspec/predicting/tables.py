"""Writers of predictions as tables, one row a sample: `.csv`, `.jsonl` and `.parquet`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.escapes import escaped, heading, json_line, spreadsheet_cell
from graphspec.diagnostics.rules import DATA_SHAPE
from graphspec.predicting.batch import Array, Batch
from graphspec.predicting.columns import PredictionColumns
from graphspec.predicting.labels import Labels

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_GROUP = 1 << 24
"""Bytes of a row group of a Parquet file: small groups make it large and slow to read."""


def write_csv(
    part: Path, batches: Iterator[Batch], count: int, labels: dict[str, Labels], *, raw_text: bool = False
) -> None:
    """Write a UTF-8 `.csv` file with a header; numbers read back exactly, a missing word is empty.

    Args:
        part: Path of the file to write.
        batches: Predictions, in order.
        count: Number of samples in all batches.
        labels: Words of the outputs that have a vocabulary, by output.
        raw_text: Do not put an apostrophe before text that a spreadsheet would run as a formula.

    Raises:
        SpecError: An output has more than one axis, or its size differs between batches.
    """
    with open(part, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        names: list[str] = []
        for columns in _tables(batches, labels):
            for name, values in columns.items():
                if values.ndim > 1:
                    raise SpecError.of(
                        DATA_SHAPE,
                        f"a .csv file cannot hold `{name}`, of shape {list(values.shape[1:])} a sample",
                        help="write a .parquet, .jsonl or .npz file",
                    )
            if not names:
                names = list(columns)
                writer.writerow(map(escaped if raw_text else heading, names))
            writer.writerows(zip(*(_texts(each, raw_text) for each in columns.values()), strict=True))


def write_jsonl(part: Path, batches: Iterator[Batch], count: int, labels: dict[str, Labels]) -> None:
    """Write a `.jsonl` file; null for NaN, infinity and missing words. Arguments and errors as for `write_csv`."""
    with open(part, "w", encoding="utf-8") as file:
        for columns in _tables(batches, labels):
            names, values = list(columns), [_plain(each) for each in columns.values()]
            for row in zip(*values, strict=True):
                file.write(json_line(dict(zip(names, row, strict=True))) + "\n")


def write_parquet(part: Path, batches: Iterator[Batch], count: int, labels: dict[str, Labels]) -> None:
    """Write a `.parquet` file, further axes as nested lists. Arguments and errors as for `write_csv`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None
    waiting: list[pa.RecordBatch] = []
    size = 0
    try:
        for columns in _tables(batches, labels):
            waiting.append(pa.RecordBatch.from_pydict({name: _arrow(each) for name, each in columns.items()}))
            writer = writer or pq.ParquetWriter(part, waiting[0].schema)
            size += waiting[-1].nbytes
            if size >= _ROW_GROUP:
                _flush(writer, waiting)
                size = 0
        if writer is not None:
            _flush(writer, waiting)
    finally:
        if writer is not None:
            writer.close()


def _flush(writer: Any, waiting: list[pa.RecordBatch]) -> None:
    import pyarrow as pa

    if waiting:
        writer.write_table(pa.Table.from_batches(waiting).combine_chunks())
        waiting.clear()


def _tables(batches: Iterator[Batch], labels: dict[str, Labels]) -> Iterator[dict[str, Array]]:
    """Yield the columns of each batch. Raises SpecError if they differ from those of the first."""
    table: PredictionColumns | None = None
    shapes: dict[str, tuple[int, ...]] = {}
    for batch in batches:
        batch_shapes = {name: values.shape[1:] for name, values in batch.predicted.items()}
        if table is None:
            table, shapes = PredictionColumns(batch_shapes, labels), batch_shapes
        for name, shape in batch_shapes.items():
            if len(shape) == 1 and shape != shapes[name]:
                raise SpecError.of(
                    DATA_SHAPE,
                    f"the output `{name}` has {shapes[name][0]} numbers for some samples and {shape[0]} for others, "
                    "so it does not fit the columns of one table",
                    help="predict samples of one size at a time",
                )
        yield table.of(batch.at, batch.predicted)


def _texts(values: Array, raw_text: bool) -> list[Any]:
    """Return a column as values for `csv.writer`."""
    if values.dtype == object:
        texts = map(_text, values)
        return [each if raw_text or not isinstance(each, str) else spreadsheet_cell(each) for each in texts]
    if values.dtype.kind == "f":
        return values.astype("U").tolist()  # type: ignore[no-any-return]  # the shortest text that reads back as it is
    return values.tolist()  # type: ignore[no-any-return]


def _plain(values: Array) -> list[Any]:
    """Return a column as JSON values."""
    if values.dtype.kind == "f":
        numbers = [float(each) for each in values.astype("U").reshape(-1).tolist()]
        plain = np.array([*(each if np.isfinite(each) else None for each in numbers), None], object)[:-1]
        return plain.reshape(values.shape).tolist()  # type: ignore[no-any-return]
    if values.dtype == object:
        plain = np.array([*map(_text, values.reshape(-1)), None], object)[:-1]
        return plain.reshape(values.shape).tolist()  # type: ignore[no-any-return]
    return values.tolist()  # type: ignore[no-any-return]


def _text(value: Any) -> str | None:
    """Return a word, or a byte string of a model, as text."""
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value


def _arrow(values: Array) -> pa.Array:
    import pyarrow as pa

    if values.dtype == object:
        column = pa.array([_text(each) for each in values.reshape(-1)], pa.string())
    else:
        wide = values.astype(np.float32) if values.dtype == np.float16 else values
        column = pa.array(np.ascontiguousarray(wide).reshape(-1))
    for axis in range(values.ndim - 1, 0, -1):
        rows = int(np.prod(values.shape[:axis]))
        column = pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * values.shape[axis], column)
    return column
