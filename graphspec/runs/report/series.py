"""Rows of metrics → the curves of a page: one chart a metric, by output, training beside validation, thinned out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from graphspec.runs.report.numbers import finite

MOST_POINTS = 240
"""Of a curve. With more epochs, each stretch of them is drawn by its lowest and its highest."""

MOST_VALUES = 12
"""Of a metric of several values, so many are drawn, each in a chart of its own."""

Point = tuple[int, float]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: points of (epoch, value), epochs counted from 1; a stretch ends where a value is not finite.

    kind: the class of its looks. last is the value of the last epoch, None where it is not finite.
    """

    name: str
    kind: str
    stretches: tuple[tuple[Point, ...], ...]
    last: float | None

    @property
    def points(self) -> list[Point]:
        """All points."""
        return [point for stretch in self.stretches for point in stretch]


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves of one metric. gaps counts the epochs in which one of them is not finite; log: by powers of ten."""

    title: str
    curves: tuple[Curve, ...]
    log: bool = False
    gaps: int = 0

    @property
    def values(self) -> list[float]:
        """Every finite value that is drawn."""
        return [value for curve in self.curves for _, value in curve.points]


@dataclass(frozen=True, slots=True)
class Group:
    """The charts of one output, or, without a name, those of the whole model."""

    output: str
    charts: tuple[Chart, ...]


def metric_groups(rows: Sequence[Row], outputs: Iterable[str]) -> list[Group]:
    """The charts of every metric in `rows`: of the whole model first, then by output in the order of `outputs`."""
    outputs = list(outputs)
    names = dict.fromkeys(key.removeprefix("val_") for row in rows for key in row if _is_metric(key))
    found: dict[str, list[Chart]] = {"": [], **{output: [] for output in outputs}}
    for name in sorted(names, key=lambda name: not name.endswith("loss")):
        output = _output_of(name, outputs)
        title = name.removeprefix(f"{output}_") if output else name
        found[output] += _charts(rows, name, title)
    return [Group(output, tuple(charts)) for output, charts in found.items() if charts]


def _is_metric(key: str) -> bool:
    """Whether a key of a row is a metric as Keras names it, and not what was measured beside them."""
    return "/" not in key and key not in ("epoch", "step", "learning_rate", "val_learning_rate")


def chart_of(rows: Sequence[Row], key: str, title: str, *, log: bool = False) -> Chart | None:
    """The chart of one key of `rows`; None where there is no finite value of it."""
    chart = _chart(title, [curve_of(rows, key, title, "only")], rows)
    return replace(chart, log=log and _spans_powers(chart.values, 10)) if chart is not None else None


def curve_of(rows: Sequence[Row], key: str, name: str, kind: str, index: int | None = None) -> Curve:
    """One key of `rows` as a curve. index: of a metric of several values, which."""
    stretches: list[list[Point]] = [[]]
    value = None
    for number, row in enumerate(rows):
        value = _number(row.get(key), index)
        epoch = row.get("epoch", number)
        if value is not None:
            stretches[-1].append((int(epoch) + 1, value))
        elif stretches[-1] and key in row:
            stretches.append([])
    count = sum(map(len, stretches))
    return Curve(name, kind, tuple(_thinned(each, count) for each in stretches if each), value)


def _output_of(name: str, outputs: list[str]) -> str:
    """The output that a metric is of: the longest whose name it begins with; of an only output it bears no name."""
    fitting = [output for output in outputs if name.startswith(f"{output}_")]
    return max(fitting, key=len, default="") if len(outputs) > 1 else ""


def _charts(rows: Sequence[Row], name: str, title: str) -> list[Chart]:
    """The chart of one metric; several for a metric of several values."""
    first = next((row[name] for row in rows if row.get(name) is not None), None)
    indices = range(min(len(first), MOST_VALUES)) if isinstance(first, list) else [None]
    found = []
    for index in indices:
        curves = [
            curve_of(rows, key, label, label, index)
            for key, label in ((name, "training"), (f"val_{name}", "validation"))
            if any(key in row for row in rows)
        ]
        chart = _chart(title if index is None else f"{title} [{index}]", curves, rows)
        if chart is not None:
            found.append(replace(chart, log="loss" in name and _spans_powers(chart.values, 100)))
    return found


def _chart(title: str, curves: list[Curve], rows: Sequence[Row]) -> Chart | None:
    drawn = tuple(curve for curve in curves if curve.stretches)
    return Chart(title, drawn, gaps=_gaps(curves, rows)) if drawn else None


def _gaps(curves: list[Curve], rows: Sequence[Row]) -> int:
    """The epochs in which a curve that has begun breaks off. Thinning keeps stretches apart, and so their number."""
    last = max((int(row.get("epoch", number)) + 1 for number, row in enumerate(rows)), default=0)
    lost = [0]
    for curve in curves:
        if curve.stretches:
            inner = sum(after[0][0] - before[-1][0] - 1 for before, after in pairwise(curve.stretches))
            lost.append(inner + (last - curve.points[-1][0] if curve.last is None else 0))
    return max(lost)


def _number(value: object, index: int | None) -> float | None:
    if isinstance(value, list) and index is not None:
        value = value[index] if index < len(value) else None
    return finite(value)


def _thinned(points: list[Point], total: int) -> tuple[Point, ...]:
    """The points, or of each of so many stretches of them the lowest and the highest, first and last kept."""
    if total <= MOST_POINTS:
        return tuple(points)
    size = -(-2 * total // MOST_POINTS)
    kept = {points[0], points[-1]}
    for start in range(0, len(points), size):
        part = points[start : start + size]
        kept |= {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
    return tuple(sorted(kept))


def _spans_powers(values: list[float], factor: float) -> bool:
    """Whether the values are positive, and the highest more than `factor` times the lowest."""
    return bool(values) and min(values) > 1e-200 and 1e200 > max(values) > factor * min(values)
