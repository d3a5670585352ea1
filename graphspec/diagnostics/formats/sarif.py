"""SARIF 2.1.0, the exchange format of static analysis: rules, results, related places and fixes."""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics import Fix, Span
from graphspec.diagnostics.escapes import json_text
from graphspec.diagnostics.formats.outcome import NO_FILES, FileFinding, Outcome, fingerprints, legible, uri, words
from graphspec.diagnostics.render import labels
from graphspec.diagnostics.rules import RULES, Rule
from graphspec.version import __version__

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def write(outcome: Outcome) -> str:
    """Return the outcome as a SARIF log of one run."""
    found = list(fingerprints(outcome.located()))
    codes = sorted({each.finding.rule.code for each, _ in found})
    driver = {
        "name": "graphspec",
        "semanticVersion": __version__,
        "rules": [_rule(RULES[code]) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "artifacts": [{"location": {"uri": uri(file.path)}} for file in outcome.files],
        "results": [_result(each, fingerprint, codes) for each, fingerprint in found],
    }
    return json_text(legible({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}), indent=1)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": rule.severity.value},
        "help": {"text": f"`graphspec explain {rule.code}` explains it."},
        "properties": {"tags": [rule.stage.title]},
    }


def _result(each: FileFinding, fingerprint: str, codes: list[str]) -> dict[str, Any]:
    finding = each.finding
    result: dict[str, Any] = {
        "ruleId": finding.rule.code,
        "ruleIndex": codes.index(finding.rule.code),
        "level": finding.rule.severity.value,
        "message": {"text": words(finding)},
        "locations": [{"physicalLocation": _place(each.file, each.span)}],
        "partialFingerprints": {"graphspec/v1": fingerprint},
    }
    related = [
        {"id": number, "physicalLocation": _place(label.span.source.name, label.span), "message": {"text": label.text}}
        for number, label in enumerate(labels(finding), 1)
        if label.span.source.name not in NO_FILES
    ]
    if related:
        result["relatedLocations"] = related
    if finding.fix is not None:
        result["fixes"] = [_fix(finding.fix)]
    return result


def _place(file: str, span: Span | None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": uri(file)}}
    if span is not None:
        place["region"] = _region(span)
    return place


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        replacement = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        changes.setdefault(edit.span.source.name, []).append(replacement)
    return {
        "description": {"text": fix.description},
        "artifactChanges": [
            {"artifactLocation": {"uri": uri(file)}, "replacements": replacements}
            for file, replacements in changes.items()
        ],
    }
