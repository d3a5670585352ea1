"""A table → the CSV that a spec can read where the table itself is not one: gaps filled, dates as numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from graphspec.starters.columns import Feature, shown
from graphspec.starters.scan import MANY, ColumnScan, day_of, is_missing
from graphspec.starters.table import Table
from graphspec.starters.targets import Target

_EPOCH = 730_120
"""The ordinal of the first day of 2000."""
_LISTED = 3
_DAY_PARTS = ("year", "month", "weekday", "days")


@dataclass
class Plan:
    """The columns of the prepared table.

    Attributes:
        numbers, others: The names of the columns of numbers, and of each feature that is none.
        changes: What differs from the table, in words; without any, the table itself is read.
    """

    table: Table
    targets: list[Target]
    numbers: list[str] = field(default_factory=list)
    others: dict[str, Feature] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    makers: list[tuple[str, int, Callable[[str], str]]] = field(default_factory=list)

    def is_needed(self) -> bool:
        """Return whether a spec cannot read the table as it is."""
        return bool(self.changes) or not self.table.is_plain

    def blocks(self) -> Iterator[bytes]:
        """Yield the prepared table as CSV."""
        gaps = [self.table.names.index(each.column.name) for each in self.targets if each.column.missing]
        yield _csv_bytes([[name for name, _, _ in self.makers]])
        for block in self.table.blocks():
            rows = [row for row in block if not any(is_missing(row[at]) for at in gaps)] if gaps else block
            columns = [[make(row[at]) for row in rows] for _, at, make in self.makers]
            if rows:
                yield _csv_bytes(list(zip(*columns, strict=True)))


def plan_of(table: Table, features: list[Feature], targets: list[Target]) -> Plan:
    """Return how a table is prepared for a spec."""
    plan = Plan(table, targets, changes=list(table.changes))
    taken = set(table.names)
    for feature in features:
        at = table.names.index(feature.name)
        if feature.role == "number":
            _add_number(plan, feature.scan, at, taken)
        elif feature.role == "day":
            _add_day(plan, feature.scan, at, taken)
        elif feature.role != "none":
            plan.others[feature.name] = feature
            plan.makers.append((feature.name, at, str))
    for target in targets:
        is_number = target.kind in ("number", "skewed")
        column = target.column
        plan.makers.append(
            (
                column.name,
                table.names.index(column.name),
                _plain(column) if is_number else str.strip if column.is_number else str,
            )
        )
        if column.missing:
            plan.changes.append(f"{column.missing:,} rows without `{shown(column.name)}` are left out")
    numbers = [each.scan for each in features if each.role == "number"]
    numbers += [each.column for each in targets if each.kind in ("number", "skewed")]
    if commas := [f"`{shown(each.name)}`" for each in numbers if each.has_commas]:
        more = f" and {len(commas) - _LISTED} more" if len(commas) > _LISTED else ""
        signs = "decimal points" if numbers[0].decimal_comma else "no commas"
        plan.changes.append(f"the numbers of {', '.join(commas[:_LISTED])}{more} are written with {signs}")
    return plan


def _add_number(plan: Plan, column: ColumnScan, at: int, taken: set[str]) -> None:
    plan.numbers.append(column.name)
    plan.makers.append((column.name, at, _plain(column)))
    if column.missing:
        flag = _free(f"{column.name} is missing", taken)
        plan.numbers.append(flag)
        plan.makers.append((flag, at, lambda cell: "0" if column.number_in(cell) is not None else "1"))
        plan.changes.append(
            f"{column.missing:,} gaps of `{shown(column.name)}` are filled with {column.example:g}; "
            f"`{shown(flag, 60)}` tells where"
        )


def _add_day(plan: Plan, column: ColumnScan, at: int, taken: set[str]) -> None:
    for number, part in enumerate(_DAY_PARTS):
        name = _free(f"{column.name} {part}", taken)
        plan.numbers.append(name)
        plan.makers.append((name, at, lambda cell, number=number: _parts(cell)[number]))  # type: ignore[misc]
    plan.changes.append(
        f"the date `{shown(column.name)}` is written as {', '.join(_DAY_PARTS[:-1])} and days since 2000"
    )


@lru_cache(maxsize=MANY)
def _parts(cell: str) -> tuple[str, ...]:
    """Return the parts of a date; those of the first day of 2000 where there is none."""
    day = day_of(cell)
    if day is None:
        return ("2000", "1", "6", "0")
    return (str(day.year), str(day.month), str(day.isoweekday()), str(day.toordinal() - _EPOCH))


def _plain(column: ColumnScan) -> Callable[[str], str]:
    """Return what writes a cell of numbers so that every reader takes it."""
    if column.is_plain_number:
        return str

    def write(cell: str) -> str:
        number = column.number_in(cell)
        number = column.example if number is None else number
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)

    return write


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no column has, and take it."""
    free, count = name, 2
    while free in taken:
        free, count = f"{name} {count}", count + 1
    taken.add(free)
    return free


def _csv_bytes(rows: list[tuple[str, ...]] | list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
