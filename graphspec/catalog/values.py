"""The values that the arguments of Keras take: `values.json`, which `scripts/make_values.py` measures.

A description maps each sort of value that an argument takes to its limits; a sort that it lacks is refused.

    {"int": {"min": 1}}  ·  {"number": {"min": 0, "max": 1}, "null": true}  ·  {"words": ["same", "valid"]}
    {"int": {}, "list": {"lengths": [2], "items": {"int": {}}}}  ·  {"truth": true}

`character` is a string of one character, other than a quote or a line break.

`truth` is a boolean for which Keras takes anything, and a string such as `no` as true. An argument without a
description takes any value, as far as is known.
"""

from __future__ import annotations

from typing import Any

from graphspec.catalog import Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.versions import read_generated

Values = dict[str, Any]

FLOAT32_MAX = 3.4028234663852886e38
"""The largest float32."""

ONLY_OBJECTS: Values = {"null": True}


def accepted(kind: Kind, name: str, argument: str) -> Values | None:
    """Return the values that `argument` of the class `name` takes besides objects; None if it takes any.

    The entry `*` describes arguments that all classes of a kind inherit.
    """
    classes = read_generated("values.json")["kinds"].get(kind, {})
    for described in (classes.get(name, {}), classes.get("*", {})):
        if argument in described:
            found: Values | None = described[argument]
            return found
    return ONLY_OBJECTS if name in classes and argument_kind(argument) not in (None, "layers") else None


def takes(described: Values, value: Any) -> bool:
    """Return whether an argument with this description takes `value`, plain data of a spec."""
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
    """Return whether a list with this description may have `length` items."""
    lengths = described.get("lengths")
    return length >= described.get("at_least", 0) and (lengths is None or length in lengths)


def wrong_items(described: Values, value: list[Any]) -> list[int]:
    """Return the indices of the items that a list does not take; items without a description exclude booleans."""
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
    """Return whether `value` is within the limits."""
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
