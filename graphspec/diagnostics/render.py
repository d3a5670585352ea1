"""Diagnostics → text for people: each with its line, what was expected, and how to fix it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from unicodedata import combining, east_asian_width

from graphspec.diagnostics.escapes import characters, escaped
from graphspec.diagnostics.model import Diagnostic, Label, Span

_WIDTH = 160
_MAX_LENGTH = 3_000

Paint = Callable[[str, str], str]
"""A function of a text and its role (`error`, `warning`, `place`, `gutter`, `help`) that colours the text."""


def plain(text: str, role: str) -> str:
    """Return `text` without colour."""
    return text


def render(diagnostics: Iterable[Diagnostic], paint: Paint = plain) -> str:
    """Return `diagnostics` in their order, followed by a count; empty if there are none."""
    found = list(diagnostics)
    if not found:
        return ""
    return "\n\n".join([*(render_one(each, paint) for each in found), f"Found {count(found)}."])


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the numbers of errors and warnings: `2 errors and 1 warning`."""
    found = [each.is_error for each in diagnostics]
    numbers = ((found.count(True), "error"), (found.count(False), "warning"))
    return " and ".join(counted(number, word) for number, word in numbers if number)


def counted(number: int, word: str) -> str:
    """Return a number with its noun: `1 error`, `2 errors`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def render_one(diagnostic: Diagnostic, paint: Paint = plain) -> str:
    """Return one diagnostic as several lines, without a newline at the end."""
    rule, span = diagnostic.rule, diagnostic.span
    role = rule.severity.value
    place = paint(f"{escaped(span.place)}:", "place") + " " if span is not None else ""
    lines = [f"{place}{paint(f'{role}[{rule.code}]', role)} {rule.name}: {printable(diagnostic.message)}"]
    if span is not None:
        others = labels(diagnostic)
        gutter = max(len(str(at.line)) for at in (span, *(label.span for label in others)))
        lines += _excerpt(span, diagnostic.expected, gutter, role, paint=paint)
        for label in others:
            lines += _other(label, span, gutter, paint)
    elif diagnostic.expected:
        lines.append(f"  expected: {printable(diagnostic.expected)}")
    lines += [f"  {paint('help:', 'help')} {printable(line)}" for line in filter(None, diagnostic.help.split("\n"))]
    return "\n".join(lines)


def printable(text: str) -> str:
    """Return the text escaped on one line; the middle of a very long text is cut."""
    return escaped(text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH // 2]} ... {text[-_MAX_LENGTH // 2 :]}")


def _excerpt(span: Span, text: str, gutter: int, role: str, *, paint: Paint) -> list[str]:
    if not span.source.is_shown:
        return [paint(f"{' ' * gutter} |", "gutter") + f" {printable(text)}"] if text else []
    line = span.source.line(span.line)
    end = len(line.rstrip()) + 1 if span.end_line > span.line else span.end_column
    start = span.column
    if len(line) > _WIDTH:
        cut = max(0, start - 41)
        line, start, end = "..." + line[cut : cut + _WIDTH - 6] + "...", start - cut + 3, end - cut + 3
    visible = ["\t" if each == r"\t" else each for each in characters(line)]
    before, marked = visible[: start - 1], visible[start - 1 : end - 1]
    blank = "".join(each if each == "\t" else " " * _width(each) for each in before) + " " * (start - 1 - len(before))
    caret = paint("^" * max(1, sum(map(_width, marked))) + (f" {printable(text)}" if text else ""), role)
    return [
        paint(f"{' ' * gutter} |", "gutter"),
        paint(f"{span.line:>{gutter}} |", "gutter") + f" {''.join(visible)}",
        paint(f"{' ' * gutter} |", "gutter") + f" {blank}{caret}",
    ]


def _other(label: Label, primary: Span, gutter: int, paint: Paint) -> list[str]:
    excerpt = _excerpt(label.span, label.text, gutter, "label", paint=paint)
    if label.span.source == primary.source:
        return excerpt[1:]
    return [paint(f"{' ' * gutter}-->", "gutter") + f" {escaped(label.span.place)}", *excerpt]


def _width(text: str) -> int:
    """Return the number of columns of `text` on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def labels(diagnostic: Diagnostic) -> list[Label]:
    """Return the other places of `diagnostic`, and the places that use it, from the innermost outwards."""
    all_labels, span = list(diagnostic.labels), diagnostic.span
    while span is not None and span.via is not None:
        span = span.via
        all_labels.append(Label(span, "it is used here"))
    return all_labels
