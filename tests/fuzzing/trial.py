"""The bytes of a document → what is wrong with how graphspec validates them; nothing, where all is well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import graphspec
from graphspec.diagnostics import Diagnostic, Report, Span
from graphspec.diagnostics.render import render

from .cases import Case, make_case
from .watched import Tried, watch

MEGABYTES = 500
_MAX_CHARACTERS = 300_000
"""Characters that one report may take to show."""


def try_case(case: Case, folder: Path) -> Tried:
    """Validate the case as a file in `folder`, and look at the report."""
    path = folder / f"case{case.suffix}"
    path.write_bytes(case.data)

    def work() -> tuple[bool, Iterator[str]]:
        report = graphspec.validate(path)
        return not report.errors, _faults(report)

    return watch(work, MEGABYTES)


def try_number(seed: int, number: int, folder: Path) -> Tried:
    """The same for case `number` of those of `seed`."""
    return try_case(make_case(seed, number), folder)


def _faults(report: Report) -> Iterator[str]:
    """Findings without a place, or with one that is none, and a report that cannot be shown."""
    for finding in report:
        spans = [finding.span, *(label.span for label in finding.labels)]
        for span in spans:
            if span is None or not _is_place(span):
                yield f"no place: {_shown(finding)} at {span}"
    text = render(report)
    if len(text) > _MAX_CHARACTERS and len(text) > 3_000 * len(report):
        yield f"the report is {len(text):,} characters long for {len(report)} findings"
    text.encode("utf-8", errors="surrogatepass")


def _is_place(span: Span) -> bool:
    lines = span.source.lines
    return (
        1 <= span.line <= span.end_line <= len(lines) + 1
        and 1 <= span.column <= len(span.source.line(span.line)) + 2
        and (span.line, span.column) <= (span.end_line, span.end_column)
    )


def _shown(finding: Diagnostic) -> str:
    return f"{finding.rule.code} {finding.message[:200]}"
