"""Evaluate `vars` on first use, so that they may use each other in any order."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Names
from collections.abc import Sequence as Several
from functools import cached_property

from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import BAD_EXPRESSION, WRONG_TYPE
from graphspec.diagnostics.suggest import kind_of
from graphspec.language.document.tree import Mapping, Sequence, plain
from graphspec.language.expand.expressions import FaultyVariableError, Value
from graphspec.language.expand.substitute import Substitution
from graphspec.language.expand.work import Work

MAX_CHAIN = 50


class Variables(Names[str, Value]):
    """The variables of one file and of the files that it includes. outer: the latter, the nearest first."""

    def __init__(self, written: Mapping | None, outer: Several[Variables], report: Report, work: Work) -> None:
        self.written = written if written is not None else {}
        self.spans: dict[str, Span] = written.key_spans if written is not None else {}
        self.outer = outer
        self.report = report
        self.work = work
        self.known: dict[str, Value] = {}
        self.faulty: set[str] = set()
        self.evaluating: list[str] = []

    def __getitem__(self, name: str) -> Value:
        if name not in self.written:
            holder = next((each for each in self.outer if name in each.written), None)
            if holder is None:
                raise KeyError(name)
            return holder[name]
        if name not in self.known and name not in self.faulty:
            self._resolve(name)
        if name in self.faulty:
            raise FaultyVariableError(name)
        return self.known[name]

    def check(self) -> None:
        """Evaluate every variable of the file, so that unused faulty ones are reported too."""
        for name in self.written:
            if name not in self.known and name not in self.faulty:
                self._resolve(name)

    def place_of(self, name: str) -> Span | None:
        """Return where `name` is set; None where it is not."""
        return next((each.spans[name] for each in (self, *self.outer) if name in each.spans), None)

    def _resolve(self, name: str) -> None:
        """Evaluate the variable, or mark it as faulty after a diagnostic."""
        watch = self.report.watch()
        if name in self.evaluating:
            self._refuse_cycle(name)
        elif len(self.evaluating) >= MAX_CHAIN:
            self._refuse_chain(name)
        else:
            self.evaluating.append(name)
            value = self._evaluate(name)
            self.evaluating.pop()
            if watch.is_complete:
                self.known[name] = value
        if name not in self.known:
            self.faulty.add(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for each in (self, *self.outer) for name in each.written))

    def __contains__(self, name: object) -> bool:
        return name in self.written or any(name in each.written for each in self.outer)

    def _evaluate(self, name: str) -> Value:
        assert isinstance(self.written, Mapping)
        located = self.written.located(name)
        value = Substitution(self, self.report, work=self.work).value(located.value, located.span)
        items = value if isinstance(value, Sequence) else [value]
        if isinstance(value, Mapping) or any(isinstance(item, Mapping) for item in items):
            self.report.add(
                WRONG_TYPE,
                f"the variable `{name}` holds {kind_of(value)}",
                located.span,
                expected="a number, a string, true, false, null, or a list of these",
                help="declare shared layers and models under `layers`, `models` and `blocks`",
            )
            return None
        result: Value = plain(value)
        return result

    def _refuse_chain(self, name: str) -> None:
        self.report.add(
            BAD_EXPRESSION,
            f"variables use each other more than {MAX_CHAIN} levels deep",
            self.spans[name],
            expected="the limit is exceeded here",
        )

    def _refuse_cycle(self, name: str) -> None:
        cycle = [*self.evaluating[self.evaluating.index(name) :], name]
        self.report.add(
            BAD_EXPRESSION,
            f"variables use each other in a cycle: {' → '.join(cycle)}" if len(cycle) > 2 else f"`{name}` uses itself",
            self.spans[cycle[0]],
            expected="a variable that does not use this one",
            labels=[Label(self.spans[each], f"`{each}` is part of the cycle") for each in cycle[1:-1]],
        )
