"""The report for people: every finding with its line shown, and what there is to say of them in all."""

from __future__ import annotations

from graphspec.diagnostics.formats.outcome import Outcome
from graphspec.diagnostics.formats.summary import summary
from graphspec.diagnostics.render import Paint, plain, render_one


def write(outcome: Outcome, paint: Paint = plain) -> str:
    """All findings, and what there is to say of them in all."""
    return "\n\n".join([*(render_one(each, paint) for each in outcome.report), summary(outcome)])
