"""The report for people: every finding with its line shown, what was expected under it and how to mend it."""

from __future__ import annotations

from graphspec.diagnostics import Diagnostic, Label, Report, Span

_WIDTH = 160


def render(report: Report) -> str:
    """All findings of `report` in the order of their places, followed by a count. Empty for a clean report."""
    if not len(report):
        return ""
    return "\n\n".join([*map(render_one, report), _count(report)])


def render_one(diagnostic: Diagnostic) -> str:
    """One finding, several lines long, without a newline at the end."""
    rule, span = diagnostic.rule, diagnostic.span
    place = f"{span.place}: " if span is not None else ""
    lines = [f"{place}{rule.severity.value}[{rule.code}] {rule.name}: {diagnostic.message}"]
    if span is not None:
        labels = (*diagnostic.labels, *_uses(span))
        gutter = max(len(str(at.line)) for at in (span, *(label.span for label in labels)))
        lines += _excerpt(span, diagnostic.expected, gutter)
        for label in labels:
            lines += _other(label, span, gutter)
    elif diagnostic.expected:
        lines.append(f"  expected: {diagnostic.expected}")
    lines += [f"  help: {line}" for line in diagnostic.help.splitlines()]
    return "\n".join(lines)


def _excerpt(span: Span, text: str, gutter: int) -> list[str]:
    line = span.source.line(span.line)
    end = len(line.rstrip()) + 1 if span.end_line > span.line else span.end_column
    start = span.column
    if len(line) > _WIDTH:
        cut = max(0, start - 41)
        line, start, end = "..." + line[cut : cut + _WIDTH - 6] + "...", start - cut + 3, end - cut + 3
    end = min(end, len(line) + 1)
    blank = "".join(character if character == "\t" else " " for character in line[: start - 1])
    caret = blank + " " * (start - 1 - len(blank)) + "^" * max(1, end - start)
    return [
        f"{' ' * gutter} |",
        f"{span.line:>{gutter}} | {line}",
        f"{' ' * gutter} | {caret}{' ' + text if text else ''}",
    ]


def _uses(span: Span) -> list[Label]:
    """The places that lead to `span`, from the one that uses it outwards."""
    labels = []
    while span.via is not None:
        span = span.via
        labels.append(Label(span, "it is used here"))
    return labels


def _other(label: Label, primary: Span, gutter: int) -> list[str]:
    elsewhere = [] if label.span.source == primary.source else [f"{' ' * gutter}--> {label.span.place}"]
    return elsewhere + _excerpt(label.span, label.text, gutter)[1 if not elsewhere else 0 :]


def _count(report: Report) -> str:
    errors, warnings = len(report.errors), len(report.warnings)
    said = [
        f"{number} {word}{'s' if number > 1 else ''}"
        for number, word in ((errors, "error"), (warnings, "warning"))
        if number
    ]
    return f"Found {' and '.join(said)}."
