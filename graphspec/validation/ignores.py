"""`# graphspec: ignore[GS305]`: comments of a spec that hide findings, and the findings about such comments.

A comment at the end of a line applies to that line, one on a line of its own to the next line that holds more than a
comment, and `ignore-file` to the whole file. Each names its rules in brackets; what follows is a reason.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import yaml

from graphspec.diagnostics import Diagnostic, Edit, Fix, SourceText, Span
from graphspec.diagnostics.rules import BAD_IGNORE, UNUSED_IGNORE, Rule
from graphspec.diagnostics.suggest import one_of
from graphspec.validation.selection import UnknownRuleError, codes_of

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_CANDIDATE = re.compile(r"graphspec:\s*ignore")
_COMMENT = re.compile(r"#\s*graphspec:\s*(?P<kind>ignore(?:-file)?)(?![\w-])\s*(?:\[(?P<rules>[^\]#]*)(?P<end>\])?)?")
Place = tuple[int, int]
"""A line and a column."""

_MAX_SELECTORS = 100
"""The maximum number of selectors that are read from one comment."""

_RULE = re.compile(r"[^,\s](?:[^,]*[^,\s])?")


@dataclass(frozen=True)
class Selector:
    """A code, the beginning of codes or the name of a rule in a comment."""

    text: str
    span: Span
    codes: frozenset[str]


@dataclass(frozen=True)
class Ignore:
    """One ignore comment.

    Attributes:
        line: The line that it applies to; None for the whole file.
        whole: What is removed with the comment: the blanks before it as well, or its line.
        brackets: The text between the brackets, or the comment if it has none.
        finding: What is wrong with the comment.
    """

    line: int | None
    selectors: tuple[Selector, ...]
    whole: Span
    brackets: Span
    finding: Diagnostic | None = None

    @property
    def file(self) -> str:
        """The name of the file that holds the comment."""
        return self.whole.source.name

    def names(self, rule: Rule) -> tuple[Selector, ...]:
        """Return the selectors that select `rule`."""
        return tuple(each for each in self.selectors if rule.code in each.codes)

    def unused(self, used: Iterable[Selector], judged: frozenset[str]) -> Diagnostic | None:
        """Return a finding about the selectors that hide nothing, None if there are none.

        Args:
            used: The selectors that have hidden a finding.
            judged: The codes of all rules that were checked.
        """
        kept = set(used)
        idle = [each for each in self.selectors if each not in kept and each.codes <= judged]
        if not idle:
            return None
        left = [each.text for each in self.selectors if each not in idle]
        where = (
            "in this file" if self.line is None else "here" if self.line == self.brackets.line else "in the next line"
        )
        edit = Edit(self.brackets, ", ".join(left)) if left else Edit(self.whole, "")
        return Diagnostic(
            UNUSED_IGNORE,
            f"{one_of(each.text for each in idle)} ignores nothing {where}",
            Span(
                self.brackets.source,
                self.brackets.line,
                idle[0].span.column,
                self.brackets.line,
                idle[-1].span.end_column,
            ),
            expected="a rule that is reported there",
            help="remove it" if left else "remove the comment",
            fix=Fix("remove what ignores nothing", (edit,)),
        )


def ignores_in(source: SourceText) -> list[Ignore]:
    """Return the ignore comments of a YAML text, at most one per line."""
    if _CANDIDATE.search(source.text) is None or source.name.endswith(".json"):
        return []
    try:
        texts = list(_texts(source))
    except (yaml.YAMLError, RecursionError):
        return []
    found, following = [], 0  # the next line, from below, that holds more than a comment
    for number in range(len(source.lines), 0, -1):
        line = source.line(number)
        start = _comment_start(number, line, texts) if "#" in line else len(line)
        match = _COMMENT.search(line, start)
        if match is not None:
            found.append(_read(source, number, match, following))
        if line[:start].strip():
            following = number
    return found[::-1]


def _texts(source: SourceText) -> Iterator[tuple[Place, Place]]:
    """Yield start and end of each quoted or block scalar, in which a `#` begins no comment."""
    for token in yaml.scan(source.text, Loader=_LOADER):
        if isinstance(token, yaml.ScalarToken) and token.style in ("'", '"', "|", ">"):
            start, end = token.start_mark, token.end_mark
            # The line of a block's `|` may end in a comment.
            begin = (start.line + 1, start.column + 1) if token.style in ("'", '"') else (start.line + 2, 1)
            yield begin, (end.line + 1, end.column + 1)


def _comment_start(number: int, line: str, texts: list[tuple[Place, Place]]) -> int:
    """Return the offset of the comment of a line, whose `#` is outside of `texts`."""
    for mark in re.finditer(r"(?:^|(?<=[ \t]))#", line):
        place = (number, mark.start() + 1)
        before = bisect_right(texts, place, key=lambda text: text[0])
        if not before or place >= texts[before - 1][1]:
            return mark.start()
    return len(line)


def _read(source: SourceText, line: int, match: re.Match[str], following: int) -> Ignore:
    text = source.line(line)
    before = text[: match.start()].rstrip()
    alone = not before or before.lstrip().startswith("#")
    target = None if match["kind"] == "ignore-file" else following if alone else line
    if before or line == len(source.lines):
        whole = Span(source, line, len(before) + 1, line, len(text) + 1)
    else:
        whole = Span(source, line, 1, line + 1, 1)
    if match["end"] is None or not match["rules"].strip():
        comment = Span(source, line, match.start() + 1, line, match.start() + 1 + len(match[0].rstrip()))
        return Ignore(target, (), whole, comment, _nameless(match["kind"], comment))
    selectors, finding = [], None
    for rule in islice(_RULE.finditer(match["rules"]), _MAX_SELECTORS):
        start = match.start("rules") + rule.start() + 1
        span = Span(source, line, start, line, start + len(rule[0]))
        try:
            selectors.append(Selector(rule[0], span, codes_of(rule[0])))
        except UnknownRuleError as error:
            finding = finding or _unknown(error, span)
    written = Span(source, line, match.start("rules") + 1, line, match.end("rules") + 1)
    return Ignore(target, tuple(selectors), whole, written, finding)


def _nameless(kind: str, span: Span) -> Diagnostic:
    return Diagnostic(
        BAD_IGNORE,
        "the comment does not say which rules it ignores",
        span,
        expected="the rules in brackets",
        help=f"name the rules: `# graphspec: {kind}[GS305]`",
    )


def _unknown(error: UnknownRuleError, span: Span) -> Diagnostic:
    return Diagnostic(BAD_IGNORE, error.message, span, expected="a rule, such as `GS305` or `unused`", help=error.help)
