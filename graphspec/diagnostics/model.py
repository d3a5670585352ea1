"""What graphspec says about a spec: sources, spans in them, and diagnostics.

Everything a user is told about a mistake is data until the edge (the command line, an API caller) shows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from graphspec.diagnostics.rules import Rule, Severity


@dataclass(frozen=True)
class SourceText:
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

    source: SourceText = field(repr=False)
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
