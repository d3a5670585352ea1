"""The head of a page: which run it is, how it ended, and the numbers that are asked for first."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from graphspec.run_directory.folders import KILLED
from graphspec.runs.report.markup import Markup, note, tag
from graphspec.runs.report.numbers import duration, finite, short
from graphspec.runs.report.series import Row

_STATUSES = ("finished", "stopped", "failed", "running", KILLED)


def overview(name: str, status: str, record: Mapping[str, Any], rows: Sequence[Row], place: str) -> Markup:
    """Name, status, time, samples and the metrics reached."""
    facts = [f"trained {_when(record)}" if record.get("started") else "", place]
    return tag(
        "header",
        tag("h1", name, " ", tag("span", status, class_=f"pill {status if status in _STATUSES else ''}")),
        tag("p", " · ".join(filter(None, facts)), class_="facts"),
        tag("div", _tiles(record, rows), class_="tiles"),
        _remark(status, record),
        class_="top",
    )


def best_epoch(record: Mapping[str, Any]) -> int | None:
    """The best epoch of a run, counted from 1, where it monitors one."""
    best = record.get("best")
    epoch = best.get("epoch") if isinstance(best, Mapping) else None
    return epoch + 1 if isinstance(epoch, int) else None


def _tiles(record: Mapping[str, Any], rows: Sequence[Row]) -> list[Markup]:
    last = rows[-1] if rows else {}
    found = [("epochs", f"{len(rows):,}")]
    seconds = finite(record.get("seconds"))
    if seconds is not None:
        found.append(("time", duration(seconds)))
    samples = record.get("samples")
    if isinstance(samples, Mapping):
        found.append(("training samples", short(samples.get("train"))))
        if samples.get("validation"):
            found.append(("validation samples", short(samples["validation"])))
    found += [(label, short(last[key])) for key, label in (("loss", "last loss"), ("val_loss", "last validation loss"))
              if key in last]  # fmt: skip
    best = record.get("best")
    if isinstance(best, Mapping) and best.get("value") is not None:
        found.append((f"best {best.get('monitor')}, epoch {best_epoch(record)}", short(best["value"])))
    return [tag("div", tag("b", value), tag("span", label), class_="tile") for label, value in found]


def _remark(status: str, record: Mapping[str, Any]) -> Markup | None:
    if status == "failed":
        why = record.get("reason")
        return note(f"The training failed{f': {why}' if why else ''}.", kind="failure")
    if status == "stopped":
        return note("The training was stopped before its end; this is what it had reached.", kind="warning")
    if status == "running":
        return note("The training is still going on; this is what it had reached when the page was made.")
    if status == KILLED:
        return note("The training was killed; this is what it had reached.", kind="warning")
    return None


def _when(record: Mapping[str, Any]) -> str:
    text = str(record["started"])
    try:
        return time.strftime("on %d %B %Y at %H:%M", time.strptime(text[:16], "%Y-%m-%dT%H:%M")).replace("on 0", "on ")
    except ValueError:
        return text
