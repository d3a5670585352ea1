"""The head of a page: name, status and main numbers of the run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from graphspec.drawing.markup import Markup, note, tag
from graphspec.run_directory.folders import KILLED
from graphspec.runs.report.numbers import duration, finite, short
from graphspec.runs.report.series import Row

_STATUSES = ("finished", "stopped", "failed", "running", KILLED)


def overview(name: str, status: str, record: Mapping[str, Any], rows: Sequence[Row], *, folder: str) -> Markup:
    """Return the head of a page.

    Args:
        name: The name of the spec.
        status: The status of the run.
        record: The content of `run.json`, or an empty dict.
        rows: The metrics of each epoch.
        folder: The path of the run.
    """
    origin = [f"trained {_when(record)}" if record.get("started") else "", folder, _started_from(record)]
    return tag(
        "header",
        tag("h1", name, " ", tag("span", status, class_=f"pill {status if status in _STATUSES else ''}")),
        tag("p", " · ".join(filter(None, origin)), class_="facts"),
        tag("div", _tiles(record, rows), class_="tiles"),
        _remark(status, record),
        class_="top",
    )


def best_epoch(record: Mapping[str, Any]) -> int | None:
    """Return the best epoch of a run, counted from 1; None if it monitors none."""
    best = record.get("best")
    epoch = best.get("epoch") if isinstance(best, Mapping) else None
    return epoch + 1 if isinstance(epoch, int) else None


def _tiles(record: Mapping[str, Any], rows: Sequence[Row]) -> list[Markup]:
    last = rows[-1] if rows else {}
    tiles = [("epochs", f"{len(rows):,}")]
    seconds = finite(record.get("seconds"))
    if seconds is not None:
        tiles.append(("time", duration(seconds)))
    samples = record.get("samples")
    if isinstance(samples, Mapping):
        tiles.append(("training samples", short(samples.get("train"))))
        if samples.get("validation"):
            tiles.append(("validation samples", short(samples["validation"])))
    tiles += [(label, short(last[key])) for key, label in (("loss", "last loss"), ("val_loss", "last validation loss"))
              if key in last]  # fmt: skip
    best = record.get("best")
    if isinstance(best, Mapping) and best.get("value") is not None:
        tiles.append((f"best {best.get('monitor')}, epoch {best_epoch(record)}", short(best["value"])))
    return [tag("div", tag("b", value), tag("span", label), class_="tile") for label, value in tiles]


def _remark(status: str, record: Mapping[str, Any]) -> Markup | None:
    if status == "failed":
        why = record.get("reason")
        return note(f"The training failed{f': {why}' if why else ''}.", kind="failure")
    if status == "stopped":
        return note("The training was stopped before its end; the page shows its state then.", kind="warning")
    if status == "running":
        return note("The training is still running; the page shows its state when it was written.")
    if status == KILLED:
        return note("The training was killed; the page shows its state then.", kind="warning")
    return None


def _started_from(record: Mapping[str, Any]) -> str:
    start = record.get("started_from")
    return f"from the {start.get('checkpoint')} weights of {start.get('run')}" if isinstance(start, Mapping) else ""


def _when(record: Mapping[str, Any]) -> str:
    text = str(record["started"])
    try:
        return time.strftime("on %d %B %Y at %H:%M", time.strptime(text[:16], "%Y-%m-%dT%H:%M")).replace("on 0", "on ")
    except ValueError:
        return text
