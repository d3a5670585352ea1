"""Parse JSON to a tree. The standard library validates the text, one pass over its tokens adds the places."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Any

from graphspec.diagnostics import Label, Report, SourceText, Span, SpecError
from graphspec.diagnostics.rules import DUPLICATE_KEY, SYNTAX
from graphspec.language.document.limits import MAX_DEPTH, check_depth, check_values, syntax_position
from graphspec.language.document.scalars import MAX_NUMBER_LENGTH, replace_invalid, resolve
from graphspec.language.document.syntax import invalid_character
from graphspec.language.document.tree import Mapping, Sequence

_TOKEN = re.compile(r'[{}\[\]]|"(?:[^"\\]|\\.)*"?|[^\s,:{}\[\]"]+')


def read_json(source: SourceText, report: Report) -> Any:
    """Parse `source` as one JSON value, as `read_yaml` does for YAML.

    Raises:
        SpecError: The text is not JSON, or exceeds a limit.
    """
    try:
        json.loads(source.text, parse_constant=_ConstantError.refuse, parse_int=_ignore_integer)
    except json.JSONDecodeError as error:
        _refuse_depth(source, error.pos)
        comma = _trailing_comma(source.text, error.pos)
        at = error.pos if comma is None else comma
        reason = (
            f"{error.msg[0].lower()}{error.msg[1:]}" if comma is None else "there is a comma before a closing bracket"
        )
        help = _help(source.text, error.pos) if comma is None else "remove the comma"
        raise SpecError.of(
            SYNTAX, f"this is not valid JSON: {reason}", _span_at(source, at, at + 1), help=help
        ) from None
    except _ConstantError as constant:
        name = str(constant)
        start = next(match.start() for match in _TOKEN.finditer(source.text) if match[0].startswith(name))
        _refuse_depth(source, start)
        raise SpecError.of(
            SYNTAX,
            f"this is not valid JSON: `{name}` is not a JSON value",
            _span_at(source, start, start + len(name)),
            expected="a number, a string, an array, an object, `true`, `false` or `null`",
            help="write a number, or `null`",
        ) from None
    except RecursionError:
        _refuse_depth(source, len(source.text))
        raise
    return _build(source.text, _LineIndex(source), report)


def _refuse_depth(source: SourceText, end: int) -> None:
    """Raise SpecError where collections nest too deep before `end`, where the standard library stopped."""
    depth = 0
    for match in _TOKEN.finditer(source.text, 0, end):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match[0], 0)
        if depth > MAX_DEPTH:
            check_depth(depth, _span_at(source, match.start(), match.end()))


class _ConstantError(Exception):
    """`NaN` or an infinity, which Python's parser accepts and JSON does not have."""

    @classmethod
    def refuse(cls, name: str) -> None:
        raise cls(name)


def _trailing_comma(text: str, position: int) -> int | None:
    """Return the offset of a trailing comma. Python 3.13 reports the comma, earlier versions the bracket after it."""
    if text[position : position + 1] == "," and text[position + 1 :].lstrip()[:1] in ("}", "]"):
        return position
    before = text[:position].rstrip()
    return len(before) - 1 if text[position : position + 1] in ("}", "]") and before.endswith(",") else None


def _help(text: str, position: int) -> str:
    if re.compile(r"None|True|False").match(text, position):
        return "JSON writes `null`, `true` and `false`"
    if text[position : position + 1] == "'":
        return "JSON strings have double quotes"
    return "check the commas, quotes and brackets here and before"


def _build(text: str, lines: _LineIndex, report: Report) -> Any:
    """Return the tree of `text`. It is valid JSON, so brackets match and keys are strings."""
    stack: list[tuple[Mapping | Sequence, int]] = []
    keys: list[tuple[str, Span] | None] = []
    root: Any = None
    for count, match in enumerate(_TOKEN.finditer(text)):
        token, start, end = match[0], match.start(), match.end()
        span = lines.span(start, end)
        check_values(count, span)
        if token in ("{", "["):
            check_depth(len(stack) + 1, span)
            stack.append((Mapping(span) if token == "{" else Sequence(span), start))
            keys.append(None)
            continue
        if token in ("}", "]"):
            value, opened = stack.pop()
            keys.pop()
            value.span = span = lines.span(opened, end)
        else:
            value = _scalar(token, span, report)
        if not stack:
            root = value
        elif isinstance(parent := stack[-1][0], Sequence):
            parent.put(value, span)
        elif (key := keys[-1]) is None:
            keys[-1] = (str(value), span)
        else:
            keys[-1] = None
            if key[0] in parent:
                report.add(
                    DUPLICATE_KEY,
                    f"the key `{key[0]}` is used twice in one object",
                    key[1],
                    expected="a unique key",
                    help="remove or rename one of them",
                    labels=[Label(parent.key_spans[key[0]], "it is first used here")],
                )
            else:
                parent.put(key[0], value, key[1], span)
    return root


def _ignore_integer(_: str) -> None:
    """Ignore an integer while the text is validated, because Python refuses very long ones."""


def _scalar(token: str, span: Span, report: Report) -> Any:
    value = json.loads(token) if len(token) <= MAX_NUMBER_LENGTH or token[0] == '"' else resolve(token)
    if not isinstance(value, str) or "\\u" not in token:
        return value
    text, invalid = replace_invalid(value)
    if invalid is not None:
        report.extend([invalid_character(invalid, span)])
    return text


def _span_at(source: SourceText, start: int, end: int) -> Span:
    """Return the span of one range of offsets, without indexing all lines."""
    line, column = syntax_position(source, start)
    end_line, end_column = syntax_position(source, max(start, end - 1))
    return Span(source, line, column, end_line, end_column + 1)


class _LineIndex:
    """An index of the lines of a text, which maps offsets to spans."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", source.text))]

    def span(self, start: int, end: int) -> Span:
        first, last = bisect_right(self.starts, start), bisect_right(self.starts, max(start, end - 1))
        return Span(
            self.source,
            first,
            start - self.starts[first - 1] + 1,
            last,
            max(start, end - 1) - self.starts[last - 1] + 2,
        )
