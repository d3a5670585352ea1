"""`# graphspec: ignore[GS305]`: comments of a spec that hide findings, and what is found about the comments themselves.

A comment at the end of a line speaks of what is found at that line, one on a line of its own of the next line that
holds more than a comment, and `ignore-file` of the whole file. Each names its rules; what follows the bracket is a
reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from graphspec.diagnostics import Diagnostic, Edit, Fix, Source, Span
from graphspec.rules import BAD_IGNORE, UNUSED_IGNORE
from graphspec.suggest import one_of
from graphspec.validation.selection import UnknownRuleError, codes_of

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_CANDIDATE = re.compile(r"graphspec:\s*ignore")
_COMMENT = re.compile(r"#\s*graphspec:\s*(?P<kind>ignore(?:-file)?)(?![\w-])\s*(?:\[(?P<rules>[^\]#]*)(?P<end>\])?)?")
_RULE = re.compile(r"[^,\s](?:[^,]*[^,\s])?")


@dataclass(frozen=True)
class Named:
    """One rule, or one group of rules, that a comment names."""

    text: str
    span: Span
    codes: frozenset[str]


@dataclass(frozen=True)
class Ignore:
    """One comment: the line that it speaks of, or None for the whole file, and the rules that it names.

    whole is what leaves the file with it: the comment with the blanks before it, or its line. listed is what stands
    between the brackets. finding is what is wrong with the comment.
    """

    line: int | None
    named: tuple[Named, ...]
    whole: Span
    listed: Span
    finding: Diagnostic | None = None

    @property
    def file(self) -> str:
        return self.whole.source.name

    def hides(self, finding: Diagnostic) -> list[Named]:
        """What of the comment speaks of `finding`."""
        span = finding.span
        if span is None or span.source.name != self.file or self.line not in (None, span.line):
            return []
        return [each for each in self.named if finding.rule.code in each.codes]

    def unused(self, used: Iterable[Named], judged: frozenset[str]) -> Diagnostic | None:
        """The finding that some of what the comment names hides nothing; judged are the rules that were looked for."""
        kept = set(used)
        idle = [each for each in self.named if each not in kept and each.codes <= judged]
        if not idle:
            return None
        left = [each.text for each in self.named if each not in idle]
        where = "in this file" if self.line is None else "here" if self.line == self.listed.line else "in the next line"
        edit = Edit(self.listed, ", ".join(left)) if left else Edit(self.whole, "")
        return Diagnostic(
            UNUSED_IGNORE,
            f"nothing of {one_of(each.text for each in idle)} is found {where}",
            Span(self.listed.source, self.listed.line, idle[0].span.column, self.listed.line, idle[-1].span.end_column),
            expected="a rule that is found",
            help="remove it" if left else "remove the comment",
            fix=Fix("remove what hides nothing", (edit,)),
        )


def ignores_in(source: Source) -> list[Ignore]:
    """The comments of `source`, a YAML text, that hide findings; none where it is not YAML."""
    if _CANDIDATE.search(source.text) is None or source.name.endswith(".json"):
        return []
    try:
        hidden = list(_texts(source))
    except (yaml.YAMLError, RecursionError):
        return []
    found = []
    for number, line in enumerate(source.lines, 1):
        for match in _COMMENT.finditer(line):
            if not _is_text(number, match.start() + 1, line, hidden):
                found.append(_read(source, number, match))
    return found


def _texts(source: Source) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where quoted and block texts begin and end, in which a `#` is a character like any other."""
    for token in yaml.scan(source.text, Loader=_LOADER):
        if isinstance(token, yaml.ScalarToken) and token.style in ("'", '"', "|", ">"):
            start, end = token.start_mark, token.end_mark
            # The line of a block's `|` may end in a comment.
            begin = (start.line + 1, start.column + 1) if token.style in ("'", '"') else (start.line + 2, 1)
            yield begin, (end.line + 1, end.column + 1)


def _is_text(line: int, column: int, written: str, hidden: list[tuple[tuple[int, int], tuple[int, int]]]) -> bool:
    if any(begin <= (line, column) < end for begin, end in hidden):
        return True
    # A `#` is a comment at the start of a line, after a blank, or inside of a comment that has begun.
    return column > 1 and written[column - 2] not in " \t" and not re.search(r"(^|\s)#", written[: column - 1])


def _read(source: Source, line: int, match: re.Match[str]) -> Ignore:
    text = source.line(line)
    before = text[: match.start()].rstrip()
    alone = not before or before.lstrip().startswith("#")
    speaks_of = None if match["kind"] == "ignore-file" else _next(source, line) if alone else line
    if before or line == len(source.lines):
        whole = Span(source, line, len(before) + 1, line, len(text) + 1)
    else:
        whole = Span(source, line, 1, line + 1, 1)
    if match["end"] is None or not match["rules"].strip():
        comment = Span(source, line, match.start() + 1, line, match.start() + 1 + len(match[0].rstrip()))
        return Ignore(speaks_of, (), whole, comment, _nameless(match["kind"], comment))
    named, finding = [], None
    for rule in _RULE.finditer(match["rules"]):
        start = match.start("rules") + rule.start() + 1
        span = Span(source, line, start, line, start + len(rule[0]))
        try:
            named.append(Named(rule[0], span, codes_of(rule[0])))
        except UnknownRuleError as error:
            finding = finding or _unknown(error, span)
    listed = Span(source, line, match.start("rules") + 1, line, match.end("rules") + 1)
    return Ignore(speaks_of, tuple(named), whole, listed, finding)


def _nameless(kind: str, span: Span) -> Diagnostic:
    return Diagnostic(
        BAD_IGNORE,
        "the comment does not say what it ignores",
        span,
        expected="the rules in brackets",
        help=f"name the rules: `# graphspec: {kind}[GS305]`",
    )


def _unknown(error: UnknownRuleError, span: Span) -> Diagnostic:
    return Diagnostic(BAD_IGNORE, error.message, span, expected="a rule, such as `GS305` or `unused`", help=error.help)


def _next(source: Source, line: int) -> int:
    """The next line that holds more than a comment."""
    for number in range(line + 1, len(source.lines) + 1):
        text = source.line(number).strip()
        if text and not text.startswith("#"):
            return number
    return line
