"""`${...}` and `when` resolved throughout a tree: tree → tree, every value at the place it was written.

A text that is one expression becomes the expression's value; expressions inside longer text become part of it;
`$${` is a literal `${`. A node or a step whose `when` is false is left out, or is its `otherwise`, and what is left
out is not evaluated. Blocks are templates: they stay as they are until they are used.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping as Names
from dataclasses import dataclass, field, replace
from typing import Any

from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import BAD_EXPRESSION, WRONG_TYPE
from graphspec.diagnostics.suggest import closest, did_you_mean, kind_of, one_of
from graphspec.language.document.tree import Located, Mapping, Sequence
from graphspec.language.expand.expressions import ExpressionError, FaultyVariableError, Value, evaluate
from graphspec.language.expand.operators import FUNCTIONS
from graphspec.language.expand.work import TooMuchWorkError, Work

_EXPRESSION = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_ABSENT = object()


@dataclass(frozen=True)
class Substitution:
    """Resolves expressions over `names`; `via` is the place that uses the tree, where that is another place.

    What it takes is counted in `work`. Where that is more than one spec may take, every method raises SpecError.
    """

    names: Names[str, Value]
    report: Report
    via: Span | None = None
    work: Work = field(default_factory=Work)

    def body(self, body: Any, span: Span) -> Any:
        """A spec, a nested model, or the inside of a block: its nodes may be conditional, its own blocks stay."""
        if not isinstance(body, Mapping):
            return self.value(body, span)
        copy = Mapping(self.at(body.span))
        for key, item in body.entries():
            resolved = item.value
            if key.value in ("graph", "outputs"):
                resolved = self._nodes(item.value, item.span)
            elif key.value == "models":
                resolved = self._models(item.value, item.span)
            elif key.value != "blocks":
                resolved = self.value(item.value, item.span)
            copy.put(key.value, resolved, self.at(key.span), self.at(item.span))
        return copy

    def at(self, span: Span) -> Span:
        """`span`, marked with the place that uses it."""
        return span if self.via is None or span.via is not None else span.used_at(self.via)

    def value(self, value: Any, span: Span) -> Any:
        """`value` with every expression in it resolved."""
        self._spend(span)
        if isinstance(value, Mapping):
            copy = Mapping(self.at(value.span))
            for key, item in value.entries():
                copy.put(key.value, self.value(item.value, item.span), self.at(key.span), self.at(item.span))
            return copy
        if isinstance(value, Sequence):
            listed = Sequence(self.at(value.span))
            for item in value.entries():
                listed.put(self.value(item.value, item.span), self.at(item.span))
            return listed
        return self._text(value, span) if isinstance(value, str) and "${" in value else value

    def _spend(self, span: Span) -> None:
        """Count a value that is copied; what a block's use copies is kept beside what it was copied from."""
        self._count(1 if self.via is None else 4, span)

    def _count(self, units: int, span: Span) -> None:
        try:
            self.work.spend(units)
        except TooMuchWorkError as error:
            raise error.at(self.at(span)) from None

    def _models(self, models: Any, span: Span) -> Any:
        if not isinstance(models, Mapping):
            return self.value(models, span)
        copy = Mapping(self.at(models.span))
        for key, item in models.entries():
            copy.put(key.value, self.body(item.value, item.span), self.at(key.span), self.at(item.span))
        return copy

    def _nodes(self, nodes: Any, span: Span) -> Any:
        """Nodes by name. The names of those that a condition leaves out are kept, for messages."""
        if not isinstance(nodes, Mapping):
            return self.value(nodes, span)
        copy = Mapping(self.at(nodes.span))
        for key, item in nodes.entries():
            resolved = self._node(item.value, item.span)
            if resolved is _ABSENT:
                copy.absent[key.value] = self.at(key.span)
            else:
                copy.put(key.value, resolved, self.at(key.span), self.at(item.span))
        return copy

    def _node(self, node: Any, span: Span) -> Any:
        """A node; where its `when` is false its `otherwise`, or nothing."""
        self._spend(span)
        if not isinstance(node, Mapping):
            return self.value(node, span)
        if not self._holds(node):
            other = node.located("otherwise")
            return self._node(other.value, other.span) if "otherwise" in node else _ABSENT
        copy = Mapping(self.at(node.span))
        for key, item in node.entries():
            if key.value not in ("when", "otherwise"):
                steps = key.value == "apply"
                resolved = self._steps(item.value, item.span) if steps else self.value(item.value, item.span)
                copy.put(key.value, resolved, self.at(key.span), self.at(item.span))
        return copy

    def _steps(self, steps: Any, span: Span) -> Any:
        """One step or a list of them, without those whose `when` is false."""
        listed = steps if isinstance(steps, Sequence) else None
        items = list(listed.entries()) if listed is not None else [Located(steps, span)]
        copy = Sequence(self.at(span))
        for item in items:
            if not isinstance(item.value, Mapping):
                copy.put(self.value(item.value, item.span), self.at(item.span))
            elif self._holds(item.value):
                step = self.value(_without(item.value, "when"), item.span)
                copy.put(step, self.at(item.span))
        return copy if listed is not None or not copy else copy[0]

    def _holds(self, conditional: Mapping) -> bool:
        """Whether the `when` of a node or step is true; it is where there is none."""
        if "when" not in conditional:
            return True
        when = conditional.located("when")
        watch = self.report.watch()
        holds = self.value(when.value, when.span)
        if not isinstance(holds, bool):
            if watch.is_clean:
                self.report.add(
                    WRONG_TYPE,
                    f"`when` is {kind_of(holds)}, not true or false",
                    self.at(when.span),
                    expected="true or false, or an expression that gives one of them",
                    help='write a comparison: `when: "${stride > 1}"`',
                )
            return True
        return holds

    def _text(self, text: str, span: Span) -> Any:
        """`text` with its expressions resolved; as it stands, its place left open, where one has no value."""
        match = _EXPRESSION.fullmatch(text)
        try:
            if match is not None and match[1] is not None:
                return self._located(self._evaluate(match, span), span)
            text = _EXPRESSION.sub(lambda found: self._part(found, span), text)
            self._count(len(text) // 10, span)
            return text
        except FaultyVariableError:
            self.report.leave_open(span)
            return text

    def _part(self, match: re.Match[str], span: Span) -> str:
        self._count(1, span)
        if match[0] == "$${":
            return "${"
        value = self._evaluate(match, span)
        if isinstance(value, bool) or value is None:
            return "null" if value is None else str(value).lower()
        return str(value)

    def _evaluate(self, match: re.Match[str], span: Span) -> Value:
        """The value of an expression. Raises FaultyVariableError, after a finding, where it has none."""
        try:
            if match[1] is None:
                raise ExpressionError("this `${` is not closed by a `}`")
            return evaluate(match[1], self.names, self.work)
        except ExpressionError as error:
            self.report.add(
                BAD_EXPRESSION,
                error.message,
                self.at(_inside(span, match, error)),
                expected="numbers, strings, lists, names, arithmetic, comparisons, `and`, `or`, `not`",
                help=self._help(error),
                labels=self._labels(error),
            )
            raise FaultyVariableError from None
        except TooMuchWorkError as error:
            raise error.at(self.at(span)) from None

    def _help(self, error: ExpressionError) -> str:
        if not error.unknown:
            return ""
        known = [*self.names, *FUNCTIONS]
        return did_you_mean(error.unknown, known, f"the names are {one_of(known)}")

    def _labels(self, error: ExpressionError) -> list[Label]:
        """Where the variable is declared that was most likely meant."""
        near = closest(error.unknown, self.names) if error.unknown else None
        place = place_of(self.names, near) if near is not None else None
        return [Label(place, f"`{near}` is declared here")] if place is not None else []

    def _located(self, value: Value, span: Span) -> Any:
        """A list as a Sequence, all of it at the place of its expression."""
        if not isinstance(value, list):
            return value
        self._count(len(value), span)
        listed = Sequence(self.at(span))
        for item in value:
            listed.put(self._located(item, span), self.at(span))
        return listed


def place_of(names: Names[str, Value], name: str) -> Span | None:
    """Where the variable `name` is set, as far as that is known of `names`."""
    for each in names.maps if isinstance(names, ChainMap) else [names]:
        if name in each:
            found: Span | None = each.place_of(name) if hasattr(each, "place_of") else None
            return found
    return None


def _without(mapping: Mapping, key: str) -> Mapping:
    rest = Mapping(mapping.span)
    for name, item in mapping.entries():
        if name.value != key:
            rest.put(name.value, item.value, name.span, item.span)
    return rest


def _inside(span: Span, match: re.Match[str], error: ExpressionError) -> Span:
    """The place of the mistake within the text at `span`, where the text stands on one line as it is."""
    line = span.source.line(span.line)
    start = line.find(match[0], span.column - 1)
    if start < 0 or span.end_line > span.line:
        return span
    if match[1] is None:
        return replace(span, column=start + 1, end_column=start + 3)
    lead = len(match[1]) - len(match[1].lstrip())
    begin = start + 3 + lead + error.offset
    return replace(span, column=begin, end_column=min(begin + error.length, start + len(match[0]) + 1))
