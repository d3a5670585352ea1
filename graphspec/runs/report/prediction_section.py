"""The part of a page that tells what the model says of its own data."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.runs.report.markup import Markup, note, table, tag
from graphspec.runs.report.numbers import short
from graphspec.runs.report.outcomes import Confusion, Errors, Labels, NoPicture, Outcome, Picture, Scatter
from graphspec.runs.report.plots import histogram, scatter
from graphspec.runs.report.predictions import Predictions

_SHADES = (0.0, 0.03, 0.1, 0.25, 0.45, 0.65, 0.85)
"""From which share of its row on a cell has a shade, from the second on."""

_LARGE = 10
"""Of more classes, a confusion matrix is written smaller."""

_SPLITS = {
    "validation": "the validation split",
    "test": "the test split, for there is no validation split",
    "train": "the samples that it was trained on, for the data has no others",
}


def prediction_section(found: Predictions) -> Markup:
    """A confusion matrix, points or a histogram for each output, and on which samples."""
    which = f"{found.samples:,}" if found.samples == found.of else f"{found.samples:,} evenly chosen of {found.of:,}"
    parts = [tag("p", f"The model on {_SPLITS[found.split]}: {which} samples.", class_="quiet")]
    parts += [note(f"{name} has changed since the run was trained.", kind="warning") for name in found.changed]
    for outcome in found.outcomes:
        if len(found.outcomes) > 1:
            parts.append(tag("h3", "output ", tag("code", outcome.output)))
        if outcome.lost:
            parts.append(note(f"{outcome.lost:,} predictions are not finite, and not shown.", kind="warning"))
        parts.append(tag("div", list(_pictures(outcome)), class_="charts"))
    return Markup("".join(parts))


def _pictures(outcome: Outcome) -> Iterator[Markup]:
    for each in outcome.pictures:
        yield _picture(each, outcome.output)


def _picture(picture: Picture, name: str) -> Markup:
    if isinstance(picture, Confusion):
        return _confusion(picture)
    if isinstance(picture, Labels):
        return _labels(picture)
    if isinstance(picture, Scatter):
        fit = "" if picture.r2 is None else f"R² {picture.r2:.3f}"
        keys = [f"mean absolute error {short(picture.mean_error)}", f"RMSE {short(picture.root_mean_square)}", fit]
        return _figure(picture.name, keys, scatter(picture.target, picture.predicted, picture.name))
    if isinstance(picture, Errors):
        keys = [f"mean absolute error {short(picture.mean_error)}", f"RMSE {short(picture.root_mean_square)}"]
        return _figure("errors of all values", keys, histogram(picture.counts, picture.edges, name))
    assert isinstance(picture, NoPicture)
    return note(f"Nothing is drawn of it: {picture.why}.")


def _figure(title: str, keys: list[str], *children: Markup | None, wide: bool = False) -> Markup:
    caption = tag("figcaption", tag("b", title), [tag("span", key, class_="key") for key in keys if key])
    return tag("figure", caption, *children, class_="wide" if wide else None)


def _confusion(found: Confusion) -> Markup:
    """Rows are what is true, columns what was predicted; shades are shares of the row."""
    is_large = len(found.classes) > _LARGE
    digits = 0 if is_large else 1
    columns = list(zip(*found.counts, strict=True))
    single = len(found.classes) - (1 if found.folded else 0)  # of several classes as one, nothing tells what is right
    names = [tag("th", name, scope="col", title=name) for name in found.classes]
    rows = [tag("tr", tag("td"), names, tag("th", "recall"))]
    for number, (name, counts) in enumerate(zip(found.classes, found.counts, strict=True)):
        cells = [_cell(count, sum(counts), number == at < single) for at, count in enumerate(counts)]
        recall = _rate(counts[number], sum(counts) if number < single else 0, digits)
        rows.append(tag("tr", tag("th", name, scope="row", title=name), cells, tag("td", recall, class_="rate")))
    precision = [
        tag("td", _rate(counts[at], sum(counts) if at < single else 0, digits), class_="rate")
        for at, counts in enumerate(columns)
    ]
    accuracy = tag("td", _rate(found.right, found.values, digits), class_="rate right")
    rows.append(tag("tr", tag("th", "precision"), precision, accuracy))
    remark = "Rows are what is true, columns what was predicted."
    if found.folded:
        remark += f" {found.folded} less frequent classes are one row and one column."
    return _figure(
        "confusion matrix",
        [f"{found.right:,} of {found.values:,} right, {_rate(found.right, found.values)}"],
        tag("div", tag("table", rows, class_="confusion large" if is_large else "confusion"), class_="scroll"),
        tag("div", remark, class_="remark"),
        wide=len(found.classes) > 4,
    )


def _cell(count: int, of: int, is_right: bool) -> Markup:
    share = count / of if of else 0.0
    shade = sum(share >= limit for limit in _SHADES[1:])
    return tag("td", f"{count:,}", class_=f"s{shade} right" if is_right else f"s{shade}", title=_rate(count, of))


def _labels(found: Labels) -> Markup:
    rows = [
        [each.label, f"{each.held:,}", f"{each.predicted:,}", f"{each.both:,}",
         _rate(each.both, each.predicted), _rate(each.both, each.held)]
        for each in found.labels
    ]  # fmt: skip
    remark = f"{found.folded} more are not shown." if found.folded else None
    heads = ["", "true", "predicted", "both", "precision", "recall"]
    shown = table(heads, rows)
    return _figure(
        "yes-or-no values", [f"{found.samples:,} samples"], shown, tag("div", remark, class_="remark"), wide=True
    )


def _rate(count: int, of: int, digits: int = 1) -> str:
    """A share in percent; a whole one without a fraction."""
    return f"{100 * count / of:.{digits}f} %".replace("100.0", "100") if of else "–"
