"""Reader of `.csv`: tables with a header line; a source is one column, or several stacked on a last axis."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from io import TextIOWrapper
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from graphspec.files import open_file
from graphspec.sources.format import Format
from graphspec.sources.formats.table_columns import column_positions, part_of
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


_MAX_ROWS = 1 << 15
"""Rows of one block."""

_MAX_FIELDS = 1 << 20
"""Values of one block, over all columns of the file."""

_MAX_BLANK_LINES = 1 << 16
"""Blank lines before the header."""

_MAX_CHARACTERS = 1 << 23
"""Characters of a line; a longer line is split, and so is refused."""


def header(source: DataSource) -> Header:
    """Return the header of the columns; raise DataError if one is missing."""
    column_positions(source, names(source))
    shape = () if source.column is not None else (len(source.columns or ()),)
    return Header(None, shape, "string" if source.as_text else None)


def names(source: DataSource) -> list[str]:
    """Return the names in the first line; raise DataError if there is none."""
    return next(_row_blocks(source))[0]


def blocks(source: DataSource) -> Iterator[Array]:
    """Yield the columns in blocks of shape (samples,) for `column`, (samples, columns) for `columns`.

    Yields:
        Text as `object`; whole numbers as int64; other numbers as float64.

    Raises:
        DataError: a value is not a number, or a row has too few or too many fields.
    """
    row_blocks = _row_blocks(source)
    first = next(row_blocks)[0]
    indices = column_positions(source, first)
    before = 1
    for rows in row_blocks:
        if set(map(len, rows)) != {len(first)}:
            at = next(at for at, row in enumerate(rows) if len(row) != len(first))
            raise DataError(
                f"{source.text} line {_line_number(source, before + at)} has {len(rows[at])} fields "
                f"where its header has {len(first)}"
            )
        columns = [[row[index] for row in rows] for index in indices]
        yield _block_array(columns, before, source, [first[index] for index in indices])
        before += len(rows)


def _block_array(columns: list[list[str]], before: int, source: DataSource, names: list[str]) -> Array:
    import numpy as np

    if source.as_text:
        array = np.array(columns, dtype=object).T
    else:
        numbers = [_column_numbers(column, before, source, name) for column, name in zip(columns, names, strict=True)]
        array = np.stack(numbers, axis=-1)
    return array[:, 0] if source.column is not None else array


def _column_numbers(texts: list[str], before: int, source: DataSource, name: str) -> Array:
    """Return the texts of one column as numbers; `before` is the index of the first row in the file."""
    import numpy as np

    if "_" not in "".join(texts):  # Python reads `1_000` as a number
        for kind, dtype in ((int, np.int64), (float, np.float64)):
            try:
                return np.array([kind(text) for text in texts], dtype)
            except (ValueError, OverflowError):
                continue
    at, text = next((at, text) for at, text in enumerate(texts) if not _is_number(text))
    value = (f"`{_printable(text[:40])}`" if source.is_shown else "text") if text.strip() else "nothing"
    raise DataError(
        f"{source.text} line {_line_number(source, before + at)} column `{name}` holds {value}, not a number",
        part=part_of(source),
        help="" if source.is_target or not text.strip() else "an input of text has `dtype: string`",
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _row_blocks(source: DataSource) -> Iterator[list[list[str]]]:
    """Yield the rows in blocks, the header alone in the first; skip blank lines."""
    with _open_text(source) as file:
        rows = _csv_reader(file)
        try:
            first = next((row for row in islice(rows, _MAX_BLANK_LINES) if row), None)
            if first is None:
                raise DataError(f"{source.text} is empty", help="the first line names the columns")
            yield [first]
            block, fields = [], 0
            for row in rows:
                if row:
                    block.append(row)
                    fields += len(row)
                if len(block) >= _MAX_ROWS or fields >= _MAX_FIELDS:
                    yield block
                    block, fields = [], 0
            if block:
                yield block
        except UnicodeDecodeError:
            raise DataError(f"{source.text} is not UTF-8 text", help="save it as UTF-8") from None
        except csv.Error as error:
            raise DataError(f"{source.text} line {rows.line_num} cannot be read: {error}") from None


def _line_number(source: DataSource, number: int) -> int:
    """Return the line on which a row ends; row 0 is the header."""
    with _open_text(source) as file:
        rows = _csv_reader(file)
        next(islice((row for row in rows if row), number, None))
        line: int = rows.line_num
        return line


def _open_text(source: DataSource) -> IO[str]:
    return TextIOWrapper(open_file(source.path), encoding="utf-8-sig", newline="")


def _csv_reader(file: IO[str]) -> Any:
    """Return a reader of the rows; a line that might not fit into memory is split, and fails as a broken row."""
    return csv.reader(iter(partial(file.readline, _MAX_CHARACTERS), ""), strict=True)


FORMAT = Format(".csv", ("column", "columns"), header, blocks=blocks, names=names)
