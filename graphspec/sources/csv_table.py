"""`.csv`: a table with a header line; each source is one column of numbers, or several stacked on a last axis."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graphspec.sources.source import DataError, Header, Source
from graphspec.suggest import did_you_mean, one_of

if TYPE_CHECKING:
    import numpy as np


def header(source: Source) -> Header:
    """What the header line tells: that the columns exist. Raises DataError where they do not."""
    rows = _rows(source)
    _positions(source, next(rows)[1])
    return Header(None, () if source.column is not None else (len(source.columns or ()),), None)


def load(source: Source) -> np.ndarray[Any, Any]:
    """The columns as int64 where all their values are whole numbers, else as float64.

    Shape (samples,) for `column`, (samples, columns) for `columns`. Raises DataError with the
    line of a value that is no number, or of a row that has too few or too many fields.
    """
    import numpy as np

    rows = _rows(source)
    names = next(rows)[1]
    positions = _positions(source, names)
    values: list[list[float]] = []
    whole = True
    for line, row in rows:
        if len(row) != len(names):
            raise DataError(f"{source.text} line {line} has {len(row)} fields where its header has {len(names)}")
        numbers = []
        for position in positions:
            number = _number(row[position], source, line, names[position])
            whole = whole and isinstance(number, int)
            numbers.append(number)
        values.append(numbers)
    array = np.array(values, dtype=np.int64 if whole else np.float64).reshape(len(values), len(positions))
    return array[:, 0] if source.column is not None else array


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


def _number(text: str, source: Source, line: int, column: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        found = f"`{text[:40]}`" if text.strip() else "nothing"
        raise DataError(
            f"{source.text} line {line} column `{column}` holds {found}, not a number",
            part="column" if source.column is not None else "columns",
        ) from None
