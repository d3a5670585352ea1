"""The values of the language as JSON Schema: expressions, references, and the arguments of Keras.

A schema must not refuse what `graphspec validate` accepts, so it describes the values of arguments as `catalog.values`
does, and otherwise only excludes quoted numbers.
"""

from __future__ import annotations

import re
from typing import Any

from graphspec import catalog
from graphspec.catalog import REQUIRED, Entry
from graphspec.catalog.arguments import FUNCTIONS, argument_kind
from graphspec.catalog.values import Values, accepted

Schema = dict[str, Any]

NAME = "[A-Za-z_][A-Za-z0-9_-]*"
CUSTOM = r"^[^>\s]+>[^>\s]+$"
"""The name of an object that a plugin registers."""

_HOLDS_EXPRESSION = r"\$\{"
_ANY_CASE = ("yes", "no", "on", "off", "true", "false")
_NUMBER = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(inf|Inf|INF)"
_ANYTHING = ["string", "array", "boolean", "null", "number", "object"]
"""All types, in the order of preference of editors that complete a key."""
_NO_NUMBER = {"pattern": rf"^(?!\s*({_NUMBER})\s*$)", "patternErrorMessage": "a number, without quotes"}


def ref(name: str, **more: Any) -> Schema:
    """Return a reference to the definition `name`, with keywords for this place."""
    return {"$ref": f"#/definitions/{name}", **more}


EXPRESSION = ref("expression")
PLAIN = {"type": ["array", "boolean", "null", "number"]}


def definitions() -> dict[str, Schema]:
    """Return the definitions that all others use."""
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
        "functions": {
            "anyOf": [
                {"type": "string", "pattern": CUSTOM},
                {
                    "type": "object",
                    "patternProperties": {CUSTOM: {}},
                    "additionalProperties": False,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ]
        },
        "path": {"type": "string", "minLength": 1},
    }


def argument(entry: Entry, name: str, docs: dict[str, str]) -> Schema:
    """Return the schema of the argument `name` of `entry`, with its default and description."""
    default = entry.arguments[name]
    schema: Schema = {"description": docs[name]} if name in docs else {}
    if default is not REQUIRED and default is not None:
        schema["default"] = default
    kind, taken = argument_kind(name), _taken(entry, name)
    if kind == "layers":
        return schema | ref("layers")
    if kind is not None:
        return schema | {"anyOf": [ref(kind), *([PLAIN] if taken is None else taken)]}
    if taken is not None:
        function = [ref("functions")] if name in FUNCTIONS.get(entry.name, ()) else []
        return schema | {"anyOf": [*taken, *function, EXPRESSION]}
    if isinstance(default, bool):
        return schema | ref("truth")
    if name != "name" and (default is REQUIRED or isinstance(default, int | float)):
        return schema | ref("number")
    return schema | ref("anything")


def first_argument(entry: Entry) -> Schema | None:
    """Return the schema of the first argument, written alone; None if others are required too."""
    first = next(iter(entry.arguments), None)
    if first is None or [name for name in entry.required if name != first]:
        return None
    taken = _taken(entry, first)
    if taken is not None and argument_kind(first) is None:
        plain = [each for each in taken if each.get("type") != "object"]
        return {"anyOf": [*plain, EXPRESSION, *([] if entry.required else [{"type": "null"}])]}
    types = ["array", "boolean", "number", "string"] + ([] if entry.required else ["null"])
    takes_number = argument_kind(first) is None and entry.arguments[first] is REQUIRED and first != "name"
    return {"type": types} | (_NO_NUMBER if takes_number else {})


def _taken(entry: Entry, name: str) -> list[Schema] | None:
    """Return the schemas of the values of an argument besides objects; None if they are not known."""
    described = accepted(entry.kind, entry.name, name)
    if not described or name == "name":
        return None
    forms = _forms(described)
    if entry.arguments[name] is None and "null" not in described:
        forms.append({"type": "null"})
    return forms


def _forms(described: Values) -> list[Schema]:
    """Return a schema for each kind of value that `catalog.values` describes, those to suggest first."""
    forms: list[Schema] = []
    if "truth" in described or "bool" in described:
        forms.append({"type": "boolean"})
    if words := described.get("words"):
        forms.append({"enum": words})
        if "any_case" in described:
            forms.append({"type": "string", "pattern": f"^({'|'.join(map(in_any_case, words))})$"})
    if "number" in described or "float" in described:
        forms.append({"type": "number"} | (_limits(described["number"]) if "number" in described else {}))
    elif "int" in described:
        forms.append({"type": "integer"} | _limits(described["int"]))
    if "character" in described:
        forms.append({"type": "string", "pattern": r'^[^"\r\n]$'})
    if "list" in described:
        forms.append(_list(described["list"]))
    forms += [{"type": type} for sort, type in _SORTS.items() if sort in described]
    return forms


_SORTS = {"text": "string", "mapping": "object", "null": "null"}
_LIMITS = {"min": "minimum", "max": "maximum", "above": "exclusiveMinimum", "below": "exclusiveMaximum"}


def _limits(described: Values) -> Schema:
    return {_LIMITS[limit]: value for limit, value in described.items()}


def _list(described: Values) -> Schema:
    made: Schema = {"type": "array"}
    if "items" in described:
        made["items"] = {"anyOf": [*_forms(described["items"]), EXPRESSION]}
    lengths = described.get("lengths", [])
    if lengths or "at_least" in described:
        made["minItems"] = min(lengths) if lengths else described["at_least"]
    if lengths:
        made["maxItems"] = max(lengths)
    return made


def in_any_case(word: str) -> str:
    """Return a pattern for the word in any case."""
    return "".join(f"[{sign.lower()}{sign.upper()}]" if sign.isalpha() else re.escape(sign) for sign in word)


def dtype() -> Schema:
    """Return the schema of a dtype."""
    return {"anyOf": [{"enum": catalog.dtypes()}, EXPRESSION]}
