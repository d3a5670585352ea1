"""Charts as SVG: metrics by epoch, stacked shares, scatter plots and histograms.

Each is as wide as a phone, so that its text is never scaled down much; colours are classes of the page's style.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10

from graphspec.drawing.markup import Child, Markup, tag
from graphspec.runs.report.numbers import Range, log_ticks, short, span_of, tick_text, ticks
from graphspec.runs.report.series import Chart, Curve

WIDTH, HEIGHT = 360.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 16.0, 10.0, 24.0

_DENSE = 120
"""With more points, lines are drawn thinner and points fainter."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The epochs that charts mark, counted from 1.

    Attributes:
        best: The best epoch.
        stages: The name of each stage of the training, and its first epoch.
    """

    best: int | None = None
    stages: tuple[tuple[str, int], ...] = ()


def line_chart(chart: Chart, marks: Marks = Marks()) -> Markup:
    """Return a chart of a metric by epoch, with its values for the script of the page.

    Args:
        chart: The curves to draw.
        marks: The epochs to mark.
    """
    if not chart.values:
        return Markup()
    frame = _Frame(_epochs(chart.curves), span_of(chart.values, log=chart.log), log=chart.log)
    data = {
        "x": frame.x,
        "y": frame.y,
        "log": chart.log,
        "plot": [LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM],
        "curves": [
            {"name": curve.name, "kind": curve.kind, "points": [[x, float(f"{y:.5g}")] for x, y in curve.points]}
            for curve in chart.curves
        ],
    }
    marked = [_mark(frame, first - 0.5, f"{name} begins", "stage") for name, first in marks.stages[1:]]
    if marks.best is not None and frame.x[0] <= marks.best <= frame.x[1]:
        marked.append(_mark(frame, marks.best, f"the best epoch, {marks.best}", "best"))
    lines = [_line(curve, frame) for curve in chart.curves]
    label = f"{chart.title} by epoch; " + ", ".join(f"{each.name} ends at {short(each.last)}" for each in chart.curves)
    return _svg(frame.axes(), marked, lines, label=label, class_="plot curves", data_chart=json.dumps(data))


def _mark(frame: _Frame, epoch: float, title: str, class_: str) -> Markup:
    line = f"M{frame.across(epoch):.1f} {TOP:g}V{HEIGHT - BOTTOM:g}"
    return tag("path", tag("title", title), class_=class_, d=line)


def share_chart(curves: Sequence[Curve]) -> Markup:
    """Return a chart of stacked shares by epoch, of curves with points at the same epochs."""
    frame = _Frame(_epochs(curves), (0.0, 1.0))
    below = dict.fromkeys((epoch for curve in curves for epoch, _ in curve.points), 0.0)
    areas = []
    for curve in curves:
        upper = {epoch: below[epoch] + value for epoch, value in curve.points}
        epochs = sorted(upper)
        if len(epochs) == 1:
            edges = [(frame.x[0], epochs[0]), (frame.x[1], epochs[0])]
        else:
            edges = [(epoch, epoch) for epoch in epochs]
        over = " ".join(f"{frame.across(x):.1f},{frame.up(upper[at]):.1f}" for x, at in edges)
        under = " ".join(f"{frame.across(x):.1f},{frame.up(below[at]):.1f}" for x, at in reversed(edges))
        areas.append(tag("polygon", tag("title", curve.name), points=f"{over} {under}", class_=f"area {curve.kind}"))
        below.update(upper)
    return _svg(areas, frame.axes(), label="each output's share of the loss by epoch", class_="plot shares")


def scatter(target: Sequence[float], predicted: Sequence[float], name: str) -> Markup:
    """Return a scatter plot of predictions against targets, with the line of equality."""
    both = span_of([*target, *predicted])
    frame = _Frame(both, both, height=300.0, x_title="target", y_title="predicted")
    (start, end), class_ = both, "equal"
    equal = tag("path", class_=class_, d=f"M{frame.across(start):.1f} {frame.up(start):.1f}"
                                         f"L{frame.across(end):.1f} {frame.up(end):.1f}")  # fmt: skip
    points = [
        tag("circle", cx=f"{frame.across(x):.1f}", cy=f"{frame.up(y):.1f}", r="2.4")
        for x, y in zip(target, predicted, strict=True)
    ]
    label = f"{name}: predicted against target, {len(points)} samples"
    return _svg(
        frame.axes(),
        equal,
        tag("g", points, class_="points few" if len(points) < _DENSE else "points"),
        label=label,
        class_="plot",
        height=300.0,
    )


def histogram(counts: Sequence[int], edges: Sequence[float], name: str) -> Markup:
    """Return a histogram of errors; there is one more of `edges` than of `counts`."""
    frame = _Frame((edges[0], edges[-1]), (0.0, max(counts) * 1.06), x_title="predicted − target", y_title="values")
    bars = [
        tag(
            "rect",
            tag("title", f"{short(left)} to {short(right)}: {count:,}"),
            x=f"{frame.across(left) + 0.5:.1f}",
            y=f"{frame.up(count):.1f}",
            width=f"{max(1.0, frame.across(right) - frame.across(left) - 1):.1f}",
            height=f"{frame.up(0) - frame.up(count):.1f}",
            class_="bar",
        )
        for count, left, right in zip(counts, edges, edges[1:], strict=False)
    ]
    return _svg(frame.axes(), bars, label=f"{name}: a histogram of the errors", class_="plot")


class _Frame:
    """The axes of a chart, which map values to coordinates."""

    def __init__(
        self,
        x: Range,
        y: Range,
        *,
        log: bool = False,
        height: float = HEIGHT,
        x_title: str = "epoch",
        y_title: str = "",
    ) -> None:
        self.x, self.y, self.log, self.height = x, y, log, height
        self.titles = (x_title, y_title)
        self.bottom = height - BOTTOM - (12 if y_title else 0)

    def across(self, value: float) -> float:
        low, high = self.x
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def up(self, value: float) -> float:
        scale: Callable[[float], float] = log10 if self.log else float
        low, high = scale(self.y[0]), scale(self.y[1])
        return self.bottom - (scale(value) - low) / (high - low) * (self.bottom - TOP)

    def axes(self) -> Markup:
        rows = (log_ticks if self.log else ticks)(*self.y)
        grid = [tag("path", d=f"M{LEFT:g} {self.up(each):.1f}H{WIDTH - RIGHT:g}") for each in rows]
        left = [
            tag("text", tick_text(each), x=f"{LEFT - 6:g}", y=f"{self.up(each) + 3.5:.1f}", text_anchor="end")
            for each in rows
        ]
        across = [each for each in ticks(*self.x) if self.titles[0] != "epoch" or each == int(each)]
        under = [
            tag("text", tick_text(each), x=f"{self.across(each):.1f}", y=f"{self.bottom + 15:g}", text_anchor="middle")
            for each in across
        ]
        titles = []
        if self.titles[1]:
            titles = [
                tag(
                    "text", f"{self.titles[0]} →", x=f"{WIDTH - RIGHT:g}", y=f"{self.bottom + 31:g}", text_anchor="end"
                ),
                tag("text", f"↑ {self.titles[1]}", x=f"{LEFT:g}", y=f"{self.bottom + 31:g}"),
            ]
        base = tag("path", d=f"M{LEFT:g} {self.bottom:g}H{WIDTH - RIGHT:g}", class_="base")
        return Markup(tag("g", grid, class_="grid") + tag("g", base, left, under, titles, class_="axis"))


def _epochs(curves: Sequence[Curve]) -> Range:
    return span_of([epoch for curve in curves for epoch, _ in curve.points], whole=True)


def _line(curve: Curve, frame: _Frame) -> Markup:
    """Return the segments of a curve as lines, those of one epoch as dots."""
    shapes = []
    class_ = f"line dense {curve.kind}" if len(curve.points) > _DENSE else f"line {curve.kind}"
    for segment in curve.segments:
        points = [f"{frame.across(x):.1f} {frame.up(y):.1f}" for x, y in segment]
        if len(points) == 1:
            x, y = points[0].split()
            shapes.append(tag("circle", cx=x, cy=y, r="3", class_=f"dot {curve.kind}"))
        else:
            shapes.append(tag("path", d="M" + "L".join(points), class_=class_))
    return Markup("".join(shapes))


def _svg(*children: Child, label: str, class_: str, height: float = HEIGHT, **more: object) -> Markup:
    return tag(
        "svg", *children, viewBox=f"0 0 {WIDTH:g} {height:g}", role="img", aria_label=label, class_=class_, **more
    )
