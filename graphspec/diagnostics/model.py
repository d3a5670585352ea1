"""What graphspec says about a spec: sources, spans, diagnostics and the report that collects them.

Everything a user is told about a mistake is data until the edge (the command line, an API caller) shows it.
A stage adds its findings to a `Report` and goes on; `Report.raise_if_errors` ends the work at a stage's end.
This module and `rules` import nothing else of graphspec.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import NoReturn

from graphspec.diagnostics.rules import TOO_LARGE, Rule, Severity


@dataclass(frozen=True)
class Source:
    """A named text that spans point into: a spec file, standard input, or a `--set` argument.

    is_shown is false for a file of which no line may be shown: places in it stand alone.
    """

    name: str
    text: str
    is_shown: bool = True

    @cached_property
    def lines(self) -> list[str]:
        """The lines as YAML counts them: broken at LF, CR LF and CR, and nowhere else."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def line(self, number: int) -> str:
        """Line `number`, counted from 1; empty past the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source. Lines and columns count characters from 1; the end column is exclusive.

    via is the place that uses this one: the step that applies the block which this stands in. Two spans that differ
    in it alone are the same place.
    """

    source: Source = field(repr=False)
    line: int
    column: int
    end_line: int
    end_column: int
    via: Span | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """What stands there."""
        lines = [self.source.line(number) for number in range(self.line, self.end_line + 1)]
        lines[-1] = lines[-1][: self.end_column - 1]
        lines[0] = lines[0][self.column - 1 :]
        return "\n".join(lines)

    def used_at(self, via: Span) -> Span:
        """The same place, used by what stands at `via`."""
        return Span(self.source, self.line, self.column, self.end_line, self.end_column, via)

    @property
    def start(self) -> tuple[int, int]:
        """Line and column of its first character."""
        return self.line, self.column

    @property
    def end(self) -> tuple[int, int]:
        """Line and column behind its last character."""
        return self.end_line, self.end_column

    def overlaps(self, other: Span) -> bool:
        """Return whether the two share a character."""
        return self.source == other.source and self.start < other.end and other.start < self.end

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and terminals make it clickable."""
        return f"{self.source.name}:{self.line}:{self.column}"


_QUOTED = re.compile(r"`([^`\n]{501,})`")
_LONGEST_QUOTED = 500
_LONGEST_TEXT = 1_000


def _cut(text: str) -> str:
    """Return a text for people without what a spec may hold at any length: names, values and shapes.

    A text of several lines has been put together, and is left as it is but for what it quotes.
    """
    if len(text) <= _LONGEST_QUOTED:
        return text
    text = _QUOTED.sub(lambda match: f"`{match[1][: _LONGEST_QUOTED - 3]}...`", text)
    return text if len(text) <= _LONGEST_TEXT or "\n" in text else f"{text[: _LONGEST_TEXT - 3]}..."


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that belongs to a finding: the other duplicate, an edge of a cycle."""

    span: Span
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _cut(self.text))


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands at `span` gives way to `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of the text that mends a finding; all edits are made, or none.

    is_safe: it leaves no doubt of what is meant, so `--fix` makes it; others are made where they are asked for.
    """

    description: str
    edits: tuple[Edit, ...]
    is_safe: bool = True

    @classmethod
    def rewrite(cls, span: Span | None, old: str, new: str, *, is_safe: bool = True) -> Fix | None:
        """Write `new` for `old` at `span`, in the quotes that it stands in.

        None where `old` does not stand there: where the value comes from an expression or an override.
        """
        written = span.text if span is not None else ""
        if span is None or written.strip("\"'") != old or len(written) not in (len(old), len(old) + 2):
            return None
        quote = written[:1] if len(written) > len(old) else ""
        return cls(f"write `{new}`", (Edit(span, f"{quote}{new}{quote}"),), is_safe)

    @classmethod
    def unquote(cls, span: Span | None, old: str, new: str) -> Fix | None:
        """Write `new`, which is no text, for the text `old` at `span`, quoted or not."""
        fix = cls.rewrite(span, old, new)
        return cls(fix.description, (Edit(fix.edits[0].span, new),)) if fix is not None else None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    message says what happened, expected (shown under the caret) what should stand there, help how to mend it, and fix
    does so.
    """

    rule: Rule
    message: str
    span: Span | None = None
    expected: str = ""
    help: str = ""
    labels: tuple[Label, ...] = ()
    fix: Fix | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for part in ("message", "expected", "help"):
            object.__setattr__(self, part, _cut(getattr(self, part)))

    @property
    def is_error(self) -> bool:
        return self.rule.severity is Severity.ERROR


_Position = tuple[int, int]
_start, _end = itemgetter(0), itemgetter(1)


class OpenPlaces:
    """Places by their source, joined where they overlap: a long line may hold thousands."""

    def __init__(self) -> None:
        self._count = 0
        self._places: set[Span] = set()
        self._joined: dict[Source, list[tuple[_Position, _Position]]] = {}

    def __len__(self) -> int:
        """Return how often a place was added."""
        return self._count

    def __contains__(self, span: Span) -> bool:
        """Return whether `span` is one of the places, or shares a character with one."""
        joined = self._joined.get(span.source, [])
        behind = bisect_right(joined, span.start, key=_end)
        return span in self._places or (behind < len(joined) and joined[behind][0] < span.end)

    def add(self, span: Span) -> None:
        """Add a place."""
        self._count += 1
        self._places.add(span)
        joined = self._joined.setdefault(span.source, [])
        first, last = bisect_right(joined, span.start, key=_end), bisect_left(joined, span.end, key=_start)
        around = [(span.start, span.end), *joined[first:last]]
        joined[first:last] = [(min(map(_start, around)), max(map(_end, around)))]


@dataclass
class Report:
    """The findings of one run over one or more specs, in the order of their places.

    open holds the places of values that a finding leaves open, such as an expression that cannot be evaluated:
    what later stages find at such a place is a consequence, and is not said. added counts every finding that was added,
    said again and consequences too: a stage compares it before and after, to know whether it found fault. most is how
    many findings there may be: with the next one the work ends.
    """

    found: list[Diagnostic] = field(default_factory=list)
    open: OpenPlaces = field(default_factory=OpenPlaces)
    added: int = 0
    most: int | None = None
    _seen: set[Diagnostic] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._seen = set(self.found)

    def add(
        self,
        rule: Rule,
        message: str,
        span: Span | None = None,
        *,
        expected: str = "",
        help: str = "",
        labels: Iterable[Label] = (),
        fix: Fix | None = None,
    ) -> None:
        """Add one finding; the same rule at the same place is said once."""
        self.extend([Diagnostic(rule, message, span, expected, help, tuple(labels), fix)])

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        for diagnostic in diagnostics:
            self.added += 1
            if diagnostic not in self._seen and not self.is_open(diagnostic.span):
                if len(self.found) == self.most:
                    self._end(diagnostic.span)
                self._seen.add(diagnostic)
                self.found.append(diagnostic)

    def _end(self, span: Span | None) -> NoReturn:
        """Raise SpecError with all that was found, and that more of it is of no use."""
        self.most = None
        self.add(
            TOO_LARGE,
            f"more than {len(self.found):,} findings in one spec",
            span,
            expected="nothing after this has been looked at",
            help="mend those above, which may be the cause of others, and look again",
        )
        raise SpecError(self)

    def amend(self, change: Callable[[Diagnostic], Diagnostic]) -> None:
        """Put what `change` gives in the place of each finding."""
        self.found = [change(diagnostic) for diagnostic in self.found]
        self._seen.update(self.found)

    def leave_open(self, span: Span) -> None:
        """From now on, say nothing of the value at `span`: a finding has been made of it."""
        self.open.add(span)

    def is_open(self, span: Span | None) -> bool:
        """Return whether a finding has left the value at `span`, or a part of it, open."""
        return span is not None and span in self.open

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self.found, key=_place))

    def __len__(self) -> int:
        return len(self.found)

    @property
    def errors(self) -> list[Diagnostic]:
        return [diagnostic for diagnostic in self if diagnostic.is_error]

    @property
    def warnings(self) -> list[Diagnostic]:
        return [diagnostic for diagnostic in self if not diagnostic.is_error]

    def raise_if_errors(self) -> None:
        """Raise SpecError with all findings so far when one of them is an error."""
        if any(diagnostic.is_error for diagnostic in self.found):
            raise SpecError(self)


class SpecError(Exception):
    """A spec, its data or a run cannot be used; `report` holds every finding. `str()` shows them in full."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    @classmethod
    def of(cls, rule: Rule, message: str, span: Span | None = None, *, expected: str = "", help: str = "") -> SpecError:
        """An error of one finding, for what cannot go on at once."""
        return cls(Report([Diagnostic(rule, message, span, expected, help)]))

    def __str__(self) -> str:
        from graphspec.diagnostics.formats.full import render

        return render(self.report)


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    return (
        (span.source.name, span.line, span.column, diagnostic.rule.code) if span else ("", 0, 0, diagnostic.rule.code)
    )
