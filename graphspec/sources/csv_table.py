"""`.csv`: a table with a header line; each source is one column, or several stacked on a last axis."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from graphspec.sources.format import Format
from graphspec.sources.source import DataError, Header, Source
from graphspec.suggest import did_you_mean, one_of

if TYPE_CHECKING:
    import numpy as np


_BLOCK = 1 << 15
"""Rows that are read together."""


def header(source: Source) -> Header:
    """What the header line tells: that the columns exist. Raises DataError where they do not."""
    rows = _rows(source)
    _positions(source, next(rows)[1])
    shape = () if source.column is not None else (len(source.columns or ()),)
    return Header(None, shape, "string" if source.as_text else None)


def blocks(source: Source) -> Iterator[np.ndarray[Any, Any]]:
    """The columns as text, or as int64 where all values of a block are whole numbers, else as float64.

    Shape (samples,) for `column`, (samples, columns) for `columns`. Raises DataError with the
    line of a value that is no number, or of a row that has too few or too many fields.
    """
    rows = _rows(source)
    names = next(rows)[1]
    positions = _positions(source, names)
    while held := list(islice(rows, _BLOCK)):
        for line, row in held:
            if len(row) != len(names):
                raise DataError(f"{source.text} line {line} has {len(row)} fields where its header has {len(names)}")
        columns = [[row[position] for _, row in held] for position in positions]
        lines = [line for line, _ in held]
        yield _array(columns, lines, source, [names[position] for position in positions])


def _array(columns: list[list[str]], lines: list[int], source: Source, names: list[str]) -> np.ndarray[Any, Any]:
    import numpy as np

    if source.as_text:
        array = np.array(columns, dtype=object).T
    else:
        read = [_numbers(column, lines, source, name) for column, name in zip(columns, names, strict=True)]
        array = np.stack(read, axis=-1)
    return array[:, 0] if source.column is not None else array


def _numbers(texts: list[str], lines: list[int], source: Source, name: str) -> np.ndarray[Any, Any]:
    """The texts of one column as numbers."""
    import numpy as np

    for kind, dtype in ((int, np.int64), (float, np.float64)):
        try:
            return np.array([kind(text) for text in texts], dtype)
        except (ValueError, OverflowError):
            continue
    text, line = next((text, line) for text, line in zip(texts, lines, strict=True) if not _is_number(text))
    found = f"`{text[:40]}`" if text.strip() else "nothing"
    raise DataError(
        f"{source.text} line {line} column `{name}` holds {found}, not a number",
        part="column" if source.column is not None else "columns",
        help="" if source.is_target or not text.strip() else "an input of text has `dtype: string`",
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it ends on; blank lines are passed over. The first is the header."""
    try:
        with open(source.path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            empty = True
            for row in reader:
                if row:
                    empty = False
                    yield reader.line_num, row
            if empty:
                raise DataError(f"{source.text} is empty", help="the first line names the columns")
    except UnicodeDecodeError:
        raise DataError(f"{source.text} is not UTF-8 text", help="save it as UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{source.text} line {reader.line_num} cannot be read: {error}") from None


def _positions(source: Source, names: list[str]) -> list[int]:
    if source.column is None and source.columns is None:
        raise DataError(
            f"{source.text} is a table, and the source names no column of it",
            help=f"write `{{file: {source.text}, column: {names[0]}}}`; it has {one_of(names)}",
        )
    wanted = source.columns or (source.column or "",)
    for position, name in enumerate(wanted):
        if name not in names:
            raise DataError(
                f"{source.text} has no column `{name}`",
                part="column" if source.column is not None else f"columns[{position}]",
                help=did_you_mean(name, names, f"it has {one_of(names)}"),
                missing=name,
            )
    return [names.index(name) for name in wanted]


FORMAT = Format(".csv", ("column", "columns"), header, blocks=blocks)
