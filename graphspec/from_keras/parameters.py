"""Equal units with differing slots → a template with parameters, and the values of each use.

A value that differs becomes a parameter; one that follows from another is written as an expression of it. Names that
begin alike in a use have their beginning as one parameter, names that Keras has numbered their numbers,
or what is after the name where the first has no number.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from graphspec.from_keras.units import NAME, Unit

MAX_PARAMETERS = 8
_SEPARATORS = "_-/."
_NUMBERS = re.compile(r"(\$\{[^}]*\}|\d+)")
"""Numbers of a name, and expressions for them."""

_SUFFIXES = re.compile(r"_[1-9]\d*")
_SUFFIX = re.compile(r"(?:_[1-9]\d*)?$")
"""The number that Keras puts after all names of a class but the first."""

PREFIX, SUFFIX = "name", "suffix"


@dataclass
class Parameters:
    """The parameters that have been found, with a value for each use, and the slots written with them."""

    uses: int
    values: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, stem: str, values: list[Any]) -> str:
        """Return the name of the parameter with these values, a new one where there is none."""
        for name, known in self.values.items():
            if all(type(one) is type(other) and one == other for one, other in zip(known, values, strict=True)):
                return name
        name, number = stem, 1
        while name in self.values:
            number += 1
            name = f"{stem}_{number}"
        self.values[name] = values
        return name

    def expression(self, stem: str, values: list[Any]) -> str:
        """Return the text inside of `${...}` that has these values."""
        if all(isinstance(each, int) and not isinstance(each, bool) for each in values):
            for name, known in self.values.items():
                related = _relation(name, known, values)
                if related is not None:
                    return related
        return self.add(stem, values)

    def by_use(self) -> list[dict[str, Any]]:
        """Return the values that each use states: those that are not the default."""
        defaults = self.defaults()
        return [
            {name: each[number] for name, each in self.values.items() if repr(each[number]) != repr(defaults[name])}
            for number in range(self.uses)
        ]

    def defaults(self) -> dict[str, Any]:
        """Return each parameter with the value that most uses have; None where there is no such value."""
        found = {}
        for name, values in self.values.items():
            value, count = Counter(map(repr, values)).most_common(1)[0]
            is_common = count > self.uses // 2 and name != PREFIX and not any(map(holds_expression, values))
            if name == SUFFIX and "" in values:
                value, is_common = repr(""), True
            found[name] = next(each for each in values if repr(each) == value) if is_common else None
        return found


def _relation(name: str, known: list[Any], values: list[int]) -> str | None:
    """Return how whole numbers follow from those of a parameter: the same, a multiple, a part, or so many more."""
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in known):
        return None
    if known == values:
        return name
    if len(set(known)) < 2:
        return None
    if known[0] and values[0] % known[0] == 0:
        factor = values[0] // known[0]
        if factor > 1 and all(value == factor * each for value, each in zip(values, known, strict=True)):
            return f"{factor} * {name}"
    if values[0] and known[0] % values[0] == 0:
        factor = known[0] // values[0]
        if factor > 1 and all(factor * value == each for value, each in zip(values, known, strict=True)):
            return f"{name} // {factor}"
    difference = values[0] - known[0]
    if all(value - each == difference for value, each in zip(values, known, strict=True)):
        return f"{name} + {difference}" if difference > 0 else f"{name} - {-difference}"
    return None


def find_parameters(uses: list[list[Unit]]) -> tuple[Parameters, list[dict[str, Any]]] | None:
    """Return the parameters of equal windows of units, and the slots of the template; None where there are too many."""
    parameters = Parameters(len(uses))
    columns = list(zip(*uses, strict=True))
    named = [column for column in columns if all(NAME in unit.slots for unit in column)]
    names = _names(named, parameters)
    template: list[dict[str, Any]] = []
    for column in columns:
        slots: dict[str, Any] = {}
        for key in dict.fromkeys(key for unit in column for key in unit.slots):
            if key == NAME:
                continue
            values = [unit.slot(key) for unit in column]
            if all(_is_same(value, values[0]) for value in values) and not holds_expression(values[0]):
                slots[key] = values[0]
            elif (written := _written(key, values, parameters)) is not None:
                slots[key] = written
            else:
                return None
        if column in named:
            slots[NAME] = names[named.index(column)]
        elif any(NAME in unit.slots for unit in column):
            return None
        template.append(slots)
        if len(parameters.values) > MAX_PARAMETERS:
            return None
    return parameters, template


def _written(key: str, values: list[Any], parameters: Parameters) -> Any:
    """Return values that differ as an expression, lists item by item; None where no parameter can hold them."""
    if all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1:
        columns = list(zip(*values, strict=True))
        varying = [column for column in columns if not all(_is_same(item, column[0]) for item in column)]
        if all(isinstance(item, int) and not isinstance(item, bool) for column in varying for item in column):
            return [
                column[0] if column not in varying else f"${{{parameters.expression(key, list(column))}}}"
                for column in columns
            ]
    if key.startswith(SUFFIX) and all(isinstance(value, str) and _SUFFIXES.fullmatch(value) for value in values):
        return f"_${{{parameters.expression('number', [int(value[1:]) for value in values])}}}"
    if all(_is_plain(value) for value in values):
        return f"${{{parameters.expression(key, values)}}}"
    return None


def holds_expression(value: Any) -> bool:
    """Return whether a value has an expression, which means something else in every block."""
    if isinstance(value, list):
        return any(map(holds_expression, value))
    if isinstance(value, dict):
        return any(map(holds_expression, value.values()))
    return isinstance(value, str) and "${" in value


def _is_same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _is_plain(value: Any) -> bool:
    """Return whether a value can be that of a parameter."""
    if isinstance(value, list):
        return all(isinstance(each, int | float | str) for each in value)
    return isinstance(value, int | float | str)


def _names(columns: list[tuple[Unit, ...]], parameters: Parameters) -> list[str]:
    """Return the names of a template's layers, with parameters where they differ from use to use."""
    written = [[unit.slots[NAME] for unit in column] for column in columns]
    found: list[str | None] = [
        names[0] if len(set(names)) == 1 and not holds_expression(names[0]) else None for names in written
    ]
    prefixes = _prefixes([names for names, known in zip(written, found, strict=True) if known is None])
    if prefixes is not None:
        for number, names in enumerate(written):
            rest = {name[len(prefix) :] for name, prefix in zip(names, prefixes, strict=True)}
            if found[number] is None and len(rest) == 1 and all(map(str.startswith, names, prefixes)):
                found[number] = f"${{{parameters.add(PREFIX, prefixes)}}}{rest.pop()}"
    return [
        known if known is not None else _numbered(names, parameters)
        for names, known in zip(written, found, strict=True)
    ]


