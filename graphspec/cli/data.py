"""`graphspec data`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphspec.cli.candidates import spec_files
from graphspec.cli.options import set_option
from graphspec.console.echo import echo
from graphspec.diagnostics.escapes import escaped, json_text
from graphspec.diagnostics.shape_text import sample_shape

if TYPE_CHECKING:
    from graphspec.datasets.profile import Profile
    from graphspec.sources import Split
    from graphspec.spec import Spec

MAX_SAMPLES = 100_000
"""The number of samples of a source that are read without --all."""


@click.command()
@click.argument("spec", metavar="SPEC", shell_complete=spec_files)
@set_option
@click.option("--split", "only", type=click.Choice(["train", "validation", "test"]), help="Only this split.")
@click.option("--headers", is_flag=True, help="Read headers only, not the data.")
@click.option("--all", "whole", is_flag=True, help=f"Read every sample, not only the first {MAX_SAMPLES:,}.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per source.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a contact sheet of the first images of the split (default: train), such as sheet.png.",
)
def data(
    spec: str,
    overrides: tuple[str, ...],
    only: str | None,
    headers: bool,
    whole: bool,
    as_json: bool,
    output: Path | None,
) -> None:
    """Show the data of a spec: number of samples, shapes, dtypes, ranges, class balance and the first samples.

    Sources are shown as the model gets them, after `scale`, `one_hot` and so on. TensorFlow is not needed.

    \b
    graphspec data specs/wine.yaml
    graphspec data specs/wine.yaml --split train --headers
    graphspec data specs/same_digit.yaml -o sheet.png
    """
    from graphspec.diagnostics.render import render
    from graphspec.diagnostics.rules import NOTHING_TO_TRAIN, UNREADABLE_DATA
    from graphspec.run_directory import check_destination
    from graphspec.spec import inspect

    if headers and whole:
        raise click.UsageError("--headers and --all exclude each other")
    if output is not None:
        check_destination(output)
    found, report = inspect(spec, overrides, data=True)
    if found is not None and found.data is None:
        report.add(NOTHING_TO_TRAIN, f"{spec} names no data", help="add `data: {train: {inputs: ..., outputs: ...}}`")
    if found is None or found.data is None:
        click.echo(render(report), err=True)
        sys.exit(1)
    splits = [split for split in found.data.splits() if only in (None, split.name)]
    if not splits:
        raise click.UsageError(f"the spec has no split `{only}` with sources of its own")
    limit = 0 if headers else None if whole else MAX_SAMPLES
    for split in splits:
        for each in _profiles(found, split, limit):
            if isinstance(each, tuple):
                source, error = each
                message = getattr(error, "message", None) or f"cannot read {source.text}: {error}"
                report.add(UNREADABLE_DATA, message, source.span_of(getattr(error, "part", "file")))
            elif as_json:
                _echo_json(each)
            else:
                _echo(each)
    if output is not None:
        _draw(found, splits[0], output)
    if len(report):
        click.echo(("" if as_json else "\n") + render(report), err=True)
    sys.exit(1 if report.errors else 0)


def _profiles(spec: Spec, split: Split, limit: int | None) -> Any:
    from graphspec.datasets.profile import profiles
    from graphspec.sources import DataError
    from graphspec.sources.vocabularies import vocabularies_of

    try:
        known = vocabularies_of(spec.data.train) if limit != 0 and spec.data is not None and spec.data.train else {}
    except (DataError, OSError):
        known = {}
    return profiles(split, known, limit=limit)


def _echo(profile: Profile) -> None:
    samples = "?" if profile.samples is None else f"{profile.samples:,}"
    head = f"{profile.split}.{profile.part}s.{profile.name}"
    shape = f"{sample_shape(profile.shape)} {profile.dtype or 'numbers'}"
    click.echo(f"{click.style(escaped(head), bold=True)}  {samples} samples of {shape}")
    echo(f"    {_origin(profile)}")
    of = "" if profile.looked_at in (0, profile.samples) else f" in the first {profile.looked_at:,}"
    if profile.lowest is not None and profile.highest is not None and profile.mean is not None:
        echo(f"    {profile.lowest:g} to {profile.highest:g}, mean {profile.mean:.4g}{of}")
    if profile.not_finite:
        echo(f"    {profile.not_finite:,} values are NaN or infinite{of}")
    if profile.counts is not None and len(profile.counts) < profile.looked_at:
        echo(f"    {_balance(profile.counts, profile.looked_at)}{of}")
    if profile.first:
        echo(f"    first: {', '.join(map(_short, profile.first))}")


def _origin(profile: Profile) -> str:
    source = profile.source
    part = next((f" {key} {getattr(source, key)}" for key in ("key", "column", "feature") if getattr(source, key)), "")
    more = f", ... ({len(source.columns)})" if source.columns and len(source.columns) > 6 else ""
    columns = f" columns {', '.join(source.columns[:6])}{more}" if source.columns else ""
    transforms = [key for key, value in asdict(source.transforms).items() if value is not None]
    return f"{source.text}{part}{columns}{'; ' + ', '.join(transforms) if transforms else ''}"


def _balance(counts: dict[str, int], samples: int, limit: int = 6) -> str:
    shares = [f"{_short(value)} {100 * count / samples:.1f} %" for value, count in list(counts.items())[:limit]]
    left = len(counts) - limit
    return f"{len(counts)} different: {', '.join(shares)}{f', {left} more' if left > 0 else ''}"


def _short(value: Any, width: int = 40) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        flat = value
        while flat and isinstance(flat[0], list):
            flat = [item for row in flat for item in row]
        text = ", ".join(_short(each) for each in flat[:6])
        return f"[{text}{', ...' if len(flat) > 6 else ''}]"
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _echo_json(profile: Profile) -> None:
    fields = {
        "split": profile.split,
        "part": f"{profile.part}s",
        "name": profile.name,
        "file": profile.source.text,
        "samples": profile.samples,
        "shape": profile.shape,
        "dtype": profile.dtype,
        "looked_at": profile.looked_at,
        "lowest": profile.lowest,
        "highest": profile.highest,
        "mean": profile.mean,
        "not_finite": profile.not_finite,
        "counts": profile.counts,
    }
    click.echo(json_text(fields))


def _draw(spec: Spec, split: Split, path: Path, count: int = 48) -> None:
    """Write the contact sheet of a split. Raises SpecError without images, or if it cannot be written."""
    from graphspec.datasets.contact_sheet import draw
    from graphspec.datasets.profile import images_of
    from graphspec.diagnostics import SpecError
    from graphspec.diagnostics.rules import CANNOT_WRITE, DATA_SHAPE, UNREADABLE_DATA
    from graphspec.extras import require
    from graphspec.sources import DataError, in_order, load

    require("PIL", "Pillow", "a contact sheet is drawn with Pillow")
    try:
        images = images_of(spec.graph, split, count)
        labels = [in_order(load(source), 0, count).tolist() for source in split.outputs.values()] if images else []
    except DataError as error:
        raise SpecError.of(UNREADABLE_DATA, error.message, split.span, help=error.help) from None
    if not images:
        raise SpecError.of(
            DATA_SHAPE, f"`{split.name}` has no images to draw", split.span,
            expected="an input of shape [height, width, 1], or with 3 or 4 channels",
        )  # fmt: skip
    captions = [", ".join(_short(each).strip("[]") for each in row) for row in zip(*labels, strict=False)]
    try:
        draw(images, captions or [""] * count, path)
    except (OSError, ValueError) as error:
        raise SpecError.of(
            CANNOT_WRITE, f"cannot write {path}: {error}", help="name a .png file in a folder that you can write to"
        ) from None
    echo(f"Wrote the first {len(next(iter(images.values())))} samples of {split.name} to {path}", err=True)
