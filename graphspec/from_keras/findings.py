"""Diagnostics about a model, placed at the layer in its file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from graphspec.diagnostics import Report, SourceText, Span
from graphspec.diagnostics.rules import Rule

_MAX_LINE = 400
"""Characters of a line that is shown. Keras writes a whole configuration in one."""


class UnwritableError(ValueError):
    """A part of a model that no spec can hold.

    Attributes:
        rule: The rule of the diagnostic.
        reason: What the part is, to follow the name of its layer: "is a `Lambda`, which ...".
        expected: What a spec can hold there.
        help: What to do.
    """

    def __init__(self, rule: Rule, reason: str, *, expected: str = "", help: str = "") -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason
        self.expected = expected
        self.help = help


@dataclass
class Findings:
    """The diagnostics of one model.

    Attributes:
        name: The file of the model, or its name.
        text: The text of the configuration; empty for an archive or a model in memory.
    """

    name: str
    text: str = ""
    report: Report = field(default_factory=Report)

    def add(self, rule: Rule, message: str, layer: str = "", *, expected: str = "", help: str = "") -> None:
        """Add a diagnostic, at the first mention of `layer` in the text."""
        self.report.add(rule, message, self.span_of(layer), expected=expected, help=help)

    def refuse(self, layer: str, error: UnwritableError) -> None:
        """Add the diagnostic of a layer that no spec can hold."""
        subject = f"layer `{layer}`" if layer else "the model"
        self.add(error.rule, f"{subject} {error.reason}", layer, expected=error.expected, help=error.help)

    def span_of(self, layer: str) -> Span:
        """Return the place of the name of a layer in the text; the first line where it is not found."""
        written = json.dumps(layer)
        at = self.text.find(f'"name": {written}') if layer else -1
        line = self.text.count("\n", 0, at) + 1 if at >= 0 else 1
        column = at - self.text.rfind("\n", 0, at) if at >= 0 else 1
        lines = self.text.split("\n") if self.text else [""]
        is_shown = len(lines[line - 1]) <= _MAX_LINE and bool(self.text)
        source = SourceText(self.name, self.text, is_shown=is_shown)
        length = len(f'"name": {written}') if at >= 0 else 1
        return Span(source, line, column, line, column + length)
