"""Diagnostics, collected: the report of one run, and the error that ends it.

A stage adds its findings to a `Report` and goes on; `Report.raise_if_errors` ends the work at a stage's end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from graphspec.diagnostics.model import Diagnostic, Fix, Label, Span
from graphspec.diagnostics.open_places import OpenPlaces
from graphspec.diagnostics.render import render
from graphspec.diagnostics.rules import TOO_LARGE, Rule


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
        return render(self.report)


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    return (
        (span.source.name, span.line, span.column, diagnostic.rule.code) if span else ("", 0, 0, diagnostic.rule.code)
    )
