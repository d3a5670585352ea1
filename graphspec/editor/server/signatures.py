"""Signature help: the arguments of the layer, or the parameters of the block, around the cursor."""

from __future__ import annotations

import json
from collections.abc import Iterator

from lsprotocol import types

from graphspec import catalog
from graphspec.catalog import KINDS, REQUIRED, Entry
from graphspec.editor.server.document import MAX_CHARACTERS, Document
from graphspec.editor.server.places import MARK, Place, names_of, place_at, schemas_of
from graphspec.editor.server.scope import Scope
from graphspec.editor.server.workspace import Workspace

TRIGGERS = ["{", ",", ":"]


def signature_help(document: Document, position: types.Position, workspace: Workspace) -> types.SignatureHelp | None:
    """Return the signature of the innermost object around a position; None outside of one."""
    if len(document.text) > MAX_CHARACTERS:
        return None
    place = place_at(document.text, document.lines.offset(position))
    if place is None:
        return None
    for depth in range(len(place.path), 0, -1):
        name = place.path[depth - 1]
        if not isinstance(name, str):
            continue
        current = _argument_at(place, depth)
        entry = _entry_of(place, depth, name)
        if entry is not None:
            return _help(name, list(_arguments(entry)), current, entry.doc)
        declared = Scope(document, place, workspace).find_declared(name) if "apply" in place.path[:depth] else None
        if declared is not None and declared.kind == "block" and declared.inside is not None:
            parameters = [
                (each.text, each.text if each.value is None else f"{each.text}={_written(each.value.text)}", "")
                for each in declared.inside.variables.values()
            ]
            return _help(name, parameters, current, "")
    return None


def _argument_at(place: Place, depth: int) -> str:
    """Return the argument at the cursor of the object whose mapping is at this depth of the path."""
    if depth < len(place.path):
        return str(place.path[depth])
    return place.written.text.replace(MARK, "") if place.is_key else ""


def _entry_of(place: Place, depth: int, name: str) -> Entry | None:
    for definition in names_of(schemas_of(place.path[:depth])):
        kind, _, target = definition.partition(".")
        if kind in KINDS and target:
            return catalog.find(kind, target)
    return None


def _arguments(entry: Entry) -> Iterator[tuple[str, str, str]]:
    docs = catalog.argument_docs(entry.kind, entry.name)
    for name, default in entry.arguments.items():
        written = name if default is REQUIRED else f"{name}={json.dumps(default)}"
        yield name, written, docs.get(name, "")


def _written(text: str) -> str:
    return text[:40]


def _help(name: str, arguments: list[tuple[str, str, str]], current: str, about: str) -> types.SignatureHelp:
    label = f"{name}({', '.join(written for _, written, _ in arguments)})"
    parameters = [types.ParameterInformation(written, about or None) for _, written, about in arguments]
    number = next((n for n, (each, _, _) in enumerate(arguments) if each == current), None)
    if number is None:
        number = next((n for n, (each, _, _) in enumerate(arguments) if current and each.startswith(current)), 0)
    signature = types.SignatureInformation(label, about or None, parameters)
    return types.SignatureHelp([signature], active_signature=0, active_parameter=number)
