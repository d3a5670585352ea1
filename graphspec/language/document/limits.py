"""Limits on the size of a document. A spec of 10,000 layers is below each of them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from graphspec.diagnostics import SourceText, Span, SpecError
from graphspec.diagnostics.rules import TOO_LARGE

MAX_BYTES = 8 * 2**20
MAX_DEPTH = 100
MAX_VALUES = 80_000
MAX_LINES = 200_000
MAX_COMMENTS = 5_000
MAX_FINDINGS = 1_000
"""Diagnostics of one spec. Nobody reads more, and each takes time to search for similar names."""

_LINE_END = re.compile(r"\r\n|\n|\r")


def check_lines(source: SourceText) -> None:
    """Raise SpecError where a document has more than MAX_LINES lines."""
    last = next(islice(_LINE_END.finditer(source.text), MAX_LINES - 1, None), None)
    if last is not None and last.end() < len(source.text):
        excerpt = replace(source, text=source.text[: last.end() + 200])  # keeps millions of lines out of the report
        raise SpecError.of(
            TOO_LARGE,
            f"{source.name} has more than {MAX_LINES:,} lines",
            Span(excerpt, MAX_LINES + 1, 1, MAX_LINES + 1, 2),
            expected="up to here",
            help="keep numbers and words in data files of their own",
        )


def check_depth(depth: int, span: Span) -> None:
    """Raise SpecError where collections nest deeper than MAX_DEPTH."""
    if depth > MAX_DEPTH:
        raise SpecError.of(
            TOO_LARGE,
            f"collections are nested more than {MAX_DEPTH} levels deep",
            span,
            expected="the limit is exceeded here",
            help="name the inner parts under `models` and apply them by name",
        )


def check_values(count: int, span: Span) -> None:
    """Raise SpecError where a document, its aliases expanded, holds more than MAX_VALUES values."""
    if count > MAX_VALUES:
        raise SpecError.of(
            TOO_LARGE,
            f"the document holds more than {MAX_VALUES:,} values after its aliases are expanded",
            span,
            expected="up to here",
            help="use fewer aliases; `repeat` and shared layers need no copies",
        )


def check_comments(count: int) -> None:
    """Raise SpecError where a document to be formatted has more than MAX_COMMENTS comments."""
    if count > MAX_COMMENTS:
        raise SpecError.of(
            TOO_LARGE,
            f"the document holds more than {MAX_COMMENTS:,} comments",
            help="the file was left unchanged; keep long texts in other files",
        )


def syntax_position(source: SourceText, index: int) -> tuple[int, int]:
    """Return the line and column, from 1, of the character at `index`."""
    before = source.text[:index].replace("\r\n", "\n").replace("\r", "\n")
    line = before.count("\n") + 1
    return line, len(before) - (before.rfind("\n") + 1) + 1
