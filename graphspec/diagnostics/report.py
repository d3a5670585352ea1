"""The diagnostics of one run, and the error that ends it.

A failure takes one of four channels, and a function uses one of them:

- `Report`: a stage of the static half gets a report, adds its diagnostics and continues, so that one run finds every
  mistake. A part that cannot be used is returned as None (or as `FAULTY` where None is a value), always with a
  diagnostic in the report; a part that the rest of the graph needs stays in it, with `is_faulty` set. `Report.watch`
  answers whether a piece of work added diagnostics.
- a list or an iterator of `Diagnostic`: a check that changes nothing returns what it finds; the caller adds it.
- `SpecError`: nothing after this can be done: a file cannot be read or written, Keras refuses a model, a package is
  missing. It carries a report, and the command line shows it. `Report.raise_if_errors` turns the one into the other.
- an exception of its own (`DataError`, `UnsafePathError`, `UnknownRuleError`): code that knows no place in a spec
  refuses its arguments; its caller knows the place and makes a diagnostic of it.
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
    """The diagnostics of one run over one or more specs.

    Attributes:
        found: The diagnostics in the order they were added; iteration sorts them by place.
        open: The places of values that a diagnostic leaves open, such as an expression that cannot be evaluated.
            Diagnostics at such a place are consequences of it, and are dropped.
        limit: The maximum number of diagnostics; the next one ends the work.
    """

    found: list[Diagnostic] = field(default_factory=list)
    open: OpenPlaces = field(default_factory=OpenPlaces)
    limit: int | None = None
    _seen: set[Diagnostic] = field(init=False, repr=False, compare=False)
    _added: int = field(default=0, init=False, repr=False, compare=False)

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
        """Add one diagnostic, unless the report holds it already."""
        self.extend([Diagnostic(rule, message, span, expected, help, tuple(labels), fix)])

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add each of `diagnostics` that is new and not at an open place."""
        for diagnostic in diagnostics:
            self._added += 1
            if diagnostic not in self._seen and not self.is_open(diagnostic.span):
                if len(self.found) == self.limit:
                    self._end(diagnostic.span)
                self._seen.add(diagnostic)
                self.found.append(diagnostic)

    def _end(self, span: Span | None) -> NoReturn:
        """Raise SpecError with all diagnostics, and one more that says where the work ended."""
        self.limit = None
        self.add(
            TOO_LARGE,
            f"more than {len(self.found):,} findings in one spec",
            span,
            expected="nothing after this place was checked",
            help="fix the findings above, which may cause others, and run it again",
        )
        raise SpecError(self)

    def amend(self, change: Callable[[Diagnostic], Diagnostic]) -> None:
        """Replace each diagnostic by what `change` returns for it."""
        self.found = [change(diagnostic) for diagnostic in self.found]
        self._seen.update(self.found)

    def watch(self) -> ReportWatch:
        """Return a watch over what is added from now on."""
        return ReportWatch(self, self._added, len(self.found), len(self.open))

    def leave_open(self, span: Span) -> None:
        """Drop every later diagnostic about the value at `span`."""
        self.open.add(span)

    def is_open(self, span: Span | None) -> bool:
        """Return whether the value at `span`, or a part of it, was left open."""
        return span is not None and span in self.open

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self.found, key=_place))

    def __len__(self) -> int:
        return len(self.found)

    @property
    def errors(self) -> list[Diagnostic]:
        """The errors by place."""
        return [diagnostic for diagnostic in self if diagnostic.is_error]

    @property
    def warnings(self) -> list[Diagnostic]:
        """The warnings by place."""
        return [diagnostic for diagnostic in self if not diagnostic.is_error]

    def raise_if_errors(self) -> None:
        """Raise SpecError with all diagnostics if one of them is an error."""
        if any(diagnostic.is_error for diagnostic in self.found):
            raise SpecError(self)


@dataclass(frozen=True, slots=True)
class ReportWatch:
    """A view of what was added to `report` since a moment: `watch = report.watch()`, work, `watch.is_clean`."""

    report: Report
    _added: int
    _found: int
    _open: int

    @property
    def is_clean(self) -> bool:
        """True while no diagnostic was added, not even one that was dropped."""
        return self.report._added == self._added

    @property
    def is_complete(self) -> bool:
        """True while the report is clean and no value was left open."""
        return self.is_clean and len(self.report.open) == self._open

    @property
    def has_errors(self) -> bool:
        """True once the report holds a new error."""
        return any(diagnostic.is_error for diagnostic in self.report.found[self._found :])


class SpecError(Exception):
    """A spec, its data or a run that cannot be used; `str()` shows every diagnostic of `report`."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    @classmethod
    def of(cls, rule: Rule, message: str, span: Span | None = None, *, expected: str = "", help: str = "") -> SpecError:
        """Return an error with one diagnostic."""
        return cls(Report([Diagnostic(rule, message, span, expected, help)]))

    def __str__(self) -> str:
        return render(self.report)


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    return (
        (span.source.name, span.line, span.column, diagnostic.rule.code) if span else ("", 0, 0, diagnostic.rule.code)
    )
