"""JUnit XML for test reports of CI services: a test case per file, a failure per finding."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.formats.outcome import Checked, Outcome
from graphspec.diagnostics.render import render_one

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(outcome: Outcome) -> str:
    """Return the outcome as one XML document."""
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
    """Return a quoted attribute: invisible characters as references, those that XML cannot hold escaped."""
    return _referred(quoteattr(_allowed(text)))


def _allowed(text: str) -> str:
    return _NOT_XML.sub(lambda match: escaped(match[0]), text)


def _referred(text: str) -> str:
    text = text if text.isprintable() else "".join(map(_character, text))
    return text.replace("##", "#&#35;")


def _character(character: str) -> str:
    return character if character.isprintable() or character == " " else f"&#{ord(character)};"
