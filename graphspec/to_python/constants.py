"""The variables of a spec as constants of the module, defined where its code uses them."""

from __future__ import annotations

from graphspec.language.document.tree import Located, Sequence
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
        self.definitions: list[Assign] = []

    def name(self, variables: Variables, name: str) -> str | None:
        """Return the constant of the variable `name`, defined on its first use; None where there is no such variable."""
        holder = next((each for each in (variables, *variables.outer) if name in each.written), None)
        if holder is None:
            return None
        key = id(holder), name
        if key not in self.names:
            value = self._value(holder, name)
            constant = self.names[key] = self.identifiers.new(name.upper())
            comments = self.places.comments(holder.spans[name])
            self.definitions.append(Assign(constant, value, comments))
        return self.names[key]

    def _value(self, holder: Variables, name: str) -> Expression:
        written = holder.written.located(name)  # type: ignore[union-attr]  # `holder` writes it
        try:
            return self._translated(written, holder)
        except UntranslatableError:
            return literal(holder[name])

    def _translated(self, written: Located, holder: Variables) -> Expression:
        """Return the value as it is written. Raises UntranslatableError."""
        if isinstance(written.value, Sequence):
            return Items(tuple(self._translated(item, holder) for item in written.value.entries()))
        if not isinstance(written.value, str) or "${" not in written.value:
            return literal(written.value)
        inside = whole_expression(written.value)
        if inside is None:
            raise UntranslatableError
        return Text(translate(inside, lambda name: self.name(holder, name)))


def whole_expression(text: str) -> str | None:
    """Return the expression in a text that is nothing but `${...}`."""
    is_whole = text.startswith("${") and text.endswith("}") and text.count("${") == 1 and text.count("}") == 1
    return text[2:-1] if is_whole else None


def same(first: Value, second: Value) -> bool:
    """Return whether two values are equal, and of the same types."""
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and (first == second or (first != first and second != second))
