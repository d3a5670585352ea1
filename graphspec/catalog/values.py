"""Which values the arguments of Keras take: `values.json`, which `scripts/make_values.py` measures, and what it means.

A description maps each sort of value that an argument takes to its limits; a sort that it lacks is refused.

    {"int": {"min": 1}}  ·  {"number": {"min": 0, "max": 1}, "null": true}  ·  {"words": ["same", "valid"]}
    {"int": {}, "list": {"lengths": [2], "items": {"int": {}}}}  ·  {"truth": true}

`character` is a text of one character, other than a quote or the end of a line.

`truth` is a truth value: Keras takes anything for one, and a text such as `no` for true. An argument without a
description takes whatever is written, as far as is known.
"""

from __future__ import annotations

from typing import Any

from graphspec.catalog import Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.generated import read_generated

Values = dict[str, Any]

FLOAT32_MAX = 3.4028234663852886e38
"""The greatest number that a float32 holds."""

ONLY_OBJECTS: Values = {"null": True}


def accepted(kind: Kind, name: str, argument: str) -> Values | None:
    """What `argument` of the class `name` takes, objects left out; None where it takes whatever there is.

    Under `*` lies what the arguments take that all classes of a kind inherit. Of arguments that hold objects only
    those are described that take other values as well.
    """
    classes = read_generated("values.json")["kinds"].get(kind, {})
    for described in (classes.get(name, {}), classes.get("*", {})):
        if argument in described:
            found: Values | None = described[argument]
            return found
    return ONLY_OBJECTS if name in classes and argument_kind(argument) not in (None, "layers") else None


def takes(described: Values, value: Any) -> bool:
    """Whether the argument that is described takes `value`: plain data, as a spec holds it."""
    if value is None:
        return "null" in described
    if isinstance(value, bool):
        return _takes_truth(described, value)
    if isinstance(value, int | float):
        return _takes_number(described, value)
    if isinstance(value, str):
        return "text" in described or _is_word(described, value) or _is_character(described, value)
    if isinstance(value, list):
        return "list" in described and takes_length(described["list"], len(value)) and not wrong_items(described, value)
    return "mapping" in described


def takes_length(described: Values, length: int) -> bool:
    """Whether the list that is described may have so many items."""
    lengths = described.get("lengths")
    return length >= described.get("at_least", 0) and (lengths is None or length in lengths)


def wrong_items(described: Values, value: list[Any]) -> list[int]:
    """Which of the items, by number, a list as described does not take; none whose items are unknown takes truths."""
    items = described["list"].get("items")
    if items is None:
        return [number for number, item in enumerate(value) if isinstance(item, bool)]
    return [number for number, item in enumerate(value) if not takes(items, item)]


def _takes_truth(described: Values, value: bool) -> bool:
    taken = described.get("bool", "truth" in described)
    return value in taken if isinstance(taken, list) else bool(taken)


def _takes_number(described: Values, value: float) -> bool:
    if "number" in described:
        return within(described["number"], value)
    if "int" in described and (isinstance(value, int) or ("whole_float" in described and value.is_integer())):
        return within(described["int"], value)
    return "float" in described and isinstance(value, float) and within(described["float"], value)


def within(limits: dict[str, float], value: float) -> bool:
    """Whether `value` lies within the limits."""
    return (
        limits.get("min", value) <= value <= limits.get("max", value)
        and ("above" not in limits or value > limits["above"])
        and ("below" not in limits or value < limits["below"])
    )


def _is_character(described: Values, value: str) -> bool:
    return "character" in described and len(value) == 1 and value not in '"\r\n'


def _is_word(described: Values, value: str) -> bool:
    words = described.get("words", ())
    if value in words or ("any_case" in described and value.lower() in words):
        return True
    return "containing" in described and described["containing"] in value
