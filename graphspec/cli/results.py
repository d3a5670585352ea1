"""Metrics on the terminal, by output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click


def show(metrics: Mapping[str, Any], outputs: list[str], title: str) -> None:
    """Print `metrics` under `title`, one line for the whole model and one an output."""
    from graphspec.training.progress import describe

    head, *rows = describe(dict(metrics), outputs)
    click.echo(f"{title}: {head}")
    for row in rows:
        click.echo(f"    {row}")
