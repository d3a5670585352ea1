"""Rows of metrics → charts: one for each metric, by output, with training and validation as curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from graphspec.runs.report.numbers import finite

MAX_POINTS = 240
"""The maximum number of points of a curve; of more epochs, the lowest and highest of each interval are drawn."""

MAX_VALUES = 12
"""The maximum number of charts of a metric with several values."""

Point = tuple[int, float]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of one metric.

    Attributes:
        name: The label.
        kind: The CSS class.
        segments: Points of (epoch, value), epochs counted from 1; a segment ends before a value that is not finite.
        last: The value of the last epoch; None if it is not finite.
    """

    name: str
    kind: str
    segments: tuple[tuple[Point, ...], ...]
    last: float | None

    @property
    def points(self) -> list[Point]:
        """Return the points of all segments."""
        return [point for segment in self.segments for point in segment]


@dataclass(frozen=True, slots=True)
class Chart:
    """The curves of one metric.

    Attributes:
        title: The name of the metric, without that of its output.
        curves: Training and validation.
        log: Whether the axis is logarithmic.
        gaps: The number of epochs in which a curve is not finite.
    """

    title: str
    curves: tuple[Curve, ...]
    log: bool = False
    gaps: int = 0

    @property
    def values(self) -> list[float]:
        """Return the values of all points."""
        return [value for curve in self.curves for _, value in curve.points]


@dataclass(frozen=True, slots=True)
class MetricGroup:
    """The charts of one output, or of the whole model if the name is empty."""

    output: str
    charts: tuple[Chart, ...]


def metric_groups(rows: Sequence[Row], outputs: Iterable[str]) -> list[MetricGroup]:
    """Return charts of every metric in `rows`: those of the whole model, then by output."""
    outputs = list(outputs)
    names = dict.fromkeys(key.removeprefix("val_") for row in rows for key in row if _is_metric(key))
    charts: dict[str, list[Chart]] = {"": [], **{output: [] for output in outputs}}
    for name in sorted(names, key=lambda name: not name.endswith("loss")):
        output = _output_of(name, outputs)
        title = name.removeprefix(f"{output}_") if output else name
        charts[output] += _charts(rows, name, title)
    return [MetricGroup(output, tuple(each)) for output, each in charts.items() if each]


def _is_metric(key: str) -> bool:
    """Return whether a key of a row is a metric of Keras."""
    return "/" not in key and key not in ("epoch", "step", "stage", "learning_rate", "val_learning_rate")


def chart_of(rows: Sequence[Row], key: str, title: str, *, log: bool = False) -> Chart | None:
    """Return the chart of one key of `rows`; None if it has no finite value."""
    chart = _chart(title, [curve_of(rows, key, title, "only")], rows)
    return replace(chart, log=log and _spans_powers(chart.values, 10)) if chart is not None else None


def curve_of(rows: Sequence[Row], key: str, name: str, kind: str, *, index: int | None = None) -> Curve:
    """Return one key of `rows` as a curve.

    Args:
        rows: The metrics of each epoch.
        key: The metric.
        name: The label of the curve.
        kind: The CSS class of the curve.
        index: The index into a metric of several values.
    """
    segments: list[list[Point]] = [[]]
    value = None
    for number, row in enumerate(rows):
        value = _number(row.get(key), index)
        epoch = row.get("epoch", number)
        if value is not None:
            segments[-1].append((int(epoch) + 1, value))
        elif segments[-1] and key in row:
            segments.append([])
    count = sum(map(len, segments))
    return Curve(name, kind, tuple(_thinned(each, count) for each in segments if each), value)


def _output_of(name: str, outputs: list[str]) -> str:
    """Return the output of a metric: the longest that prefixes its name; empty for a single output."""
    fitting = [output for output in outputs if name.startswith(f"{output}_")]
    return max(fitting, key=len, default="") if len(outputs) > 1 else ""


def _charts(rows: Sequence[Row], name: str, title: str) -> list[Chart]:
    """Return the chart of one metric, or one for each of its values."""
    first = next((row[name] for row in rows if row.get(name) is not None), None)
    indices = range(min(len(first), MAX_VALUES)) if isinstance(first, list) else [None]
    charts = []
    for index in indices:
        curves = [
            curve_of(rows, key, label, label, index=index)
            for key, label in ((name, "training"), (f"val_{name}", "validation"))
            if any(key in row for row in rows)
        ]
        chart = _chart(title if index is None else f"{title} [{index}]", curves, rows)
        if chart is not None:
            charts.append(replace(chart, log="loss" in name and _spans_powers(chart.values, 100)))
    return charts


def _chart(title: str, curves: list[Curve], rows: Sequence[Row]) -> Chart | None:
    drawn = tuple(curve for curve in curves if curve.segments)
    return Chart(title, drawn, gaps=_gaps(curves, rows)) if drawn else None


def _gaps(curves: list[Curve], rows: Sequence[Row]) -> int:
    """Return the number of epochs missing in a curve; thinning keeps segments, and so gaps."""
    last = max((int(row.get("epoch", number)) + 1 for number, row in enumerate(rows)), default=0)
    lost = [0]
    for curve in curves:
        if curve.segments:
            inner = sum(after[0][0] - before[-1][0] - 1 for before, after in pairwise(curve.segments))
            lost.append(inner + (last - curve.points[-1][0] if curve.last is None else 0))
    return max(lost)


def _number(value: object, index: int | None) -> float | None:
    if isinstance(value, list) and index is not None:
        value = value[index] if index < len(value) else None
    return finite(value)


def _thinned(points: list[Point], total: int) -> tuple[Point, ...]:
    """Return the points, thinned to the lowest and highest of each interval if there are too many."""
    if total <= MAX_POINTS:
        return tuple(points)
    size = -(-2 * total // MAX_POINTS)
    kept = {points[0], points[-1]}
    for start in range(0, len(points), size):
        part = points[start : start + size]
        kept |= {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
    return tuple(sorted(kept))


def _spans_powers(values: list[float], factor: float) -> bool:
    """Return whether the values are positive, and the highest exceeds `factor` times the lowest."""
    return bool(values) and min(values) > 1e-200 and 1e200 > max(values) > factor * min(values)
