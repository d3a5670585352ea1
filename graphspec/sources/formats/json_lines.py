"""Reader of `.jsonl`: one JSON object a line; a source is one of their keys, or several stacked on a last axis.

The standard library parses line by line, so that an error names its line and no extra is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.files import open_file
from graphspec.sources.format import Format
from graphspec.sources.formats.lists import Lists, stack_columns
from graphspec.sources.formats.table_columns import column_positions, null_error, part_of, text_error
from graphspec.sources.source import DataError, DataSource, Header
from graphspec.sources.transforms import as_word

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_MAX_LINE = 1 << 23
"""Bytes of a line."""

_MAX_BLANK_LINES = 1 << 16
"""Consecutive blank lines."""

_BLOCK_BYTES = 1 << 22
"""Bytes of lines in one block."""

_MAX_DEPTH = 16
"""Depth of nested lists."""


def header(source: DataSource) -> Header:
    """Return the header of the keys by the first line, whose list lengths the others must have.

    Raises:
        DataError: the file is empty, or its first line lacks a key or holds an unsupported value.
    """
    line, row, _ = next(_rows(source))
    names, depths, shapes = _names(source, row), [], []
    for name in names:
        value = row[name]
        shape: list[int] = []
        while isinstance(value, list) and len(shape) < _MAX_DEPTH:
            shape.append(len(value))
            value = value[0] if value else 0
        _check_value(value, source, f"line {line}", name)
        depths.append(len(shape))
        shapes.append(tuple(shape))
    if len(set(depths)) > 1:
        raise DataError(
            f"{source.text} holds lists of different depths in its columns {names}",
            part="columns",
            help="name columns of the same shape, or make one input of each",
        )
    last = () if source.column is not None else (len(names),)
    return Header(None, (*shapes[0], *last), "string" if source.as_text else None)


def names(source: DataSource) -> list[str]:
    """Return the keys of the first line; raise DataError if there is none."""
    return list(next(_rows(source))[1])


def blocks(source: DataSource) -> Iterator[Array]:
    """Yield the keys in blocks of shape (samples, ...) for `column`, (samples, ..., columns) for `columns`.

    Yields:
        Text as `object`; bool or int64 where all values of the block are such; otherwise float64.

    Raises:
        DataError: a line is not a JSON object, lacks a key, or holds values unlike those before it.
    """
    rows = _rows(source)
    first = next(rows)
    columns = [_KeyValues(source, name) for name in _names(source, first[1])]
    lines: list[int] = []
    padded = 8 * (source.transforms.pad or 0)
    size = 0
    for line, row, length in chain([first], rows):
        lines.append(line)
        size += max(length, padded)
        for column in columns:
            column.add(line, row)
        if size >= _BLOCK_BYTES:
            yield _block(columns, lines, source)
            lines, size = [], 0
    if lines:
        yield _block(columns, lines, source)


def _block(columns: list[_KeyValues], lines: list[int], source: DataSource) -> Array:
    return stack_columns([each.take(lines) for each in columns], source, [each.name for each in columns])


def _names(source: DataSource, row: dict[str, Any]) -> list[str]:
    names = list(row)
    return [names[position] for position in column_positions(source, names)]


class _KeyValues:
    """A buffer of the values of one key, filled line by line."""

    def __init__(self, source: DataSource, name: str) -> None:
        self.source, self.name = source, name
        self.lists = Lists(source, name, "line")
        self.values: list[Any] = []

    def add(self, line: int, row: dict[str, Any]) -> None:
        if self.name not in row:
            raise DataError(
                f"{self.source.text} line {line} has no `{self.name}`, which the lines before it have",
                part=part_of(self.source),
                help=did_you_mean(self.name, row, f"it has {one_of(row)}" if row else "it is empty")
                if self.source.is_shown
                else "",
            )
        self.values.append(row[self.name])

    def take(self, lines: list[int]) -> Array:
        """Return the buffered values as an array of shape (lines, ...), and empty the buffer."""
        import numpy as np

        values, self.values = self.values, []
        numbers = owners = np.array(lines)
        lengths: list[Array] = []
        while values and isinstance(values[0], list):
            self._check_lists(values, owners, deeper=len(lengths) < _MAX_DEPTH)
            lengths.append(np.array([len(value) for value in values]))
            values = list(chain.from_iterable(values))
            owners = owners.repeat(lengths[-1])
        return self.lists.stack(self._leaves(values, owners), lengths, numbers)

    def _check_lists(self, values: list[Any], owners: Array, *, deeper: bool) -> None:
        if not deeper:
            raise DataError(f"{self.source.text} line {owners[0]} holds lists in lists, {_MAX_DEPTH} deep and deeper")
        for at, value in enumerate(values):
            if not isinstance(value, list):
                _check_value(value, self.source, f"line {owners[at]}", self.name)
                raise self._mixed_error(f"{kind_of(value)} where a list stands before it", owners[at])

    def _leaves(self, values: list[Any], owners: Array) -> Array:
        import numpy as np

        kinds = set(map(type, values))
        if not kinds <= ({str, int, float, bool} if self.source.as_text else {int, float, bool}):
            for at, value in enumerate(values):
                _check_value(value, self.source, f"line {owners[at]}", self.name)
                if isinstance(value, list):
                    raise self._mixed_error("a list where a single value stands before it", owners[at])
        if self.source.as_text:
            texts = np.empty(len(values), object)
            texts[:] = [value if isinstance(value, str) else as_word(value) for value in values]
            return texts
        if kinds == {bool}:
            return np.array(values, np.bool_)
        if float not in kinds:
            try:
                return np.array(values, np.int64)
            except OverflowError:  # whole numbers beyond 64 bits
                pass
        try:
            return np.array(values, np.float64)
        except OverflowError:
            at = next(at for at, value in enumerate(values) if abs(value) > 10**308)
            raise self._mixed_error("a number beyond what 64 bits can hold", owners[at]) from None

    def _mixed_error(self, what: str, line: int) -> DataError:
        return DataError(
            f"{self.source.text} line {line} column `{self.name}` holds {what}",
            part=part_of(self.source),
            help="all values of a column must be of one kind",
        )


def _check_value(value: Any, source: DataSource, place: str, name: str) -> None:
    """Raise DataError for a value that is null, an object, or text where `source` needs numbers."""
    if value is None:
        raise null_error(source, place, name)
    if isinstance(value, str) and not source.as_text:
        raise text_error(source, name, place)
    if isinstance(value, dict):
        raise DataError(
            f"{source.text} {place} column `{name}` holds an object, not a number or a text",
            part=part_of(source),
            help="write each field of it under a unique key",
        )


def _rows(source: DataSource) -> Iterator[tuple[int, dict[str, Any], int]]:
    """Yield line number, object and bytes of each line that is not blank; raise DataError if there is none."""
    line = blank = 0
    has_object = False
    with open_file(source.path) as file:
        while text := file.readline(_MAX_LINE + 1):
            line += 1
            if len(text) > _MAX_LINE:
                raise DataError(
                    f"{source.text} line {line} is longer than {_MAX_LINE:,} bytes", help="write one object a line"
                )
            if line == 1:
                text = text.removeprefix(b"\xef\xbb\xbf")
            if not text.strip():
                blank += 1
                if blank > _MAX_BLANK_LINES:
                    raise DataError(
                        f"{source.text} line {line} comes after more than {_MAX_BLANK_LINES:,} blank ones",
                        help="write one object a line",
                    )
            else:
                has_object, blank = True, 0
                yield line, _object(text, source, line), len(text)
    if not has_object:
        raise DataError(f"{source.text} is empty", help="write one JSON object a line")


def _object(text: bytes, source: DataSource, line: int) -> dict[str, Any]:
    reason = "it is no object"
    try:
        value = json.loads(text.decode("utf-8"))
        if isinstance(value, dict):
            return value
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at column {error.colno}"
    except RecursionError:
        reason = "its lists lie too deep"
    except ValueError:  # a whole number of thousands of digits
        reason = "it holds a number that is too long"
    raise DataError(f"{source.text} line {line} cannot be read: {reason}", help="write one JSON object a line")


FORMAT = Format(".jsonl", ("column", "columns"), header, blocks=blocks, names=names)
