"""Code quality reports of GitLab: a JSON list of findings with fingerprints."""

from __future__ import annotations

import os
from typing import Any

from graphspec.diagnostics.escapes import json_text
from graphspec.diagnostics.formats.outcome import FileFinding, Outcome, below, fingerprints, legible, message

_SEVERITY = {"error": "major", "warning": "minor"}


def write(outcome: Outcome) -> str:
    """Return the findings as a JSON list."""
    return json_text(
        legible([_issue(each, fingerprint) for each, fingerprint in fingerprints(outcome.located())]), indent=1
    )


def _issue(each: FileFinding, fingerprint: str) -> dict[str, Any]:
    finding, span = each.finding, each.span
    start = {"line": span.line, "column": span.column} if span is not None else {"line": 1, "column": 1}
    end = {"line": span.end_line, "column": span.end_column} if span is not None else start
    return {
        "description": f"{finding.rule.code} {finding.rule.name}: {message(finding)}",
        "check_name": finding.rule.code,
        "fingerprint": fingerprint,
        "severity": _SEVERITY[finding.rule.severity.value],
        "location": {
            "path": below(each.file, os.environ.get("CI_PROJECT_DIR")),
            "positions": {"begin": start, "end": end},
        },
    }
