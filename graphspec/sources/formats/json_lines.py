"""`.jsonl`: one JSON object a line; each source is one of their keys, or several stacked on a last axis.

Read with the standard library, line by line: a mistake is told with its line, and no extra is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.files import open_file
from graphspec.sources.format import Format
from graphspec.sources.formats.lists import Lists, stacked
from graphspec.sources.formats.table_columns import holds_text, no_value, part_of, positions
from graphspec.sources.source import DataError, DataSource, Header
from graphspec.sources.transforms import as_word

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_LONGEST = 1 << 23
"""Bytes of a line; a longer one is not read."""

_BLANK = 1 << 16
"""Blank lines in a row, at most."""

_BLOCK = 1 << 22
"""Bytes of lines that are read together."""

_DEEPEST = 16
"""Lists in lists, at most: deeper than samples go."""


def header(source: DataSource) -> Header:
    """What the first line tells: that it has the keys, and the shape of their values.

    Lists that are not padded have the lengths of the first line, or the file is refused when it is read. Raises
    DataError where the file has no line, or the first is no such object.
    """
    line, row, _ = next(_rows(source))
    names, depths, shapes = _names(source, row), [], []
    for name in names:
        value = row[name]
        shape: list[int] = []
        while isinstance(value, list) and len(shape) < _DEEPEST:
            shape.append(len(value))
            value = value[0] if value else 0
        _refuse(value, source, f"line {line}", name)
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


def blocks(source: DataSource) -> Iterator[Array]:
    """The values of the keys in order: text, or bool or int64 where all of a block are such, else float64.

    Shape (samples, ...) for `column`, (samples, ..., columns) for `columns`. Raises DataError with the line of what
    is no JSON object, lacks a key, or holds something else than the lines before it.
    """
    rows = _rows(source)
    first = next(rows)
    columns = [_Values(source, name) for name in _names(source, first[1])]
    lines: list[int] = []
    padded = 8 * (source.transforms.pad or 0)
    size = 0
    for line, row, length in chain([first], rows):
        lines.append(line)
        size += max(length, padded)
        for column in columns:
            column.add(line, row)
        if size >= _BLOCK:
            yield _together(columns, lines, source)
            lines, size = [], 0
    if lines:
        yield _together(columns, lines, source)


def _together(columns: list[_Values], lines: list[int], source: DataSource) -> Array:
    return stacked([each.taken(lines) for each in columns], source, [each.name for each in columns])


def _names(source: DataSource, row: dict[str, Any]) -> list[str]:
    names = list(row)
    return [names[position] for position in positions(source, names)]


class _Values:
    """The values of one key, gathered line by line."""

    def __init__(self, source: DataSource, name: str) -> None:
        self.source, self.name = source, name
        self.lists = Lists(source, name, "line")
        self.held: list[Any] = []

    def add(self, line: int, row: dict[str, Any]) -> None:
        if self.name not in row:
            raise DataError(
                f"{self.source.text} line {line} has no `{self.name}`, which the lines before it have",
                part=part_of(self.source),
                help=did_you_mean(self.name, row, f"it has {one_of(row)}" if row else "it is empty")
                if self.source.is_shown
                else "",
            )
        self.held.append(row[self.name])

    def taken(self, lines: list[int]) -> Array:
        """What was gathered since the last time, an array; shape (lines, ...)."""
        import numpy as np

        values, self.held = self.held, []
        numbers = owners = np.array(lines)
        lengths: list[Array] = []
        while values and isinstance(values[0], list):
            self._refuse_others(values, owners, deeper=len(lengths) < _DEEPEST)
            lengths.append(np.array([len(value) for value in values]))
            values = list(chain.from_iterable(values))
            owners = owners.repeat(lengths[-1])
        return self.lists.stack(self._leaves(values, owners), lengths, numbers)

    def _refuse_others(self, values: list[Any], owners: Array, *, deeper: bool) -> None:
        if not deeper:
            raise DataError(f"{self.source.text} line {owners[0]} holds lists in lists, {_DEEPEST} deep and deeper")
        for at, value in enumerate(values):
            if not isinstance(value, list):
                _refuse(value, self.source, f"line {owners[at]}", self.name)
                raise self._not(f"{kind_of(value)} where a list stands before it", owners[at])

    def _leaves(self, values: list[Any], owners: Array) -> Array:
        import numpy as np

        kinds = set(map(type, values))
        if not kinds <= ({str, int, float, bool} if self.source.as_text else {int, float, bool}):
            for at, value in enumerate(values):
                _refuse(value, self.source, f"line {owners[at]}", self.name)
                if isinstance(value, list):
                    raise self._not("a list where a single value stands before it", owners[at])
        if self.source.as_text:
            found = np.empty(len(values), object)
            found[:] = [value if isinstance(value, str) else as_word(value) for value in values]
            return found
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
            raise self._not("a number beyond what 64 bits can hold", owners[at]) from None

    def _not(self, what: str, line: int) -> DataError:
        return DataError(
            f"{self.source.text} line {line} column `{self.name}` holds {what}",
            part=part_of(self.source),
            help="all values of a column must be of one kind",
        )


def _refuse(value: Any, source: DataSource, place: str, name: str) -> None:
    """Raise DataError where a value is neither a number, a text for a source that takes text, nor a list."""
    if value is None:
        raise no_value(source, place, name)
    if isinstance(value, str) and not source.as_text:
        raise holds_text(source, name, place)
    if isinstance(value, dict):
        raise DataError(
            f"{source.text} {place} column `{name}` holds an object, not a number or a text",
            part=part_of(source),
            help="write each field of it under a unique key",
        )


def _rows(source: DataSource) -> Iterator[tuple[int, dict[str, Any], int]]:
    """Each object with the line it stands on and the bytes of that; blank lines are passed over. There is one."""
    line = blank = 0
    found = False
    with open_file(source.path) as file:
        while text := file.readline(_LONGEST + 1):
            line += 1
            if len(text) > _LONGEST:
                raise DataError(
                    f"{source.text} line {line} is longer than {_LONGEST:,} bytes", help="write one object a line"
                )
            if line == 1:
                text = text.removeprefix(b"\xef\xbb\xbf")
            if not text.strip():
                blank += 1
                if blank > _BLANK:
                    raise DataError(
                        f"{source.text} line {line} comes after more than {_BLANK:,} blank ones",
                        help="write one object a line",
                    )
            else:
                found, blank = True, 0
                yield line, _object(text, source, line), len(text)
    if not found:
        raise DataError(f"{source.text} is empty", help="write one JSON object a line")


def _object(text: bytes, source: DataSource, line: int) -> dict[str, Any]:
    reason = "it is no object"
    try:
        found = json.loads(text.decode("utf-8"))
        if isinstance(found, dict):
            return found
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at column {error.colno}"
    except RecursionError:
        reason = "its lists lie too deep"
    except ValueError:  # a whole number of thousands of digits
        reason = "it holds a number that is too long"
    raise DataError(f"{source.text} line {line} cannot be read: {reason}", help="write one JSON object a line")


FORMAT = Format(".jsonl", ("column", "columns"), header, blocks=blocks)
