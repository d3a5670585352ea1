"""The variables of a spec as constants of the module, defined where its code uses them."""

from __future__ import annotations

from typing import Any

from graphspec.language.document.tree import Located, Mapping, Sequence
from graphspec.language.expand import Value
from graphspec.language.expand.variables import Variables
from graphspec.to_python.expressions import UntranslatableError, translate
from graphspec.to_python.identifiers import Identifiers
from graphspec.to_python.literals import literal
from graphspec.to_python.places import Places
from graphspec.to_python.source import Assign, Expression, Items, Text


class Constants:
    """The constants of a module, each after those that it uses."""

    def __init__(self, identifiers: Identifiers, places: Places) -> None:
        self.identifiers = identifiers
        self.places = places
        self.names: dict[tuple[int, str], str] = {}
        self.found: dict[str, tuple[tuple[int, int], Assign]] = {}
        self.uses: dict[str, list[str]] = {}

    def definitions(self) -> list[Assign]:
        """Return the definitions in the order of the spec, each after those that it uses."""
        ordered: dict[str, Assign] = {}

        def add(name: str) -> None:
            for used in self.uses[name]:
                if used not in ordered:
                    add(used)
            ordered[name] = self.found[name][1]

        for name in sorted(self.found, key=lambda each: self.found[each][0]):
            add(name)
        return list(ordered.values())

    def name(self, variables: Variables, name: str) -> str | None:
        """Return the constant of a variable, defined on its first use; None where there is no such variable."""
        holder = next((each for each in (variables, *variables.outer) if name in each.written), None)
        if holder is None:
            return None
        key = id(holder), name
        if key not in self.names:
            used: list[str] = []
            value = self._value(holder, name, used)
            constant = self.names[key] = self.identifiers.new(name.upper())
            comments = self.places.comments(holder.spans[name])
            self.found[constant] = (holder.spans[name].start, Assign(constant, value, comments))
            self.uses[constant] = used
        return self.names[key]

    def _value(self, holder: Variables, name: str, used: list[str]) -> Expression:
        try:
            assert isinstance(holder.written, Mapping), "it writes the variable"
            return self._translated(holder.written.located(name), holder, used)
        except UntranslatableError:
            return literal(holder[name])

    def _translated(self, written: Located, holder: Variables, used: list[str]) -> Expression:
        """Return the value as it is written. used: receives the constants in it. Raises UntranslatableError."""
        if isinstance(written.value, Sequence):
            return Items(tuple(self._translated(item, holder, used) for item in written.value.entries()))
        if not isinstance(written.value, str) or "${" not in written.value:
            return literal(written.value)
        inside = whole_expression(written.value)
        if inside is None:
            raise UntranslatableError

        def identify(name: str) -> str | None:
            found = self.name(holder, name)
            used.extend([found] if found is not None else [])
            return found

        return Text(translate(inside, identify))


def whole_expression(text: Any) -> str | None:
    """Return the expression in a text that is nothing but `${...}`; None for anything else."""
    if not isinstance(text, str):
        return None
    is_whole = text.startswith("${") and text.endswith("}") and text.count("${") == 1 and text.count("}") == 1
    return text[2:-1] if is_whole else None


def same(first: Value, second: Value) -> bool:
    """Return whether two values are equal, and of the same types."""
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and (first == second or (first != first and second != second))
