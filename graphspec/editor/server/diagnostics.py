"""Findings → diagnostics of the protocol, by the documents that show them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from lsprotocol import types

from graphspec.diagnostics import Diagnostic, Span
from graphspec.diagnostics.escapes import escaped_lines
from graphspec.diagnostics.formats.outcome import FileFinding, words
from graphspec.diagnostics.render import labels
from graphspec.diagnostics.rules import RETIRED, UNUSED, UNUSED_IGNORE, Rule, Severity
from graphspec.editor.server.positions import Lines
from graphspec.editor.server.workspace import Workspace

SOURCE = "graphspec"
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
}
_TAGS = {
    UNUSED.code: types.DiagnosticTag.Unnecessary,
    UNUSED_IGNORE.code: types.DiagnosticTag.Unnecessary,
    RETIRED.code: types.DiagnosticTag.Deprecated,
}
_MAX_PLACES = 20
"""The number of related places of one diagnostic."""


def diagnostics_by_uri(findings: Iterable[FileFinding], workspace: Workspace) -> dict[str, list[types.Diagnostic]]:
    """Return the diagnostics of each document, or file that is not open, in which something is found."""
    found: dict[str, dict[tuple[object, ...], types.Diagnostic]] = {}
    for each in findings:
        uri = workspace.uri_of(each.file)
        diagnostic = to_protocol(each.finding, each.span, workspace)
        start, end = diagnostic.range.start, diagnostic.range.end
        same = (start.line, start.character, end.line, end.character, diagnostic.code, diagnostic.message)
        found.setdefault(uri, {}).setdefault(same, diagnostic)
    return {uri: list(each.values()) for uri, each in found.items()}


def to_protocol(finding: Diagnostic, span: Span | None, workspace: Workspace) -> types.Diagnostic:
    """Return a finding at `span`; without one, at the beginning of its file."""
    tag = _TAGS.get(finding.rule.code)
    related = [
        types.DiagnosticRelatedInformation(
            types.Location(workspace.uri_of(label.span.source.name), range_of(label.span, workspace)),
            escaped_lines(label.text),
        )
        for label in labels(finding)[:_MAX_PLACES]
        if not label.span.source.name.startswith("-")
    ]
    return types.Diagnostic(
        range_of(span, workspace) if span is not None else types.Range(types.Position(0, 0), types.Position(0, 1)),
        escaped_lines(words(finding)),
        severity=_SEVERITIES[finding.rule.severity],
        code=finding.rule.code,
        code_description=types.CodeDescription(page_uri(finding.rule)),
        source=SOURCE,
        tags=[tag] if tag is not None else None,
        related_information=related or None,
    )


def range_of(span: Span, workspace: Workspace) -> types.Range:
    """Return the range of a span of any file."""
    document = workspace.open_at(span.source.name)
    if document is not None and document.text.lstrip("\ufeff") == span.source.text:
        return document.lines.span_range(span)
    return Lines(span.source.text, workspace.encoding).span_range(span)


def page_uri(rule: Rule) -> str:
    """Return the address of the page of a rule, a file that comes with graphspec."""
    return Path(str(files("graphspec.diagnostics.rules") / f"{rule.code}.md")).absolute().as_uri()
