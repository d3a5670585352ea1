"""Translate errors of PyYAML's parser to diagnostics for authors of specs."""

from __future__ import annotations

import re

import yaml

from graphspec.diagnostics import Diagnostic, Label, SourceText, Span
from graphspec.diagnostics.rules import SYNTAX

_BRACKETS = {"{": "}", "[": "]"}


def syntax_error(source: SourceText, error: yaml.MarkedYAMLError) -> Diagnostic:
    """Return the diagnostic for `error`, at the place that has to be fixed."""
    place = _span(source, error.problem_mark or error.context_mark)
    opened = _span(source, error.context_mark) if error.context_mark is not None else None
    problem, context = error.problem or "this cannot be read", error.context or ""
    if opened is not None and "quoted scalar" in context and "end of stream" in problem:
        return Diagnostic(SYNTAX, "a quote is not closed", opened, "a quote", "close the quote")
    bracket = _character(opened) if opened is not None else ""
    if opened is not None and "flow" in context and bracket in _BRACKETS:
        return _unclosed(place, opened, bracket)
    return _at(place, problem, context)


def invalid_character(character: str, span: Span) -> Diagnostic:
    """Return the diagnostic for an escape of NUL or a surrogate."""
    return Diagnostic(
        SYNTAX,
        f"the character U+{ord(character):04X} is not allowed in a string",
        span,
        expected="a string without control characters",
        help="remove its escape sequence",
    )


def _at(place: Span, problem: str, context: str) -> Diagnostic:
    line = place.source.line(place.line)
    before, here = line[: place.column - 1], _character(place)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Diagnostic(
            SYNTAX, "a tab indents this line", place, "spaces", "indent with spaces; YAML does not allow tabs"
        )
    if "mapping values are not allowed" in problem:
        if re.match(r"\s*(- )?[^:]+: ", before):
            help = "quote the text after the first `: `, since it contains `: ` too; or check the indentation"
        else:
            help = "indent this key like the other keys of its mapping"
        return Diagnostic(SYNTAX, "there is a `:` where no key is allowed", place, "no `:` here", help)
    if "alias" in context or "anchor" in context:
        what, sign = ("an alias", "*") if "alias" in context else ("an anchor", "&")
        help = f"quote text that starts with `{sign}`, which begins {what} in YAML"
        return Diagnostic(SYNTAX, f"no name follows `{sign}`", place, "a name of letters and digits", help)
    if "cannot start any token" in problem:
        help = f"quote text that starts with `{here}`"
        return Diagnostic(SYNTAX, f"in YAML no plain value starts with `{here}`", place, "a value", help)
    if "could not find expected ':'" in problem:
        return Diagnostic(
            SYNTAX, "the line above is not of the form `key: value`", place, "a `:` before this", "write `key: value`"
        )
    help = "check the brackets, quotes and indentation of this line and those above"
    return Diagnostic(SYNTAX, f"this is not valid YAML: {problem}", place, "", help)


def _unclosed(place: Span, opened: Span, bracket: str) -> Diagnostic:
    closing = _BRACKETS[bracket]
    line = place.source.line(place.line)
    help = f"close the `{bracket}` with `{closing}`"
    if reference := re.search(r"[\[{,:]\s*([A-Za-z_][\w-]*\[\d+\])", line):
        help = f'inside `[...]` or `{{...}}` a reference with an index needs quotes: "{reference[1]}"'
    return Diagnostic(
        SYNTAX,
        f"the `{bracket}` is not closed before this place",
        place,
        f"`,` or `{closing}`",
        help,
        (Label(opened, "it is opened here"),),
    )


def _character(place: Span) -> str:
    return place.source.line(place.line)[place.column - 1 : place.column]


def _span(source: SourceText, mark: yaml.Mark | None) -> Span:
    """Return the place of the character at `mark`, at most that after the last character."""
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    if line > len(source.lines) or (line == len(source.lines) and not source.line(line)):
        line = next((number for number in range(len(source.lines), 0, -1) if source.line(number).strip()), 1)
        column = len(source.line(line)) + 1
    return Span(source, line, column, line, column + 1)
