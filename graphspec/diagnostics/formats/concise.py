"""One line per finding, `file:line:column: CODE message`, for editors and `grep`."""

from __future__ import annotations

from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.formats.outcome import FileFinding, Outcome, message
from graphspec.diagnostics.formats.summary import summary
from graphspec.diagnostics.render import printable


def write(outcome: Outcome) -> str:
    """Return one line per finding, and a summary."""
    return "\n".join([*map(_line, outcome.located()), summary(outcome)])


def _line(each: FileFinding) -> str:
    place = each.span.place if each.span is not None else each.file
    return f"{escaped(place)}: {each.finding.rule.code} {printable(message(each.finding))}"
