"""JUnit XML, as test reports of most CI services take it: a test case a file, a failure a finding."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from graphspec.diagnostics import Diagnostic
from graphspec.report.full import render_one
from graphspec.report.outcome import Checked, Outcome
from graphspec.report.paths import legible

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(outcome: Outcome) -> str:
    """The outcome as one XML document."""
    failed = sum(1 for file in outcome.files if file.findings)
    counts = f'tests="{len(outcome.files)}" failures="{failed}" errors="0"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="graphspec" {counts}>',
            f'  <testsuite name="graphspec validate" {counts} skipped="0" time="0">',
            *(line for file in outcome.files for line in _case(file)),
            "  </testsuite>",
            "</testsuites>",
        ]
    )


def _case(file: Checked) -> list[str]:
    head = f'    <testcase classname="graphspec" name={_attribute(file.path)} file={_attribute(file.path)} time="0"'
    if not file.findings:
        return [head + "/>"]
    return [head + ">", *map(_failure, file.findings), "    </testcase>"]


def _failure(finding: Diagnostic) -> str:
    kind = f"{finding.rule.code} {finding.rule.name}"
    text = escape(_allowed(render_one(finding)))
    return f"      <failure type={_attribute(kind)} message={_attribute(finding.message)}>{text}</failure>"


def _attribute(text: str) -> str:
    return quoteattr(_allowed(text))


def _allowed(text: str) -> str:
    """The text without what XML cannot hold at all, not even escaped."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", legible(text))
