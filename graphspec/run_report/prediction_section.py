"""The part of a page that tells what the model says of its own data."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.run_report.markup import Markup, note, table, tag
from graphspec.run_report.numbers import short
from graphspec.run_report.outcomes import Confusion, Errors, Labels, NoPicture, Outcome, Picture, Scatter
from graphspec.run_report.plots import histogram, scatter
from graphspec.run_report.predictions import Predictions

_SHADES = (0.0, 0.03, 0.1, 0.25, 0.45, 0.65, 0.85)
"""From which share of its row on a cell has a shade, from the second on."""

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
        keys = [f"mean error {short(picture.mean_error)}", f"RMSE {short(picture.root_mean_square)}", fit]
        return _figure(picture.name, keys, scatter(picture.target, picture.predicted, picture.name))
    if isinstance(picture, Errors):
        keys = [f"mean error {short(picture.mean_error)}", f"RMSE {short(picture.root_mean_square)}"]
        return _figure("errors of all values", keys, histogram(picture.counts, picture.edges, name))
    assert isinstance(picture, NoPicture)
    return note(f"Nothing is drawn of it: {picture.why}.")


def _figure(title: str, keys: list[str], *children: Markup | None, wide: bool = False) -> Markup:
    caption = tag("figcaption", tag("b", title), [tag("span", key, class_="key") for key in keys if key])
    return tag("figure", caption, *children, class_="wide" if wide else None)


def _confusion(found: Confusion) -> Markup:
    """Rows are what is true, columns what was predicted; shades are shares of the row."""
    columns = range(len(found.classes))
    down = [sum(row[column] for row in found.counts) for column in columns]
    head = tag("tr", tag("td"),
               [tag("th", name, scope="col", title=name) for name in found.classes], tag("th", "recall"))  # fmt: skip
    rows = []
    for number, (name, counts) in enumerate(zip(found.classes, found.counts, strict=True)):
        cells = [_cell(count, sum(counts), number == column) for column, count in enumerate(counts)]
        rows.append(tag("tr", tag("th", name, scope="row", title=name), cells,
                        tag("td", _rate(counts[number], sum(counts)), class_="rate")))  # fmt: skip
    precision = [tag("td", _rate(found.counts[each][each], down[each]), class_="rate") for each in columns]
    foot = tag(
        "tr", tag("th", "precision"), precision, tag("td", _rate(found.right, found.values), class_="rate right")
    )
    grid = tag("table", tag("thead", head), tag("tbody", rows, foot), class_="confusion")
    remark = "Rows are what is true, columns what was predicted."
    if found.folded:
        remark += f" {found.folded} less frequent classes are one row and one column."
    return _figure(
        "confusion matrix", [f"{found.right:,} of {found.values:,} right, {_rate(found.right, found.values)}"],
        tag("div", grid, class_="scroll"), tag("div", remark, class_="remark"), wide=len(found.classes) > 4,
    )  # fmt: skip


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
    return _figure("yes-or-no values", [f"{found.samples:,} samples"], shown, tag("div", remark, class_="remark"))


def _rate(count: int, of: int) -> str:
    """A share in percent; a whole one without a fraction."""
    return f"{100 * count / of:.1f} %".replace("100.0", "100") if of else "–"
