"""What stands where a value does: expressions, references, and which texts an argument of Keras does not take.

A schema must not refuse what `graphspec validate` takes, so it says no more of arguments than validation does. What
the catalogue comes to know of the values of an argument has its place in `argument`.
"""

from __future__ import annotations

from typing import Any

from graphspec import catalog
from graphspec.catalog import REQUIRED, Entry
from graphspec.catalog.arguments import argument_kind

Schema = dict[str, Any]

NAME = "[A-Za-z_][A-Za-z0-9_-]*"
CUSTOM = r"^[^>\s]+>[^>\s]+$"
"""The name of an object that a plugin registers."""

_HOLDS_EXPRESSION = r"\$\{"
_ANY_CASE = ("yes", "no", "on", "off", "true", "false")
_NUMBER = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(inf|Inf|INF)"
_ANYTHING = ["string", "array", "boolean", "null", "number", "object"]
"""Every type; editors write a key so that a value of the first fits behind it."""
_NO_NUMBER = {"pattern": rf"^(?!\s*({_NUMBER})\s*$)", "patternErrorMessage": "a number, without quotes"}


def ref(name: str, **more: Any) -> Schema:
    """A reference to the definition `name`, with what is said of this place alone."""
    return {"$ref": f"#/definitions/{name}", **more}


EXPRESSION = ref("expression")
PLAIN = {"type": ["array", "boolean", "null", "number"]}


def definitions() -> dict[str, Schema]:
    """The definitions that all others use."""
    word = "|".join("".join(f"[{sign}{sign.upper()}]" for sign in each) for each in _ANY_CASE)
    return {
        "expression": {
            "type": "string",
            "pattern": _HOLDS_EXPRESSION,
            "patternErrorMessage": "a value of another type, or an expression such as `${width * 2}`",
        },
        "reference": {
            "type": "string",
            "pattern": rf"^{NAME}(\[[0-9]{{1,6}}\]|\.{NAME})?$|{_HOLDS_EXPRESSION}",
            "patternErrorMessage": "the name of a tensor: `name`, `name[0]` or `name.output`",
        },
        "references": {
            "anyOf": [
                ref("reference"),
                {"type": "array", "items": ref("reference"), "minItems": 1},
                {"type": "object", "additionalProperties": ref("reference"), "minProperties": 1},
            ]
        },
        "truth": {
            "type": _ANYTHING,
            "pattern": rf"^(?!\s*({word}|{_NUMBER})\s*$)",
            "patternErrorMessage": "true or false; YAML 1.2 knows no `yes` and `no`",
        },
        "number": {"type": _ANYTHING, **_NO_NUMBER},
        "anything": {"type": _ANYTHING},
        "layers": {"anyOf": [ref("layer"), {"type": "array", "items": ref("layer")}, {"type": "null"}]},
        "path": {"type": "string", "minLength": 1},
    }


def argument(entry: Entry, name: str, docs: dict[str, str]) -> Schema:
    """What the argument `name` of `entry` takes, with its default and its line of documentation."""
    default = entry.arguments[name]
    schema: Schema = {"description": docs[name]} if name in docs else {}
    if default is not REQUIRED and default is not None:
        schema["default"] = default
    kind = argument_kind(name)
    if kind == "layers":
        return schema | ref("layers")
    if kind is not None:
        return schema | {"anyOf": [ref(kind), PLAIN]}
    if isinstance(default, bool):
        return schema | ref("truth")
    if name != "name" and (default is REQUIRED or isinstance(default, int | float)):
        return schema | ref("number")
    return schema | ref("anything")


def first_argument(entry: Entry) -> Schema | None:
    """What may stand in the place of all arguments: the first of them; None where others are required, too."""
    first = next(iter(entry.arguments), None)
    if first is None or [name for name in entry.required if name != first]:
        return None
    types = ["array", "boolean", "number", "string"] + ([] if entry.required else ["null"])
    takes_number = argument_kind(first) is None and entry.arguments[first] is REQUIRED and first != "name"
    return {"type": types} | (_NO_NUMBER if takes_number else {})


def dtype() -> Schema:
    """The dtype of an input."""
    return {"anyOf": [{"enum": catalog.dtypes()}, EXPRESSION]}
