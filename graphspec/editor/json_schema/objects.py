"""The objects of Keras as JSON Schema, from the catalogue: `Name`, `Name: {argument: ...}`, `Name: first argument`.

Each class is a definition `<kind>.<Name>`; each kind is a definition of any of them or a custom object.
"""

from __future__ import annotations

import re
from typing import Any

from graphspec import catalog
from graphspec.catalog import KINDS, Entry, Kind
from graphspec.catalog.refused import CODE_CARRYING, CODE_CARRYING_OPS, FAILING_OPS, NOT_APPLIED, UNDRAWN_OPS
from graphspec.editor.json_schema.values import CUSTOM, EXPRESSION, Schema, argument, first_argument, in_any_case, ref
from graphspec.language.lower.merges import MERGES
from graphspec.language.lower.operations import PREFIX
from graphspec.language.lower.steps import MAX_REPEAT

_NEVER = "no value"
REFUSED = {**CODE_CARRYING, **CODE_CARRYING_OPS, **FAILING_OPS, **UNDRAWN_OPS, **NOT_APPLIED}


def definitions() -> dict[str, Schema]:
    """Return the definitions of all classes and kinds, of steps and of merges."""
    made: dict[str, Schema] = {}
    for kind in KINDS:
        for name in catalog.names(kind):
            entry = catalog.find(kind, name)
            if entry is not None and name not in REFUSED:
                made[f"{kind}.{name}"] = _operation(entry) if kind == "ops" else _class(entry)
        if kind not in ("layers", "ops"):
            made[kind] = _kind(kind)
    for name in _further_operations():
        entry = catalog.find("ops", name)
        assert entry is not None
        made[f"ops.{name}"] = _operation(entry)
    return made | {"layer": _layer(), "step": _step(), "merge": _merge()}


def _class(entry: Entry, given: tuple[str, ...] = ()) -> Schema:
    """Return the schema of the arguments of a class, without those in `given`."""
    docs = catalog.argument_docs(entry.kind, entry.name)
    required = [name for name in entry.required if name not in given]
    keywords: Schema = {
        "type": "object",
        "properties": {name: argument(entry, name, docs) for name in entry.arguments},
        "additionalProperties": entry.is_open,
    }
    if required:
        keywords["required"] = required
    first = first_argument(entry)
    return {"description": entry.doc, "anyOf": [keywords, *([first] if first is not None else [])]}


def _operation(entry: Entry) -> Schema:
    """Return the schema of the constants of an operation; none is required, since tensors may fill them."""
    docs = catalog.argument_docs("ops", entry.name)
    constants: Schema = {
        "type": "object",
        "properties": {name: argument(entry, name, docs) for name in entry.arguments},
        "additionalProperties": entry.is_open,
    }
    return {"description": entry.doc, "anyOf": [constants, {"type": ["array", "boolean", "null", "number", "string"]}]}


def _usable(kind: Kind) -> dict[str, Schema]:
    """Return the arguments of each usable name of `kind`; identifiers of functions take none."""
    classes = {name: ref(f"{kind}.{name}", description=_doc(kind, name)) for name in catalog.names(kind)}
    strings = {
        name: ref(f"{kind}.{target}", description=_doc(kind, target)) if target is not None else {"type": "null"}
        for name, target in catalog.identifiers(kind).items()
        if target not in REFUSED
    }
    return {name: schema for name, schema in (classes | strings).items() if name not in REFUSED}


def _doc(kind: Kind, name: str) -> str:
    entry = catalog.find(kind, name)
    return entry.doc if entry is not None else ""


def _one_of(properties: dict[str, Schema]) -> Schema:
    """Return the schema of a mapping with one of `properties` or one custom object."""
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": {CUSTOM: {}},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _kind(kind: Kind) -> Schema:
    usable = _usable(kind)
    words: Schema = {
        "enum": list(usable),
        "enumDescriptions": [each.get("description", "") for each in usable.values()],
    }
    others: Schema = {"type": "string", "pattern": rf"{CUSTOM}|\$\{{"}
    if kind == "optimizers":  # Keras reads their names in any case
        others["pattern"] += "|^(" + "|".join(map(in_any_case, catalog.identifiers(kind))) + ")$"
    forms = [words, others, _one_of(usable)]
    if kind == "initializers":
        forms.append(
            {
                "type": "object",
                "description": "A weight filled from an array of its shape.",
                "properties": {"file": {"type": "string"}, "key": {"type": "string"}},
                "required": ["file"],
                "additionalProperties": False,
            }
        )
    return {"anyOf": forms}


