"""A line a finding, `file:line:column: CODE message`, as editors and `grep` take it."""

from __future__ import annotations

from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.formats.outcome import Located, Outcome
from graphspec.diagnostics.formats.summary import summary
from graphspec.diagnostics.render import printable


def write(outcome: Outcome) -> str:
    """A line a finding, and a summary."""
    return "\n".join([*map(_line, outcome.located()), summary(outcome)])


def _line(each: Located) -> str:
    place = each.span.place if each.span is not None else each.file
    return f"{escaped(place)}: {each.finding.rule.code} {printable(each.finding.message)}"
