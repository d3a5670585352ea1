"""Resolve `${...}` and `when` in a tree; every value keeps its place.

Text that is one expression becomes its value; expressions inside longer text become part of it; `$${` is a literal
`${`. A node with `each` becomes a node for each of its values. A node or step whose `when` is false is omitted, or
replaced by its `otherwise`; omitted parts are not evaluated. Blocks stay as they are until they are used.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable
from collections.abc import Mapping as Names
from dataclasses import dataclass, field, replace
from typing import Any

from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import BAD_EACH, BAD_EXPRESSION, NAME_CLASH, WRONG_TYPE
from graphspec.diagnostics.suggest import closest, did_you_mean, kind_of, one_of
from graphspec.language.document.tree import Located, Mapping, Sequence
from graphspec.language.expand.each import EACH, read_each
from graphspec.language.expand.expressions import (
    ExpressionError,
    FaultyVariableError,
    Value,
    chain_names,
    evaluate,
)
from graphspec.language.expand.operators import FUNCTIONS
from graphspec.language.expand.unsupported import ALLOWED
from graphspec.language.expand.work import TooMuchWorkError, Work

_EXPRESSION = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_ABSENT = object()


@dataclass(frozen=True)
class Substitution:
    """The context of resolving expressions: variables, and the place of use of the tree.

    via: the use of the block that the tree belongs to. Every method raises SpecError where `work` is exhausted.
    """

    names: Names[str, Value]
    report: Report
    via: Span | None = None
    work: Work = field(default_factory=Work)

    def body(self, body: Any, span: Span) -> Any:
        """Resolve a spec, a nested model or the inside of a block. Its own blocks stay."""
        if not isinstance(body, Mapping):
            return self.value(body, span)
        parts: dict[str, Callable[[Any, Span], Any]] = {
            "graph": self._nodes,
            "outputs": self._nodes,
            "losses": self._nodes,
            "models": self._models,
            "blocks": lambda blocks, _: blocks,
        }
        return self._copy(body, lambda key, item: parts.get(key, self.value)(item.value, item.span))

    def _copy(self, mapping: Mapping, resolve: Callable[[str, Located], Any]) -> Mapping:
        """Return a copy with each value replaced by the result of `resolve`; _ABSENT omits the key."""
        copy = Mapping(self.at(mapping.span))
        for key, item in mapping.entries():
            resolved = resolve(key.value, item)
            if resolved is _ABSENT:
                copy.absent[key.value] = self.at(key.span)
            else:
                copy.put(key.value, resolved, self.at(key.span), self.at(item.span))
        return copy

    def at(self, span: Span) -> Span:
        """Return `span`, marked with the place of use."""
        return span if self.via is None or span.via is not None else span.used_at(self.via)

    def value(self, value: Any, span: Span) -> Any:
        """Return `value` with every expression in it resolved."""
        self._spend(span)
        if isinstance(value, Mapping):
            copy = Mapping(self.at(value.span))
            for key, item in value.entries():
                copy.put(key.value, self.value(item.value, item.span), self.at(key.span), self.at(item.span))
            return copy
        if isinstance(value, Sequence):
            sequence = Sequence(self.at(value.span))
            for item in value.entries():
                sequence.put(self.value(item.value, item.span), self.at(item.span))
            return sequence
        return self._text(value, span) if isinstance(value, str) and "${" in value else value

    def _spend(self, span: Span) -> None:
        """Count a copied value. A copy for the use of a block costs more, since the original stays."""
        self._count(1 if self.via is None else 4, span)

    def _count(self, units: int, span: Span) -> None:
        try:
            self.work.spend(units)
        except TooMuchWorkError as error:
            raise error.at(self.at(span)) from None

    def _models(self, models: Any, span: Span) -> Any:
        if not isinstance(models, Mapping):
            return self.value(models, span)
        return self._copy(models, lambda _, item: self.body(item.value, item.span))

    def _nodes(self, nodes: Any, span: Span) -> Any:
        """Return the nodes by name, and record those that are omitted, for messages."""
        if not isinstance(nodes, Mapping):
            return self.value(nodes, span)
        copy = self._copy(
            nodes.filtered(lambda key: not _has_each(nodes[key])), lambda _, item: self._node(item.value, item.span)
        )
        if len(copy) + len(copy.absent) == len(nodes):
            return copy
        ordered = Mapping(copy.span)
        ordered.absent = copy.absent
        for key, item in nodes.entries():
            if _has_each(item.value):
                self._each(key, item, nodes, ordered)
            elif key.value in copy:
                ordered.put(key.value, copy[key.value], copy.key_spans[key.value], copy.value_spans[key.value])
        return ordered

    def _each(self, key: Located, node: Located, nodes: Mapping, made: Mapping) -> None:
        """Add to `made` a node for each value of `each`: `branch_0`, `branch_1` and so on."""
        name, watch = key.value, self.report.watch()
        located = node.value.located(EACH)
        written = Located(self.value(located.value, located.span), self.at(located.span))
        values = read_each(written, self.report) if watch.is_complete else None
        if values is None:
            made.put(name, self._faulty_node(node.span, written.span), self.at(key.span), self.at(node.span))
            made.each[name] = {}
            return
        inside = node.value.filtered(lambda each: each != EACH)
        members: dict[str, dict[str, Any]] = {}
        for number, each in enumerate(values):
            member = f"{name}_{number}"
            if member in nodes:
                self._refuse_member(key, member, nodes.key_spans[member])
                continue
            members[member] = each
            resolved = replace(self, names=chain_names(each, self.names))._node(inside, node.span)
            if resolved is _ABSENT:
                made.absent[member] = self.at(key.span)
            else:
                made.put(member, resolved, self.at(key.span), self.at(node.span))
        made.each[name] = members

    def _faulty_node(self, span: Span, fault: Span) -> Mapping:
        """Return a node in the place of one with a diagnostic at `fault`; what depends on it is left open."""
        node = Mapping(self.at(span))
        node.put("from", Sequence(fault), fault, fault)
        self.report.leave_open(fault)
        return node

    def _refuse_member(self, key: Located, member: str, other: Span) -> None:
        self.report.add(
            NAME_CLASH,
            f"`each` of `{key.value}` makes a node `{member}`, which is here already",
            self.at(key.span),
            expected="a unique name",
            help="rename one of them",
            labels=[Label(self.at(other), "the other one")],
        )

    def _node(self, node: Any, span: Span) -> Any:
        """Return a node; where its `when` is false its `otherwise`, or _ABSENT."""
        self._spend(span)
        if not isinstance(node, Mapping):
            return self.value(node, span)
        if not self._holds(node):
            other = node.located("otherwise")
            if _has_each(other.value):
                fault = self.at(other.value.key_spans[EACH])
                self.report.add(
                    BAD_EACH,
                    "`each` stands in an `otherwise`",
                    fault,
                    expected="a node without `each`",
                    help="write `each` in the node itself: its `when` and its `otherwise` are read for each value",
                )
                return self._faulty_node(other.span, fault)
            return self._node(other.value, other.span) if "otherwise" in node else _ABSENT
        kept = node.filtered(lambda key: key not in ("when", "otherwise"))
        return self._copy(kept, lambda key, item: (self._steps if key == "apply" else self.value)(*item))

    def _steps(self, steps: Any, span: Span) -> Any:
        """Return one step or a list of steps, without those whose `when` is false."""
        sequence = steps if isinstance(steps, Sequence) else None
        items = list(sequence.entries()) if sequence is not None else [Located(steps, span)]
        copy = Sequence(self.at(span))
        for item in items:
            if not isinstance(item.value, Mapping):
                copy.put(self.value(item.value, item.span), self.at(item.span))
            elif self._holds(item.value):
                step = self.value(item.value.filtered(lambda key: key != "when"), item.span)
                copy.put(step, self.at(item.span))
        return copy if sequence is not None or not copy else copy[0]

    def _holds(self, conditional: Mapping) -> bool:
        """Return whether the `when` of a node or step is true or absent."""
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
        """Return `text` with its expressions resolved; unchanged and left open where one has no value."""
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
        """Return the value of an expression. Raises FaultyVariableError, after a diagnostic, where it has none."""
        try:
            if match[1] is None:
                raise ExpressionError("this `${` is not closed by a `}`")
            return evaluate(match[1], self.names, self.work)
        except ExpressionError as error:
            self.report.add(
                BAD_EXPRESSION,
                error.message,
                self.at(_inside(span, match, error)),
                expected=ALLOWED,
                help=self._help(error),
                labels=self._labels(error),
            )
            raise FaultyVariableError from None
        except TooMuchWorkError as error:
            raise error.at(self.at(span)) from None

    def _help(self, error: ExpressionError) -> str:
        if not error.unknown:
            return error.help
        known = [*self.names, *FUNCTIONS]
        return did_you_mean(error.unknown, known, f"the names are {one_of(known)}")

    def _labels(self, error: ExpressionError) -> list[Label]:
        """Return a label at the declaration of the most similar variable."""
        near = closest(error.unknown, self.names) if error.unknown else None
        place = place_of(self.names, near) if near is not None else None
        return [Label(place, f"`{near}` is declared here")] if place is not None else []

    def _located(self, value: Value, span: Span) -> Any:
        """Return a list as a Sequence, with all items at the place of the expression."""
        if not isinstance(value, list):
            return value
        self._count(len(value), span)
        sequence = Sequence(self.at(span))
        for item in value:
            sequence.put(self._located(item, span), self.at(span))
        return sequence


def _has_each(node: Any) -> bool:
    return isinstance(node, Mapping) and EACH in node


def place_of(names: Names[str, Value], name: str) -> Span | None:
    """Return the place where the variable `name` is set; None where it is unknown."""
    holder = next((each for each in (names.maps if isinstance(names, ChainMap) else [names]) if name in each), None)
    place: Span | None = holder.place_of(name) if holder is not None and hasattr(holder, "place_of") else None
    return place


def _inside(span: Span, match: re.Match[str], error: ExpressionError) -> Span:
    """Return the place of the error inside `span`, or `span` for text with escapes."""
    line = span.source.line(span.line)
    start = line.find(match[0], span.column - 1)
    if start < 0 or span.end_line > span.line:
        return span
    if match[1] is None:
        return replace(span, column=start + 1, end_column=start + 3)
    lead = len(match[1]) - len(match[1].lstrip())
    begin = start + 3 + lead + error.offset
    return replace(span, column=begin, end_column=min(begin + error.length, start + len(match[0]) + 1))
