"""A target column → the end of a model: its last layers, its loss and its metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from graphspec.diagnostics.suggest import one_of
from graphspec.starters.columns import shown
from graphspec.starters.scan import ColumnScan
from graphspec.starters.table import Table, unreadable

_MAX_CLASSES = 1_000
_FEW_CLASSES = 10
_LISTED = 20
_ROWS_EACH = 5
_RARE = 0.1
_DIGITS = 6
_LEAST, _MOST = 1e-15, 1e15
"""Bounds of the deviation of a target, beyond which float32 does not hold its squares."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a model is to predict.

    Attributes:
        kind: `number`, a `skewed` number of 0 and more, `binary`, or one of several `classes`.
        about: What the column holds, for a comment.
        vocabulary: The words that indices stand for, `auto`, or None for classes that are indices already.
        classes: The number of classes.
        share: The share of the second class of two.
        mean: The mean that the model begins with, of the logarithms of what is skewed.
        deviation: The standard deviation, of the same.
    """

    column: ColumnScan
    kind: Literal["number", "skewed", "binary", "classes"]
    about: str
    vocabulary: list[str] | Literal["auto"] | None = None
    classes: int = 0
    share: float = 0.5
    mean: float = 0.0
    deviation: float = 1.0


def target_of(table: Table, column: ColumnScan) -> Target:
    """Return what a model predicts of a column. Raises SpecError where nothing can be learnt of it."""
    name = f"the target `{shown(column.name)}`"
    if column.present == 0:
        raise unreadable(table.path, f"{name} is empty", "name another column by --target")
    if column.different == 1:
        value = shown(next(iter(column.values)))
        raise unreadable(
            table.path, f"{name} is `{value}` in every row", "a model can learn nothing from it: name another"
        )
    if column.is_beyond_float32:
        raise unreadable(table.path, f"{name} holds numbers that float32 does not", "divide them in the table")
    if column.is_number and not _are_classes(column):
        target = _number(column)
        if target.kind == "number" and not _LEAST < target.deviation < _MOST:
            found = "large" if target.deviation >= _MOST else "small"
            help = "write them in another unit in the table, so that they differ by about 1"
            raise unreadable(table.path, f"{name} holds numbers whose squares are too {found} for float32", help)
        return target
    if column.is_date and not column.is_number:
        raise unreadable(table.path, f"{name} holds dates", "write them as numbers, such as days, in the table")
    if column.has_many or column.different > _MAX_CLASSES or column.different > column.present / 2:
        found = "more than 5,000" if column.has_many else f"{column.different:,}"
        help = "a class needs several rows; name a column of numbers, or of fewer different words"
        raise unreadable(table.path, f"{name} has {found} different texts in {column.present:,} rows", help)
    return _class(column)


def _are_classes(column: ColumnScan) -> bool:
    """Return whether numbers are classes: two different ones, or a few that count from 0 or 1."""
    if column.has_many:
        return False
    numbers = {number for each in column.values if (number := column.number_in(each)) is not None}
    if len(numbers) == 2:
        return True
    counted = column.is_whole and column.least in (0, 1) and column.most - column.least + 1 == len(numbers)
    return counted and len(numbers) <= _FEW_CLASSES and column.present >= _ROWS_EACH * len(numbers)


def _number(column: ColumnScan) -> Target:
    about = f"a number from {column.least:g} to {column.most:g}, mean {column.moments.mean:.4g}"
    moments = column.moments
    if column.least >= 0 and moments.deviation > moments.mean and column.most > _FEW_CLASSES:
        logs = column.logarithms
        return Target(
            column=column,
            kind="skewed",
            about=f"{about}, skewed",
            mean=_short(logs.mean),
            deviation=_short(logs.deviation),
        )
    return Target(
        column=column, kind="number", about=about, mean=_short(moments.mean), deviation=_short(moments.deviation) or 1.0
    )


def _class(column: ColumnScan) -> Target:
    values = column.values
    words = sorted(values)
    if column.is_number:
        words.sort(key=lambda each: column.number_in(each) or 0.0)
    most, least = max(values.values()), min(values.values())
    about = f"{len(words)} classes: {one_of([shown(each, 20) for each in words], 6)}; " \
            f"the most frequent is that of {most / column.present:.0%} of the rows"  # fmt: skip
    if least / column.present < _RARE:
        about += f", the rarest of {least / column.present:.2g}"
    are_indices = column.is_number and words == [str(each) for each in range(len(words))]
    is_short = len(words) <= _LISTED and not any("\0" in each for each in words)  # which no text of a spec can hold
    listed: Any = words if is_short else "auto"
    vocabulary = None if are_indices else listed
    if len(words) == 2:
        share = values[words[1]] / column.present
        return Target(column=column, kind="binary", about=about, vocabulary=vocabulary, classes=2, share=share)
    return Target(column=column, kind="classes", about=about, vocabulary=vocabulary, classes=len(words))


def _short(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
