"""The cells of a column → what it holds: numbers, dates or text, how many different ones, how many are missing."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container, Sequence
from datetime import date, datetime
from functools import lru_cache

from graphspec.starters.table import Table

MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-"))
"""Cells without a value, in lower case."""

MANY = 5_000
"""The number of different values that are counted; a column with more has many."""

_SAMPLE = 2_000
"""Values of a text that its length is estimated from."""

_FLOAT32 = 3e38
_DECIMAL_COMMA = re.compile(r"[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+),\d+(?:[eE][-+]?\d+)?|[-+]?\d{1,3}(?:\.\d{3}){2,}")
_GROUPS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")


def is_missing(cell: str) -> bool:
    """Return whether a cell has no value."""
    return cell.strip().lower() in MISSING


def number_of(cell: str, *, decimal_comma: bool) -> float | None:
    """Return the finite number in a cell, which may have separators between its thousands; None where there is none.

    Args:
        cell: The text, such as `1,234.5`.
        decimal_comma: The same number is `1.234,5`.
    """
    if decimal_comma and _DECIMAL_COMMA.fullmatch(cell.strip()):
        cell = cell.replace(".", "").replace(",", ".")
    elif not decimal_comma and _GROUPS.fullmatch(cell.strip()):
        cell = cell.replace(",", "")
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in cell else None


class Moments:
    """The mean and the standard deviation of numbers that come in blocks."""

    def __init__(self) -> None:
        self.count, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, numbers: Sequence[float]) -> None:
        count = len(numbers)
        mean = math.fsum(numbers) / count
        squares = math.fsum([(each - mean) * (each - mean) for each in numbers])
        total = self.count + count
        self._squares += squares + (mean - self.mean) ** 2 * self.count * count / total
        self.mean += (mean - self.mean) * count / total
        self.count = total

    @property
    def deviation(self) -> float:
        """The standard deviation; 0 where all numbers are the same."""
        return math.sqrt(self._squares / self.count) if self.count else 0.0


class ColumnScan:
    """Statistics of the cells of one column."""

    def __init__(self, name: str, *, decimal_comma: bool = False, is_target: bool = False) -> None:
        self.name = name
        self.is_target = is_target
        self.decimal_comma = decimal_comma
        self.rows = self.missing = self.words = self.sampled = 0
        self.values: Counter[str] = Counter()
        self.has_many = False
        self.is_number = self.is_whole = self.is_plain_number = True
        self.is_date = True
        self.has_infinite = self.has_commas = False
        self.least, self.most = math.inf, -math.inf
        self.moments, self.logarithms = Moments(), Moments()
        self.example = 0.0

    @property
    def present(self) -> int:
        """The number of cells with a value."""
        return self.rows - self.missing

    @property
    def different(self) -> int:
        """The number of different values, at least."""
        return len(self.values)

    @property
    def words_each(self) -> float:
        """The mean number of words of a text."""
        return self.words / self.sampled if self.sampled else 0.0

    def number_in(self, cell: str) -> float | None:
        """Return the number in a cell of the column; None where there is none."""
        return number_of(cell, decimal_comma=self.decimal_comma)

    def add(self, cells: Sequence[str]) -> None:
        """Look at some more cells."""
        self.rows += len(cells)
        present = cells
        numbers = self._plain_numbers(cells) if self.is_number else None
        if numbers is None:
            present = [cell for cell in cells if not is_missing(cell)]
            self.missing += len(cells) - len(present)
            numbers = self._numbers(present) if self.is_number else None
            self.is_plain_number = False
        if not self.has_many:
            self.values.update(present)
            self.has_many = len(self.values) > MANY
        if numbers:
            self._add_numbers(numbers)
        if not self.is_number and present:
            self._add_texts(present)

    def _plain_numbers(self, cells: Sequence[str]) -> list[float] | None:
        """Return the numbers of cells that are nothing else; None otherwise."""
        try:
            numbers = list(map(float, cells))
        except ValueError:
            return None
        return (
            numbers
            if math.isfinite(math.fsum(map(abs, numbers)) if numbers else 0) and "_" not in "".join(cells)
            else None
        )

    def _numbers(self, present: Sequence[str]) -> list[float] | None:
        found = []
        for cell in present:
            number = self.number_in(cell)
            if number is not None:
                found.append(number)
                self.has_commas = self.has_commas or "," in cell
            elif cell.strip().lower().lstrip("+-") in ("inf", "infinity"):
                self.has_infinite = True
                self.missing += 1
            else:
                self.is_number = False
                return None
        return found

    def _add_numbers(self, numbers: list[float]) -> None:
        if self.moments.count == 0:
            self.example = sorted(numbers)[len(numbers) // 2]
        self.least, self.most = min(self.least, *numbers), max(self.most, *numbers)
        self.is_whole = self.is_whole and all(map(float.is_integer, numbers))
        if max(self.most, -self.least) > _FLOAT32:
            return
        self.moments.add(numbers)
        if self.is_target and self.least >= 0:
            self.logarithms.add([math.log1p(each) for each in numbers])
        self.is_date = False

    def _add_texts(self, present: Sequence[str]) -> None:
        if self.sampled < _SAMPLE:
            sample = present[: _SAMPLE - self.sampled]
            self.sampled += len(sample)
            self.words += sum(len(each.split()) for each in sample)
        if self.is_date:
            self.is_date = all(day_of(each) is not None for each in present)

    @property
    def is_beyond_float32(self) -> bool:
        """True where a number is larger than float32 can hold."""
        return self.is_number and self.present > 0 and max(self.most, -self.least) > _FLOAT32


@lru_cache(maxsize=MANY)
def day_of(cell: str) -> date | None:
    """Return the day that a cell denotes in ISO 8601, such as `2024-05-31` or `2024-05-31T12:00:00`."""
    cell = cell.strip()
    if len(cell) < len("2024-05-31") or cell[4] != "-":
        return None
    try:
        return datetime.fromisoformat(cell).date()
    except ValueError:
        return None


def scan(table: Table, targets: Container[str]) -> list[ColumnScan]:
    """Return what each column of a table holds. targets: the columns whose logarithms are looked at, too."""
    commas = table.has_decimal_commas
    columns = [ColumnScan(name, decimal_comma=commas, is_target=name in targets) for name in table.names]
    for block in table.blocks():
        for column, cells in zip(columns, zip(*block, strict=True), strict=True):
            column.add(cells)
    return columns
