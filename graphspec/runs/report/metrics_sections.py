"""The sections of the training: curves of metrics by output, shares of the loss, and speed."""

from __future__ import annotations

from collections.abc import Sequence

from graphspec.drawing.markup import Markup, note, tag
from graphspec.runs.report.numbers import finite, short
from graphspec.runs.report.plots import Marks, line_chart, share_chart
from graphspec.runs.report.series import MAX_POINTS, Chart, Curve, Row, chart_of, curve_of, metric_groups

MAX_SHARES = 8
"""The maximum number of shares with a colour each; the smallest of more are drawn as one."""

_NAMES = {"only": "last"}


def curves_section(rows: Sequence[Row], outputs: Sequence[str], best: int | None) -> Markup:
    """Return charts of every metric by epoch, with the epoch `best`, counted from 1, marked."""
    if not rows:
        return note("No epoch has been finished, so there are no metrics yet.", kind="warning")
    parts: list[Markup] = []
    marks = Marks(best, _stages(rows))
    if marks.stages:
        parts.append(tag("p", f"Stages: {_spans(marks.stages, rows)}.", class_="quiet"))
    if best is not None:
        parts.append(tag("p", f"By epoch; the dotted line is the best one, {best}.", class_="quiet"))
    if len(rows) > MAX_POINTS:
        parts.append(tag("p", f"Of {len(rows):,} epochs, each interval is drawn by its lowest and highest value; "
                              "metrics.csv of the run holds them all.", class_="quiet"))  # fmt: skip
    groups = metric_groups(rows, outputs)
    small = [group for group in groups if group.output and len(group.charts) == 1]
    for group in groups:
        if group not in small or len(small) == 1:
            heading = [tag("h3", "output ", tag("code", group.output))] if group.output else []
            parts += [*heading, tag("div", [_figure(chart, marks) for chart in group.charts], class_="charts")]
    if len(small) > 1:
        figures = [_figure(chart, marks, group.output) for group in small for chart in group.charts]
        parts += [tag("h3", "by output"), tag("div", figures, class_="charts")]
    return Markup("".join(parts))


def speed_section(rows: Sequence[Row], outputs: Sequence[str], best: int | None) -> Markup | None:
    """Return charts of learning rate, shares of the loss and speed; None without data."""
    marks = Marks(best, _stages(rows))
    figures = [
        _figure(chart, marks)
        for key, title, log in (
            ("optimizer/learning_rate", "learning rate", True),
            ("time/samples_per_second", "samples a second", False),
            ("time/data_wait", "share of time waiting for data", False),
            ("time/seconds", "seconds an epoch", False),
        )
        if (chart := chart_of(rows, key, title, log=log)) is not None
    ]
    shares = _shares(rows, outputs)
    if shares is not None:
        figures.insert(1, shares)
    return tag("div", figures, class_="charts") if figures else None


def _figure(chart: Chart, marks: Marks, output: str = "") -> Markup:
    """Return a chart with the last value of each curve, and `output` in its title."""
    remarks = []
    if chart.log:
        remarks.append("by powers of ten")
    if chart.gaps:
        remarks.append(f"not a finite number in {chart.gaps:,} epoch{'s' if chart.gaps > 1 else ''}")
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("b", [tag("code", output), " "] if output else None, chart.title),
            [_key(curve) for curve in chart.curves],
        ),
        line_chart(chart, marks),
        tag("div", "; ".join(remarks), class_="remark") if remarks else None,
    )


def _stages(rows: Sequence[Row]) -> tuple[tuple[str, int], ...]:
    """Return the stages of a training with their first epochs, counted from 1; empty without stages."""
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        if isinstance(name := row.get("stage"), str):
            first.setdefault(name, number + 1)
    return tuple(first.items())


def _spans(stages: Sequence[tuple[str, int]], rows: Sequence[Row]) -> str:
    """Return the stages as text, with the epochs of each."""
    ends = [first - 1 for _, first in stages[1:]] + [len(rows)]
    pairs = zip(stages, ends, strict=True)
    return ", ".join(
        f"{name} (epochs {first} to {last})" if last > first else f"{name} (epoch {first})"
        for (name, first), last in pairs
    )


def _key(curve: Curve) -> Markup:
    swatch = tag("svg", tag("circle", cx="6", cy="6", r="5", class_=f"dot {curve.kind}"), viewBox="0 0 12 12")
    return tag("span", swatch, f"{_NAMES.get(curve.kind, curve.name)} {short(curve.last)}", class_="key")


def _shares(rows: Sequence[Row], outputs: Sequence[str]) -> Markup | None:
    """Return a chart of each output's share of the loss; None if fewer than two are trained."""
    chosen = _evenly_spaced(rows)
    known = [name for name in outputs if any(finite(row.get(f"share/{name}")) is not None for row in rows)]
    if len(known) < 2:
        return None
    whole = [row for row in chosen if all(finite(row.get(f"share/{name}")) is not None for name in known)]
    if not whole:
        return None
    size = {name: sum(row[f"share/{name}"] for row in whole) for name in known}
    named = known if len(known) <= MAX_SHARES else sorted(known, key=lambda name: -size[name])[: MAX_SHARES - 1]
    others = [name for name in known if name not in named]
    for row in whole:
        row["share/"] = sum(row[f"share/{name}"] for name in others)
    curves = [curve_of(whole, f"share/{name}", name, f"c{number}") for number, name in enumerate(named)]
    if others:
        curves.append(curve_of(whole, "share/", f"{len(others)} others", f"c{MAX_SHARES - 1}"))
    keys = [
        tag("span", tag("svg", tag("rect", width="12", height="12", rx="3", class_=curve.kind), viewBox="0 0 12 12"),
            f"{curve.name} {100 * (curve.last or 0):.0f} %", class_="key")
        for curve in curves
    ]  # fmt: skip
    return tag(
        "figure", tag("figcaption", tag("b", "each output's share of the loss"), keys),
        share_chart(curves),
        tag("div", "The remainder is regularisation.", class_="remark") if _is_incomplete(whole, known) else None,
    )  # fmt: skip


def _is_incomplete(rows: Sequence[Row], outputs: Sequence[str]) -> bool:
    """Return whether the shares of `outputs` sum to visibly less than 1 in some row."""
    return any(sum(row[f"share/{name}"] for name in outputs) < 0.995 for row in rows)


def _evenly_spaced(rows: Sequence[Row]) -> list[Row]:
    """Return copies of evenly spaced rows, including the last, so that stacked shares have the same epochs."""
    step = max(1, -(-len(rows) // MAX_POINTS))
    return [dict(row) for row in rows[(len(rows) - 1) % step :: step]]