def _words(usable: dict[str, Schema]) -> list[Schema]:
    """Return the schema of a name without arguments: a known one with its documentation, or a declared one."""
    alone, needing = [], []
    for name, schema in usable.items():
        entry = catalog.find("layers", name)
        if entry is not None and entry.required:
            needing.append(name)
        else:
            alone.append({"const": name, "description": schema["description"]})
    return [*alone, {"type": "string", "minLength": 1, "not": {"enum": [*needing, *CODE_CARRYING, *NOT_APPLIED]}}]


def _refused() -> dict[str, Schema]:
    return {
        name: {"const": _NEVER, "errorMessage": f"a spec cannot use `{name}`: {why}", "doNotSuggest": True}
        for name, why in {**CODE_CARRYING, **NOT_APPLIED}.items()
        if catalog.find("layers", name) is not None
    }


def _layer() -> Schema:
    """Return the schema of a layer as an argument or a declaration."""
    usable = _usable("layers")
    mapping: Schema = {
        "type": "object",
        "properties": usable | _refused(),
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [mapping, *_words(usable)]}


def _step() -> Schema:
    """Return the schema of a step of `apply`, with the keys beside its name."""
    usable = _usable("layers")
    operations = {name: schema for name, schema in _usable("ops").items() if name in catalog.names("ops")}
    operations |= {name: ref(f"ops.{name}", description=_doc("ops", name)) for name in _further_operations()}
    known = [*operations, *catalog.identifiers("ops")]
    beside: dict[str, Any] = {
        "call": {
            "description": "Further arguments of the call; text names tensors.",
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    ref("reference"),
                    {"type": ["boolean", "null", "number"]},
                    {"type": "array"},
                ]
            },
        },
        "repeat": {
            "description": "How many times the step is applied, each with weights of its own unless it is declared.",
            "anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_REPEAT}, EXPRESSION],
        },
        "when": ref("when", description="The step is left out where this is false."),
    }
    mapping: Schema = {
        "type": "object",
        "properties": usable | _refused() | operations | beside,
        "patternProperties": {f"^{re.escape(name)}$": schema for name, schema in _aliases().items()},
        "propertyNames": {
            "pattern": f"^(?!{re.escape(PREFIX)})|^({'|'.join(map(re.escape, known))})$",
            "doNotSuggest": True,
            "patternErrorMessage": "keras.ops has no operation of this name that a graph can have",
        },
        "minProperties": 1,
    }
    operation = {"enum": known, "enumDescriptions": [_doc("ops", name) for name in known]}
    return {"anyOf": [mapping, *_words(usable), operation]}


def _further_operations() -> list[str]:
    """Return the operations that take no tensors at all, and those that draw random numbers."""
    makers = [name for name in catalog.makers() if name not in catalog.names("ops")]
    return [*makers, *(name for name in catalog.random_operations() if name not in REFUSED)]


def _aliases() -> dict[str, Schema]:
    """Return the other names of operations, which are valid but not suggested."""
    return {name: ref(f"ops.{target}") for name, target in catalog.identifiers("ops").items() if target not in REFUSED}


def _merge() -> Schema:
    words: dict[str, Schema] = {}
    for word, (layer, given) in MERGES.items():
        entry = catalog.find("layers", layer)
        assert entry is not None
        words[word] = _class(entry, tuple(given))
        if word == "dot":
            words[word]["anyOf"].append({"type": "null"})
        words[word]["description"] = f"{entry.doc} Keras' `{layer}`."
    return {
        "anyOf": [
            {
                "enum": list(words),
                "enumDescriptions": [each["description"] for each in words.values()],
            },
            {
                "type": "object",
                "properties": words,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
            EXPRESSION,
        ]
    }
