"""`.csv`: a table with a header line; each source is one column, or several stacked on a last axis."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from io import TextIOWrapper
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from graphspec.files import open_file
from graphspec.sources.format import Format
from graphspec.sources.formats.table_columns import part_of, positions
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


_BLOCK = 1 << 15
"""Rows that are read together."""

_FIELDS = 1 << 20
"""Values that are read together, of all columns."""

_BLANK = 1 << 16
"""Blank lines before the header, at most."""

_LONGEST = 1 << 23
"""Characters of a line that are read together."""


def header(source: DataSource) -> Header:
    """What the header line tells: that the columns exist. Raises DataError where they do not."""
    positions(source, next(_parts(source))[0])
    shape = () if source.column is not None else (len(source.columns or ()),)
    return Header(None, shape, "string" if source.as_text else None)


def blocks(source: DataSource) -> Iterator[Array]:
    """The columns as text, or as int64 where all values of a block are whole numbers, else as float64.

    Shape (samples,) for `column`, (samples, columns) for `columns`. Raises DataError with the
    line of a value that is no number, or of a row that has too few or too many fields.
    """
    parts = _parts(source)
    names = next(parts)[0]
    chosen = positions(source, names)
    before = 1
    for rows in parts:
        if set(map(len, rows)) != {len(names)}:
            at = next(at for at, row in enumerate(rows) if len(row) != len(names))
            raise DataError(
                f"{source.text} line {_line_of(source, before + at)} has {len(rows[at])} fields where its header has "
                f"{len(names)}"
            )
        columns = [[row[position] for row in rows] for position in chosen]
        yield _array(columns, before, source, [names[position] for position in chosen])
        before += len(rows)


def _array(columns: list[list[str]], before: int, source: DataSource, names: list[str]) -> Array:
    import numpy as np

    if source.as_text:
        array = np.array(columns, dtype=object).T
    else:
        read = [_numbers(column, before, source, name) for column, name in zip(columns, names, strict=True)]
        array = np.stack(read, axis=-1)
    return array[:, 0] if source.column is not None else array


def _numbers(texts: list[str], before: int, source: DataSource, name: str) -> Array:
    """The texts of one column as numbers; `before` rows of the file, its header too, come before them."""
    import numpy as np

    if "_" not in "".join(texts):  # Python reads `1_000` as a number
        for kind, dtype in ((int, np.int64), (float, np.float64)):
            try:
                return np.array([kind(text) for text in texts], dtype)
            except (ValueError, OverflowError):
                continue
    at, text = next((at, text) for at, text in enumerate(texts) if not _is_number(text))
    found = (f"`{_printable(text[:40])}`" if source.is_shown else "text") if text.strip() else "nothing"
    raise DataError(
        f"{source.text} line {_line_of(source, before + at)} column `{name}` holds {found}, not a number",
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


def _parts(source: DataSource) -> Iterator[list[list[str]]]:
    """The rows, many at a time; the first part is the header alone. Blank lines are passed over."""
    with _opened(source) as file:
        rows = _reader(file)
        try:
            first = next((row for row in islice(rows, _BLANK) if row), None)
            if first is None:
                raise DataError(f"{source.text} is empty", help="the first line names the columns")
            yield [first]
            held, fields = [], 0
            for row in rows:
                if row:
                    held.append(row)
                    fields += len(row)
                if len(held) >= _BLOCK or fields >= _FIELDS:
                    yield held
                    held, fields = [], 0
            if held:
                yield held
        except UnicodeDecodeError:
            raise DataError(f"{source.text} is not UTF-8 text", help="save it as UTF-8") from None
        except csv.Error as error:
            raise DataError(f"{source.text} line {rows.line_num} cannot be read: {error}") from None


def _line_of(source: DataSource, number: int) -> int:
    """The line on which the row `number` ends, counted from 0, the header."""
    with _opened(source) as file:
        rows = _reader(file)
        next(islice((row for row in rows if row), number, None))
        line: int = rows.line_num
        return line


def _opened(source: DataSource) -> IO[str]:
    return TextIOWrapper(open_file(source.path), encoding="utf-8-sig", newline="")


def _reader(file: IO[str]) -> Any:
    """The rows of a file. A line that could take all memory comes in pieces, which are no rows of the table."""
    return csv.reader(iter(partial(file.readline, _LONGEST), ""), strict=True)


FORMAT = Format(".csv", ("column", "columns"), header, blocks=blocks)
