"""The place of an offset in a spec, and what the JSON Schema knows of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any

from graphspec.catalog.versions import cached
from graphspec.editor.json_schema import schema_text
from graphspec.editor.server.declarations import declarations_of
from graphspec.editor.server.names import Declarations
from graphspec.editor.server.syntax import parse
from graphspec.editor.server.values import Entry, Value

Schema = dict[str, Any]
Step = str | int
_MAX_SCHEMAS = 200
MARK = "GRAPHSPEC_CURSOR"
"""The word that stands for the cursor while a text is read."""


@dataclass
class Place:
    """The place of the cursor.

    Attributes:
        path: The keys and the indices that lead to the collection around it.
        key: The key whose value is there; None where the cursor is in a key.
        holder: The mapping of which it is a key, or the list of which it is an item; None for the value of a key.
        parents: The values from the root to the one that holds the cursor.
        written: The scalar at the cursor, with the word that stands for it.
        start: The offset of the scalar in the text.
        end: The offset after it, without the word.
        before: What is written before the cursor.
        has_colon: The key at the cursor has a colon already.
    """

    root: Value
    path: list[Step]
    is_key: bool
    written: Value
    start: int
    end: int
    before: str
    holder: Value | None = None
    has_colon: bool = False
    parents: list[Value] = field(default_factory=list)

    @cached_property
    def declarations(self) -> Declarations:
        """Return the declarations of the text, with the word that stands for the cursor."""
        return declarations_of(self.root)

    @property
    def siblings(self) -> list[str]:
        """The other keys of the mapping of a key."""
        if self.holder is None or not self.is_key:
            return []
        return [each.key.text for each in self.holder.entries if MARK not in each.key.text]

    @property
    def in_flow(self) -> bool:
        """True inside of brackets."""
        return any(each.style == "{" for each in self.parents)


@lru_cache(maxsize=1)  # after a character, an editor asks for items and for the signature
def place_at(text: str, offset: int) -> Place | None:
    """Return the place of an offset, which may be where nothing is written yet; None inside of a comment."""
    root = parse(f"{text[:offset]}{MARK}{text[offset:]}")
    path: list[Step] = []
    parents: list[Value] = []
    value = root
    while True:
        parents.append(value)
        if value.kind == "scalar":
            return _value_place(root, path, value, parents) if MARK in value.text else None
        inner = _entry_at(value, offset)
        if inner is not None and inner.key.start <= offset <= inner.key.end and MARK in inner.key.text:
            return _key_place(root, path, value, inner, parents=parents)
        if inner is not None and inner.value is not None:
            path.append(inner.key.text)
            value = inner.value
            continue
        number = next((n for n, each in enumerate(value.items) if each.start <= offset <= each.end), None)
        if number is None:
            return None
        path.append(number)
        value = value.items[number]


def _entry_at(value: Value, offset: int) -> Entry | None:
    return next((each for each in value.entries if each.key.start <= offset <= each.end), None)


def _bounds(value: Value) -> tuple[int, int, str]:
    start, end = value.inner
    return start, max(end - len(MARK), start), value.text.partition(MARK)[0]


def _key_place(root: Value, path: list[Step], holder: Value, entry: Entry, *, parents: list[Value]) -> Place:
    start, end, before = _bounds(entry.key)
    return Place(
        root,
        path,
        True,
        entry.key,
        start,
        end,
        before,
        holder=holder,
        has_colon=entry.colon >= 0,
        parents=parents,
    )


def _value_place(root: Value, path: list[Step], value: Value, parents: list[Value]) -> Place:
    start, end, before = _bounds(value)
    holder = parents[-2] if len(parents) > 1 else None
    return Place(root, path, False, value, start, end, before, holder=holder, parents=parents)


@cached
def _schema() -> Schema:
    schema: Schema = json.loads(schema_text())
    return schema


def schemas_of(path: list[Step]) -> list[Schema]:
    """Return the schemas of the value at a path, each of which may hold; their references are followed."""
    found = list(_flat([_schema()]))
    for step in path:
        found = list(_flat(_inner(found, step)))[:_MAX_SCHEMAS]
    return found


def _inner(schemas: list[Schema], step: Step) -> list[Schema]:
    """Return the schemas below `step`: those of mappings that know the key, or else those that take any."""
    if isinstance(step, int):
        return [schema["items"] for schema in schemas if isinstance(schema.get("items"), dict)]
    known = [schema["properties"][step] for schema in schemas if step in schema.get("properties", {})]
    if known:
        return known
    named = [
        each
        for schema in schemas
        for name, each in schema.get("patternProperties", {}).items()
        if _pattern(name).search(step) is not None
    ]
    others = [schema.get("additionalProperties") for schema in schemas]
    return named or [each for each in others if isinstance(each, dict)]


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _flat(schemas: list[Schema]) -> Iterator[Schema]:
    """Yield the alternatives of schemas; each keeps the name of its definition under `name`."""
    seen: set[str] = set()
    waiting = schemas[::-1]
    while waiting:
        schema = waiting.pop()
        reference = schema.get("$ref")
        if reference is not None:
            name = reference.rpartition("/")[2]
            if name not in seen:
                seen.add(name)
                waiting.append({**_schema()["definitions"][name], "name": name})
            continue
        if "properties" in schema or "enum" in schema or "const" in schema or "anyOf" not in schema or "name" in schema:
            yield schema
        named = {"name": schema["name"]} if "name" in schema else {}
        waiting += [{**named, **each} if "$ref" not in each else each for each in schema.get("anyOf", ())][::-1]


def names_of(schemas: list[Schema]) -> set[str]:
    """Return the names of the definitions among schemas."""
    return {schema["name"] for schema in schemas if "name" in schema}


def description_of(path: list[Step], key: str) -> str:
    """Return what the schema says of a key of the mapping at a path."""
    for schema in schemas_of(path):
        found = schema.get("properties", {}).get(key)
        if found is not None:
            text = found.get("description", "")
            if not text and "$ref" in found:
                text = _schema()["definitions"][found["$ref"].rpartition("/")[2]].get("description", "")
            return str(text)
    return ""
