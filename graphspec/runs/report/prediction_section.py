"""The section of a page with the predictions of the model on its own data."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.drawing.markup import Markup, note, table, tag
from graphspec.runs.report.numbers import short
from graphspec.runs.report.pictures import (
    Confusion,
    ErrorHistogram,
    MultiLabel,
    NoPicture,
    OutputPictures,
    Picture,
    Scatter,
)
from graphspec.runs.report.plots import histogram, scatter
from graphspec.runs.report.predictions import Predictions

_SHADES = (0.0, 0.03, 0.1, 0.25, 0.45, 0.65, 0.85)
"""The lower limits of the shades of a cell, as shares of its row."""

_LARGE = 10
"""The number of classes above which a confusion matrix has a smaller font."""

_SPLITS = {
    "validation": "the validation split",
    "test": "the test split, since there is no validation split",
    "train": "the samples that it was trained on, since the data has no others",
}


def prediction_section(predictions: Predictions) -> Markup:
    """Return the pictures of each output, and a description of the samples."""
    which = (
        f"{predictions.samples:,}"
        if predictions.samples == predictions.of
        else f"{predictions.samples:,} evenly chosen of {predictions.of:,}"
    )
    parts = [tag("p", f"The model on {_SPLITS[predictions.split]}: {which} samples.", class_="quiet")]
    parts += [note(f"{name} has changed since the run was trained.", kind="warning") for name in predictions.changed]
    for output in predictions.outputs:
        if len(predictions.outputs) > 1:
            parts.append(tag("h3", "output ", tag("code", output.output)))
        if output.not_finite:
            parts.append(note(f"{output.not_finite:,} predictions are not finite, and not shown.", kind="warning"))
        parts.append(tag("div", list(_pictures(output)), class_="charts"))
    return Markup("".join(parts))


def _pictures(output: OutputPictures) -> Iterator[Markup]:
    for each in output.pictures:
        yield _picture(each, output.output)


def _picture(picture: Picture, name: str) -> Markup:
    if isinstance(picture, Confusion):
        return _confusion(picture)
    if isinstance(picture, MultiLabel):
        return _labels(picture)
    if isinstance(picture, Scatter):
        fit = "" if picture.r2 is None else f"R² {picture.r2:.3f}"
        keys = [f"mean absolute error {short(picture.mean_error)}", f"RMSE {short(picture.root_mean_square)}", fit]
        return _figure(picture.name, keys, scatter(picture.target, picture.predicted, picture.name))
    if isinstance(picture, ErrorHistogram):
        keys = [f"mean absolute error {short(picture.mean_error)}", f"RMSE {short(picture.root_mean_square)}"]
        return _figure("errors of all values", keys, histogram(picture.counts, picture.edges, name))
    assert isinstance(picture, NoPicture)
    return note(f"There is no picture of it: {picture.reason}.")


def _figure(title: str, keys: list[str], *children: Markup | None, wide: bool = False) -> Markup:
    caption = tag("figcaption", tag("b", title), [tag("span", key, class_="key") for key in keys if key])
    return tag("figure", caption, *children, class_="wide" if wide else None)


def _confusion(matrix: Confusion) -> Markup:
    """Return a confusion matrix: rows are targets, columns predictions, shades shares of the row."""
    is_large = len(matrix.classes) > _LARGE
    digits = 0 if is_large else 1
    columns = list(zip(*matrix.counts, strict=True))
    single = len(matrix.classes) - (1 if matrix.folded else 0)  # merged classes have no recall or precision
    names = [tag("th", name, scope="col", title=name) for name in matrix.classes]
    rows = [tag("tr", tag("td"), names, tag("th", "recall"))]
    for number, (name, counts) in enumerate(zip(matrix.classes, matrix.counts, strict=True)):
        cells = [_cell(count, sum(counts), number == at < single) for at, count in enumerate(counts)]
        recall = _rate(counts[number], sum(counts) if number < single else 0, digits)
        rows.append(tag("tr", tag("th", name, scope="row", title=name), cells, tag("td", recall, class_="rate")))
    precision = [
        tag("td", _rate(counts[at], sum(counts) if at < single else 0, digits), class_="rate")
        for at, counts in enumerate(columns)
    ]
    accuracy = tag("td", _rate(matrix.right, matrix.values, digits), class_="rate right")
    rows.append(tag("tr", tag("th", "precision"), precision, accuracy))
    remark = "Rows are targets, columns are predictions."
    if matrix.folded:
        remark += f" {matrix.folded} less frequent classes are merged into one row and one column."
    return _figure(
        "confusion matrix",
        [f"{matrix.right:,} of {matrix.values:,} right, {_rate(matrix.right, matrix.values)}"],
        tag("div", tag("table", rows, class_="confusion large" if is_large else "confusion"), class_="scroll"),
        tag("div", remark, class_="remark"),
        wide=len(matrix.classes) > 4,
    )


def _cell(count: int, of: int, is_right: bool) -> Markup:
    share = count / of if of else 0.0
    shade = sum(share >= limit for limit in _SHADES[1:])
    return tag("td", f"{count:,}", class_=f"s{shade} right" if is_right else f"s{shade}", title=_rate(count, of))


def _labels(counts: MultiLabel) -> Markup:
    rows = [
        [each.label, f"{each.true:,}", f"{each.predicted:,}", f"{each.both:,}",
         _rate(each.both, each.predicted), _rate(each.both, each.true)]
        for each in counts.labels
    ]  # fmt: skip
    remark = f"{counts.folded} more are not shown." if counts.folded else None
    heads = ["", "true", "predicted", "both", "precision", "recall"]
    body = table(heads, rows)
    return _figure(
        "yes-or-no values", [f"{counts.samples:,} samples"], body, tag("div", remark, class_="remark"), wide=True
    )


def _rate(count: int, of: int, digits: int = 1) -> str:
    """Return a share in percent, 100 without a fraction."""
    return f"{100 * count / of:.{digits}f} %".replace("100.0", "100") if of else "–"