def _prefixes(columns: list[list[str]]) -> list[str] | None:
    """Return for each use how most of its names begin, up to a separator; None where too few begin alike."""
    if len(columns) < 2:
        return None
    best: tuple[int, list[str]] | None = None
    tried: set[tuple[str, ...]] = set()
    for one, other in (*pairwise(columns), *((columns[0], each) for each in columns[2:])):
        cut = [re.sub(r"[^_\-/.]*$", "", _common(*pair)).rstrip(_SEPARATORS) for pair in zip(one, other, strict=True)]
        if not all(cut) or tuple(cut) in tried:
            continue
        tried.add(tuple(cut))
        fitting = sum(_fits(names, cut) for names in columns)
        if best is None or (fitting, sum(map(len, cut))) > (best[0], sum(map(len, best[1]))):
            best = (fitting, cut)
    return best[1] if best is not None and best[0] >= 2 else None


def _common(one: str, other: str) -> str:
    """Return the beginning that two texts have in common."""
    length = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]


def _fits(names: list[str], prefixes: list[str]) -> bool:
    return (
        all(map(str.startswith, names, prefixes))
        and len({name[len(prefix) :] for name, prefix in zip(names, prefixes, strict=True)}) == 1
    )


def _numbered(names: list[str], parameters: Parameters) -> str:
    """Return names that differ by their numbers alone as one text with an expression for each number."""
    stems = {_SUFFIX.sub("", name) for name in names}
    if len(stems) == 1 and stems <= set(names) and not holds_expression(names):
        stem = stems.pop()
        return f"{stem}${{{parameters.add(SUFFIX, [name.removeprefix(stem) for name in names])}}}"
    parts = [_NUMBERS.split(name) for name in names]
    if len({tuple(each[::2]) for each in parts}) > 1:
        return f"${{{parameters.add('layer', names)}}}"
    text = ""
    for number, column in enumerate(zip(*parts, strict=True)):
        if len(set(column)) == 1 and not holds_expression(column[0]):
            text += column[0]
        elif any(map(holds_expression, column)):
            text += f"${{{parameters.add('number', [int(each) if each.isdecimal() else each for each in column])}}}"
        elif number % 2 and all(each == str(int(each)) for each in column):
            text += f"${{{parameters.expression('number', [int(each) for each in column])}}}"
        else:
            return f"${{{parameters.add('layer', names)}}}"
    return text
