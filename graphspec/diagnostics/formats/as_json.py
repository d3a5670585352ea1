"""JSON for programs, in a versioned envelope that docs/validate.md and docs/report.schema.json describe.

Lines and columns count from 1, columns in characters; the end column is exclusive.
"""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics import Fix, Span
from graphspec.diagnostics.escapes import json_text
from graphspec.diagnostics.formats.outcome import FileFinding, Outcome, legible
from graphspec.diagnostics.render import labels
from graphspec.version import __version__

VERSION = 1
"""The version of the envelope, raised if something is removed or changes its meaning, not if it is added."""


def write(outcome: Outcome) -> str:
    """Return the outcome as one JSON object."""
    report = outcome.report
    return json_text(
        legible(
            {
                "version": VERSION,
                "tool": {"name": "graphspec", "version": __version__},
                "files": [file.path for file in outcome.files],
                "summary": {
                    "errors": len(report.errors),
                    "warnings": len(report.warnings),
                    "fixable": len(outcome.fixable),
                    "fixed": outcome.fixed,
                    "ignored": outcome.ignored,
                },
                "findings": [_finding(each) for each in outcome.located()],
            }
        ),
        indent=1,
    )


def _finding(each: FileFinding) -> dict[str, Any]:
    finding = each.finding
    return {
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": finding.rule.severity.value,
        "message": finding.message,
        "file": each.file,
        "range": _range(each.span),
        "expected": finding.expected,
        "help": finding.help,
        "labels": [
            {"file": label.span.source.name, "range": _range(label.span), "text": label.text}
            for label in labels(finding)
        ],
        "fix": _fix(finding.fix),
    }


def _range(span: Span | None) -> dict[str, Any] | None:
    """Return the start and the end of `span`."""
    if span is None:
        return None
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }


def _fix(fix: Fix | None) -> dict[str, Any] | None:
    if fix is None:
        return None
    return {
        "description": fix.description,
        "safe": fix.is_safe,
        "edits": [{"file": edit.span.source.name, "range": _range(edit.span), "text": edit.text} for edit in fix.edits],
    }
