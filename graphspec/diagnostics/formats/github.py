"""Workflow commands of GitHub Actions, which annotate the line of each finding."""

from __future__ import annotations

import os
import re

from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.formats.outcome import FileFinding, Outcome, below, words


def write(outcome: Outcome) -> str:
    """Return one command per finding."""
    return "\n".join(_command(each) for each in outcome.located())


def _command(each: FileFinding) -> str:
    finding, span = each.finding, each.span
    properties = {"file": below(each.file, os.environ.get("GITHUB_WORKSPACE"))}
    if span is not None:
        properties |= {"line": str(span.line), "endLine": str(span.end_line), "col": str(span.column)}
        if span.line == span.end_line:  # GitHub takes columns only within one line
            properties["endColumn"] = str(max(span.column, span.end_column - 1))
    properties["title"] = f"graphspec {finding.rule.code} {finding.rule.name}"
    listed = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    return f"::{finding.rule.severity.value} {listed}::{_escaped(words(finding))}"


def _escaped(text: str, more: str = "") -> str:
    text = re.sub(r"[^\r\n]+", lambda match: escaped(match[0]), text)
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
