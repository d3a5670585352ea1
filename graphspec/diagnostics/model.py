"""The data model of diagnostics: sources, spans in them, edits, fixes, and diagnostics.

A diagnostic is data until the command line or an API caller shows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from graphspec.diagnostics.rules import Rule, Severity


@dataclass(frozen=True)
class SourceText:
    """A named text that spans point into: a spec file, standard input, or a `--set` argument.

    Attributes:
        is_shown: False for a file whose lines may not be quoted.
    """

    name: str
    text: str
    is_shown: bool = True

    @cached_property
    def lines(self) -> list[str]:
        """The lines as YAML counts them, separated by LF, CR LF or CR only."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def line(self, number: int) -> str:
        """Return line `number`, counted from 1; empty past the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    @property
    def first_line(self) -> Span:
        """The span of the first line."""
        return Span(self, 1, 1, 1, 1 + len(self.line(1)))


@dataclass(slots=True, unsafe_hash=True)  # never changed; a frozen one takes four times as long to make
class Span:
    """A range of a source. Lines and columns count characters from 1; the end column is exclusive.

    Attributes:
        via: The place that uses this one, such as the step that applies the block around it; it does not count in
            comparisons.
    """

    source: SourceText = field(repr=False)
    line: int
    column: int
    end_line: int
    end_column: int
    via: Span | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The text of the range."""
        lines = [self.source.line(number) for number in range(self.line, self.end_line + 1)]
        lines[-1] = lines[-1][: self.end_column - 1]
        lines[0] = lines[0][self.column - 1 :]
        return "\n".join(lines)

    def used_at(self, via: Span) -> Span:
        """Return this place as used at `via`."""
        return Span(self.source, self.line, self.column, self.end_line, self.end_column, via)

    @property
    def start(self) -> tuple[int, int]:
        """The line and column of the first character."""
        return self.line, self.column

    @property
    def end(self) -> tuple[int, int]:
        """The line and column after the last character."""
        return self.end_line, self.end_column

    def overlaps(self, other: Span) -> bool:
        """Return whether the two spans share a character."""
        return self.source == other.source and self.start < other.end and other.start < self.end

    @property
    def place(self) -> str:
        """The place as `file:line:column`, which editors and terminals make clickable."""
        return f"{self.source.name}:{self.line}:{self.column}"


_QUOTED = re.compile(r"`([^`\n]{501,})`")
_MAX_QUOTE = 500
_MAX_TEXT = 1_000


def _cut(text: str) -> str:
    """Return a message with long quotes cut, and cut itself if it is one long line."""
    if len(text) <= _MAX_QUOTE:
        return text
    text = _QUOTED.sub(lambda match: f"`{match[1][: _MAX_QUOTE - 3]}...`", text)
    return text if len(text) <= _MAX_TEXT or "\n" in text else f"{text[: _MAX_TEXT - 3]}..."


@dataclass(frozen=True, slots=True)
class Label:
    """A second place of a diagnostic, such as the other duplicate or an edge of a cycle."""

    span: Span
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _cut(self.text))


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of the text at `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of the text that fixes a diagnostic; all edits are made, or none.

    Attributes:
        is_safe: The fix is certain, so `--fix` makes it; others need `--unsafe-fixes`.
    """

    description: str
    edits: tuple[Edit, ...]
    is_safe: bool = True

    @classmethod
    def rewrite(cls, span: Span | None, old: str, new: str, *, is_safe: bool = True) -> Fix | None:
        """Return a fix that replaces `old` by `new` at `span`, keeping the quotes.

        None if `old` is not there, since the value comes from an expression or an override.
        """
        written = span.text if span is not None else ""
        if span is None or written.strip("\"'") != old or len(written) not in (len(old), len(old) + 2):
            return None
        quote = written[:1] if len(written) > len(old) else ""
        return cls(f"write `{new}`", (Edit(span, f"{quote}{new}{quote}"),), is_safe)

    @classmethod
    def unquote(cls, span: Span | None, old: str, new: str) -> Fix | None:
        """Return a fix that replaces the string `old` at `span`, with its quotes, by the plain value `new`."""
        fix = cls.rewrite(span, old, new)
        return cls(fix.description, (Edit(fix.edits[0].span, new),)) if fix is not None else None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    Attributes:
        message: What is wrong.
        expected: What should be there, shown under the caret.
        help: How to fix it.
        labels: Other places that belong to it.
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
        """True for an error, False for a warning."""
        return self.rule.severity is Severity.ERROR
