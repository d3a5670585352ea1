"""The frame of one function: its instances, identifiers and the values that its code takes from where it stands.

A function that stands for a block has an instance for each use. Its code must give every instance exactly what the
graph holds: where values differ between instances, it holds the expression that the block writes there, evaluated for
each; where there is none, the instances cannot share a function.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping as Names
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graphspec.diagnostics import Report, Span
from graphspec.language.document.tree import Mapping
from graphspec.language.expand import Substitution, Value
from graphspec.language.expand.expressions import ExpressionError, FaultyVariableError, evaluate
from graphspec.language.expand.variables import Variables
from graphspec.language.expand.work import TooMuchWorkError, Work
from graphspec.to_python.constants import Constants, same, whole_expression
from graphspec.to_python.expressions import UntranslatableError, translate
from graphspec.to_python.identifiers import Identifiers
from graphspec.to_python.literals import formatted, literal, literal_text
from graphspec.to_python.places import Places
from graphspec.to_python.source import Choice, Expression, Items, Text


class DifferentError(Exception):
    """The instances of a block differ in a way that no expression of the block tells."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A body, or one use of a block. prefix: the beginning of the names of its layers; None for a body."""

    names: Names[str, Value]
    prefix: str | None = None


@dataclass
class Frame:
    """The frame of one function.

    Attributes:
        variables: The variables of the file that the code stands in.
        params: The identifiers of the parameters of a block.
        is_relative: Names of layers begin with the argument `name`.
        each: The values of the node that is written now, where `each` makes it, by the number of the instance. No
            variable of Python holds them.
    """

    instances: list[Instance]
    places: Places
    constants: Constants
    variables: Variables | None
    identifiers: Identifiers
    params: dict[str, str] = field(default_factory=dict)
    is_relative: bool = False
    used: set[str] = field(default_factory=set)
    each: dict[int, Names[str, Value]] = field(default_factory=dict)

    def identify(self, name: str) -> str | None:
        """Return the identifier of a parameter or variable, which is then used."""
        if any(name in values for values in self.each.values()):
            return None
        if name in self.params:
            self.used.add(name)
            return self.params[name]
        if self.variables is None:
            return None
        return self.constants.name(self.variables, name)

    def of(self, chosen: Sequence[int]) -> list[Instance]:
        """Return the instances of these numbers."""
        return [self.instances[number] for number in chosen]

    # --- Values ---------------------------------------------------------------------------------------------

    def value(self, values: dict[int, Any], span: Span | None, *, as_tuple: bool = False) -> Expression:
        """Return the expression for a plain value.

        Args:
            values: The value by the number of the instance.
            span: Its place in the spec.
            as_tuple: Write lists as tuples.

        Raises:
            DifferentError: The values differ, and the spec writes no expression for them.
        """
        written = self.places.value(span) if span is not None else None
        found = self._written(written, values, as_tuple=as_tuple)
        if found is not None:
            return found
        first, *others = values.values()
        if not all(same(first, each) for each in others):
            raise DifferentError
        return literal(first, as_tuple=as_tuple)

    def _written(self, written: Any, values: dict[int, Any], *, as_tuple: bool) -> Expression | None:
        """Return the expression that the spec writes for values; None where it writes none."""
        if isinstance(written, list):
            if any(not isinstance(each, list | tuple) or len(each) != len(written) for each in values.values()):
                return None
            items = []
            for index, item in enumerate(written):
                inner = {number: each[index] for number, each in values.items()}
                found = self._written(item, inner, as_tuple=as_tuple)
                if found is None:
                    first, *others = inner.values()
                    if not all(same(first, each) for each in others):
                        return None
                    found = literal(first, as_tuple=as_tuple)
                items.append(found)
            return Items(tuple(items), "(" if as_tuple else "[")
        if not isinstance(written, str) or "${" not in written:
            return None
        inside = whole_expression(written)
        if inside is None:
            return self._text(written, values)
        if not all(same(self._evaluated(inside, number), each) for number, each in values.items()):
            return None
        if as_tuple and any(isinstance(each, list) for each in values.values()):
            return None
        try:
            return Text(translate(inside, self.identify))
        except UntranslatableError:
            return None

    def _text(self, written: str, values: dict[int, Any]) -> Expression | None:
        """Return the f-string for a text with expressions in it."""
        parts: list[tuple[str, bool]] = []
        rest = written
        while "${" in rest:
            before, _, rest = rest.partition("${")
            inside, closed, rest = rest.partition("}")
            if not closed or before.endswith("$"):
                return None
            kinds = {type(self._evaluated(inside, number)) for number in values}
            if not kinds <= {int, str}:
                return None
            try:
                parts += [(before, False), (translate(inside, self.identify), True)]
            except UntranslatableError:
                return None
        for number, each in values.items():
            if self._substituted(written, number) != each:
                return None
        found = formatted([*parts, (rest, False)])
        return Text(found) if found is not None else None

    def _names(self, number: int) -> Names[str, Value]:
        own, names = self.each.get(number, {}), self.instances[number].names
        return ChainMap({}, own, names) if self.variables is None else ChainMap({}, own, names, self.variables)  # type: ignore[arg-type]

    def _evaluated(self, inside: str, number: int) -> Any:
        """Return the value of an expression for an instance; None where it has none."""
        try:
            return evaluate(inside, self._names(number), Work())
        except (ExpressionError, FaultyVariableError, TooMuchWorkError):
            return None

    def _substituted(self, written: str, number: int) -> Any:
        span = self.places.nowhere
        return Substitution(self._names(number), Report(), work=Work()).value(written, span)

    def value_of(self, written: Any, number: int) -> Any:
        """Return the value of what a file writes for an instance; None where it is unknown."""
        inside = whole_expression(written)
        return written if inside is None else self._evaluated(inside, number)

    def repeat(self, written: Any) -> Any:
        """Return what a step writes for `repeat`, or the number where it depends on `each`."""
        inside = whole_expression(written)
        names = set(re.findall(r"\w+", inside)) if inside is not None else set()
        if inside is None or not any(names & set(values) for values in self.each.values()):
            return written
        found = {self._evaluated(inside, number) for number in self.each}
        if len(found) != 1:
            raise DifferentError
        return found.pop()

    def expression(self, written: Any) -> str:
        """Return an expression of a file as source. Raises DifferentError where it is none."""
        if type(written) is int:
            return str(written)
        inside = whole_expression(written)
        try:
            if inside is not None:
                return translate(inside, self.identify)
        except UntranslatableError:
            pass
        raise DifferentError

    # --- Conditions -----------------------------------------------------------------------------------------

    def holds(self, when: Any, number: int) -> bool:
        """Return whether a condition is true for an instance. Raises DifferentError where that is unknown."""
        if isinstance(when, bool):
            return when
        inside = whole_expression(when)
        found = self._evaluated(inside, number) if inside is not None else None
        if not isinstance(found, bool):
            raise DifferentError
        return found

    def condition(self, when: Any) -> str:
        """Return a condition as source. Raises DifferentError where Python has no such expression."""
        inside = whole_expression(when)
        if inside is None:
            raise DifferentError
        try:
            return translate(inside, self.identify)
        except UntranslatableError:
            raise DifferentError from None

    # --- Names ----------------------------------------------------------------------------------------------

    def layer_name(self, names: dict[int, str], conditions: Sequence[Any] = ()) -> Expression:
        """Return the name of a layer, the same behind the prefix of each instance or by a condition of the block.

        Args:
            names: The names by the number of the instance.
            conditions: The conditions that the names may depend on.

        Raises:
            DifferentError: The names depend on something else.
        """
        rests = {number: self._rest(name, number) for number, name in names.items()}
        if len(set(rests.values())) == 1:
            return self._named(next(iter(rests.values())))
        for when in conditions:
            sides: dict[bool, set[str]] = {True: set(), False: set()}
            for number, rest in rests.items():
                sides[self.holds(when, number)].add(rest)
            if len(sides[True]) == len(sides[False]) == 1:
                first, second = (self._named(*sides[side]) for side in (True, False))
                return Choice(self.condition(when), first, second)
        raise DifferentError

    def rests(self, names: dict[int, str]) -> str:
        """Return the common rest of names behind their prefixes. Raises DifferentError where it differs."""
        found = {self._rest(name, number) for number, name in names.items()}
        if len(found) != 1:
            raise DifferentError
        return found.pop()

    def _rest(self, name: str, number: int) -> str:
        prefix = self.instances[number].prefix
        if not self.is_relative or prefix is None:
            return name
        if not name.startswith(prefix):
            raise DifferentError
        return name.removeprefix(prefix)

    def _named(self, rest: str) -> Expression:
        return self.named([(rest, False)])

    def named(self, parts: list[tuple[str, bool]]) -> Expression:
        """Return a name as source. parts: texts behind the prefix, each with whether it is an expression."""
        if self.is_relative:
            parts = [("name", True), ("__", False), *parts]
        elif not any(is_expression for _, is_expression in parts):
            return Text(literal_text("".join(text for text, _ in parts)))
        found = formatted(parts)
        if found is not None:
            return Text(found)
        return Text(" + ".join(text if is_expression else literal_text(text) for text, is_expression in parts))


def written_steps(node: Any) -> list[Any]:
    """Return the steps of a node as they are written."""
    steps = node.get("apply") if isinstance(node, Mapping) else None
    return list(steps) if isinstance(steps, list) else [] if steps is None else [steps]


def beside(step: Any, key: str, default: Any = None) -> Any:
    """Return what a written step has under `call`, `repeat` or `when`."""
    return step.get(key, default) if isinstance(step, Mapping) else default
