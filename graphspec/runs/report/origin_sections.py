"""The sections of the origin of a run: data, spec, versions, and the provenance of each value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from graphspec.datasets.profile import Profile, profiles
from graphspec.diagnostics.shape_text import sample_shape
from graphspec.diagnostics.suggest import cut
from graphspec.drawing.markup import Markup, note, table, tag
from graphspec.runs.report.numbers import short
from graphspec.sources.vocabularies import Vocabularies
from graphspec.spec import Spec

MAX_SAMPLES = 10_000
"""The maximum number of samples that a profile of a source is computed from."""

_MAX_BARS = 24


def data_section(spec: Spec, vocabularies: Vocabularies) -> Markup:
    """Return a table with a row for each source: samples, shape, dtype, range and balance of classes."""
    splits = spec.data.splits() if spec.data is not None else []
    if not splits:
        return note("The spec names no data.")
    rows: list[list[Any]] = []
    faults: list[Markup] = []
    for split in splits:
        for each in profiles(split, vocabularies, limit=MAX_SAMPLES, first=0):
            if isinstance(each, Profile):
                rows.append(_row(each))
            else:
                source, error = each
                faults.append(note(f"{source.text} cannot be read: {getattr(error, 'message', error)}", kind="warning"))
    heads = ["", "from", "samples", "shape", "dtype", "range", "mean", "values"]
    share = (
        f"{100 * spec.data.held_out:g} % of it is held out for validation." if spec.data and spec.data.held_out else ""
    )
    return Markup("".join([
        *([tag("p", f"train: {share}", class_="quiet")] if share else []),
        *faults,
        *([table(heads, rows)] if rows else []),
    ]))  # fmt: skip


def spec_section(text: str) -> Markup:
    """Return the text of the spec as it was trained."""
    return tag("pre", tag("code", text))


def lock_section(lock: Mapping[str, Any]) -> Markup:
    """Return a table of the lock of a run: command, versions, machine, and hashes of data files."""
    rows = [[key, tag("span", _plain(value), class_="mono")] for key, value in _flat(lock)]
    return table(None, rows)


def provenance_section(provenance: Mapping[str, Any]) -> Markup:
    """Return a table of the origin of each value of the spec."""
    rows = []
    for key, recorded in provenance.items():
        entry = recorded if isinstance(recorded, Mapping) else {"value": recorded}
        value = _plain(entry.get("value"))
        written = f" (written {entry['written']})" if entry.get("written") else ""
        origin = "a default" if entry.get("from") == "default" else f"{entry.get('from', '')}{written}"
        rows.append([tag("span", key, class_="mono"), tag("span", cut(value, 120), class_="mono"), origin])
    return tag("details", tag("summary", f"{len(rows):,} values"), table(["value of", "is", "from"], rows))


def _row(each: Profile) -> list[Any]:
    source = each.source
    part = next((f" {key} {getattr(source, key)}" for key in ("key", "column", "feature") if getattr(source, key)), "")
    if source.columns:
        part = f" columns {cut(', '.join(source.columns))}"
    limits = f"{short(each.lowest)} to {short(each.highest)}" if each.lowest is not None else ""
    bad = f", {each.not_finite:,} not finite" if each.not_finite else ""
    return [
        tag("code", f"{each.split}.{each.part}s.{each.name}"),
        f"{source.text}{part}",
        short(each.samples),
        tag("span", sample_shape(each.shape), class_="key"),
        each.dtype or "",
        tag("span", limits, bad, class_="key"),
        "" if each.mean is None else short(each.mean),
        _balance(each),
    ]


def _balance(each: Profile) -> Markup | str:
    """Return bars of the frequency of each value; empty if values do not recur."""
    if each.counts is None or len(each.counts) >= each.looked_at or len(each.counts) < 2:
        return ""
    bars = list(each.counts.items())[:_MAX_BARS]
    most, width = max(count for _, count in bars), 120 / len(bars)
    rects = [
        tag("rect", tag("title", f"{value}: {100 * count / each.looked_at:.1f} %"), x=f"{number * width:.1f}",
            y=f"{22 - 20 * count / most:.1f}", width=f"{max(1.0, width - 1):.1f}", height=f"{20 * count / most:.1f}")
        for number, (value, count) in enumerate(bars)
    ]  # fmt: skip
    label = f"{len(each.counts)} different"
    return Markup(tag("svg", rects, viewBox="0 0 120 22", role="img", aria_label=label, class_="spark")
                  + tag("span", label, class_="key"))  # fmt: skip


def _flat(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        name = f"{path} {key}".strip()
        if name in _NOT_SHOWN:
            continue
        if isinstance(item, Mapping):
            yield from _flat(item, name)
        else:
            yield name, item


_NOT_SHOWN = ("installed", "resolved values")
"""Entries of a lock: every package of the environment, and the values that the spec shows already."""


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    return json.dumps(value, ensure_ascii=False)
