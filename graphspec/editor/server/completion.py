"""Completion: what may stand at the cursor, by the JSON Schema, the catalogue and the names of the text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsprotocol import types

from graphspec import catalog
from graphspec.editor.server.columns import column_names
from graphspec.editor.server.document import MAX_CHARACTERS, Document
from graphspec.editor.server.items import ItemKind, Items
from graphspec.editor.server.names import BESIDE, Body, Name
from graphspec.editor.server.places import Schema, names_of, place_at, schemas_of
from graphspec.editor.server.project import path_beside
from graphspec.editor.server.scope import Scope
from graphspec.editor.server.workspace import Workspace
from graphspec.language.expand.operators import FUNCTIONS

TRIGGERS = [" ", ":", "[", "{", ",", ".", "$", '"', "/"]
_OPEN_EXPRESSION = re.compile(r"(?<!\$)\$\{[^{}]*?([A-Za-z_]\w*)?$")
_OBJECTS = {"step", "layer", "merge", *catalog.KINDS}
_SECTIONS = ("inputs", "outputs", "sample_weights")
_SPLITS = ("train", "validation", "test")
_MAX_FILES = 500


def complete(
    document: Document, position: types.Position, workspace: Workspace, *, snippets: bool = True
) -> list[types.CompletionItem]:
    """Return what may stand at a position.

    Args:
        document: The document, which may be broken.
        position: The cursor.
        workspace: The open documents, for names of included files.
        snippets: The editor understands places to fill in.
    """
    if len(document.text) > MAX_CHARACTERS:
        return []
    offset = document.lines.offset(position)
    place = place_at(document.text, offset)
    if place is None:
        return []
    scope = Scope(document, place, workspace)
    items = Items(document, place, snippets=snippets and not document.is_json)
    expression = _OPEN_EXPRESSION.search(place.before)
    if expression is not None:
        _expression(items, scope, len(place.before) - len(expression[1] or ""))
    elif place.is_key:
        _keys(items, scope, schemas_of(place.path))
    else:
        _values(items, scope, schemas_of(place.path))
    return items.found


def _expression(items: Items, scope: Scope, start: int) -> None:
    items.begin_at(start)
    for name in scope.variables():
        items.name(name)
    for function in FUNCTIONS:
        items.add(function, ItemKind.FUNCTION, detail="function")


def _keys(items: Items, scope: Scope, schemas: list[Schema]) -> None:
    place, names = scope.place, names_of(schemas)
    path = place.path
    siblings = set(place.siblings)
    is_object = bool(names & _OBJECTS)
    step_has_name = "step" in names and any(each not in BESIDE for each in siblings)
    for schema in schemas:
        for key, found in schema.get("properties", {}).items():
            if key in siblings or found.get("doNotSuggest") or (step_has_name and key not in BESIDE):
                continue
            if is_object and key not in (*BESIDE, "file", "key"):
                items.object(key, found)
            else:
                items.key(key, found, is_required=key in schema.get("required", ()))
    if "step" in names and not step_has_name:
        for name in scope.declared():
            items.applied(name)
    if "layer" in names:
        for name in (each for each in scope.declared() if each.kind != "block"):
            items.applied(name)
    for name in _named_keys(path, scope):
        if name.text not in siblings:
            items.name(name, suffix=": ")
    for key, about in _open_keys(path, scope):
        if key not in siblings:
            items.key(key, {"description": about})


def _named_keys(path: list[Any], scope: Scope) -> list[Name]:
    """Return the names that are the keys of the mapping at `path`."""
    root = scope.place.declarations.root
    if len(path) == 3 and path[0] == "data" and path[1] in _SPLITS and path[2] in _SECTIONS:
        return root.inputs() if path[2] == "inputs" else root.outputs()
    if path[:1] == ["training"] and path[-1] == "learning_rate_multipliers":
        return _layer_names(root)
    if len(path) > 1 and isinstance(path[-1], str):
        declared = scope.find_declared(path[-1])
        if declared is not None and declared.kind == "block" and declared.inside is not None and "apply" in path:
            return list(declared.inside.variables.values())
    if path and path[-1] in ("from", "call"):
        applied = _step_around(path, scope)[1]
        if applied is not None and applied.inside is not None:
            return applied.inside.inputs()
    return []


def _open_keys(path: list[Any], scope: Scope) -> Iterator[tuple[str, str]]:
    """Yield the keys that only the catalogue or the text knows, with what they are."""
    if path and path[-1] in ("from", "call"):
        entry = catalog.find("layers", _step_around(path, scope)[0])
        for argument in entry.call if entry is not None else ():
            yield argument, f"An argument of the call of `{entry.name if entry is not None else ''}`."
    if path == ["search", "parameters"]:
        for name in scope.place.declarations.root.variables.values():
            yield f"vars.{name.text}", "The values that are tried in the place of this variable."
        yield "training.batch_size", "The batch sizes that are tried."
        yield "training.epochs", "The numbers of epochs that are tried."


def _step_around(path: list[Any], scope: Scope) -> tuple[str, Name | None]:
    """Return the name of the step that `from` or `call` at the end of `path` belongs to."""
    parents = [each for each in scope.place.parents if each.kind == "mapping"]
    if len(parents) < 2:
        return "", None
    return scope.applied(parents[-2]) if path[-1] == "from" else scope.step_name(parents[-2])


def _values(items: Items, scope: Scope, schemas: list[Schema]) -> None:
    place, names = scope.place, names_of(schemas)
    if names & {"reference", "references"}:
        _tensors(items, scope)
    if "step" in names:
        for name in scope.declared():
            items.applied(name)
    if "layer" in names:
        for name in (each for each in scope.declared() if each.kind != "block"):
            items.applied(name)
    _named_values(items, scope)
    for schema in schemas:
        _schema_values(items, schema, names)
    path = place.path
    if "path" in names or (path and path[-1] in ("file", "files", "folder", "weights", "initial_weights", "include")):
        _files(items, scope)


def _schema_values(items: Items, schema: Schema, names: set[str]) -> None:
    """Add the words that a schema lists, and the keys of a mapping that may begin here."""
    about = schema.get("enumDescriptions", [])
    for number, word in enumerate(schema.get("enum", ())):
        items.word(word, about[number] if number < len(about) else "", schema.get("name", ""))
    if "const" in schema and not schema.get("doNotSuggest"):
        items.word(schema["const"], schema.get("description", ""), schema.get("name", ""))
    kinds = schema.get("type", [])
    if "boolean" in ([kinds] if isinstance(kinds, str) else kinds) and "pattern" not in schema:
        items.word(True, "", "")
        items.word(False, "", "")
    is_object = bool(names & _OBJECTS)
    for key, found in schema.get("properties", {}).items():
        if found.get("doNotSuggest") or (is_object and key in BESIDE):
            continue
        if is_object:
            items.object(key, found)
        elif items.on_own_line:
            items.key(key, found, is_required=key in schema.get("required", ()))


def _tensors(items: Items, scope: Scope) -> None:
    name, dot, _ = scope.place.before.rpartition(".")
    if dot:
        items.begin_at(len(name) + 1)
        for each in _outputs_of(scope, name.partition("[")[0]):
            items.name(each)
        return
    for each in scope.tensors():
        items.name(each)


def _outputs_of(scope: Scope, name: str) -> list[Name]:
    """Return the outputs of the model or block that a node ends in."""
    tensor = scope.body.tensors.get(name)
    steps = tensor.value.get("apply") if tensor is not None and tensor.value is not None else None
    if steps is None:
        return []
    _, applied = scope.step_name((steps.items or [steps])[-1])
    return applied.inside.outputs() if applied is not None and applied.inside is not None else []


def _named_values(items: Items, scope: Scope) -> None:
    """Add the names that the text knows: of columns, layers and metrics."""
    path = scope.place.path
    keys = [each for each in path if isinstance(each, str)]
    last = keys[-1] if keys else ""
    root = scope.place.declarations.root
    if keys[:1] == ["data"] and last in ("column", "columns", "key", "feature"):
        for column in column_names(scope.document, _data_file(scope)):
            items.word(column, "", "column")
    elif keys[:1] == ["training"] and (last in ("freeze", "unfreeze") or keys[-2:] == ["lora", "layers"]):
        for name in _layer_names(root):
            items.name(name)
    elif last == "monitor":
        for metric in _metrics(root):
            items.word(metric, "", "metric")


def _layer_names(root: Body) -> list[Name]:
    declared = [each for each in root.declared.values() if each.kind != "block"]
    return declared + [each for each in root.tensors.values() if each.kind in ("node", "output")]


def _metrics(root: Body) -> Iterator[str]:
    outputs = root.outputs()
    for prefix in ("val_", ""):
        yield f"{prefix}loss"
        for output in outputs:
            name = f"{prefix}{output.text}_" if len(outputs) > 1 else prefix
            if len(outputs) > 1:
                yield f"{name}loss"
            metrics = output.value.get("metrics") if output.value is not None else None
            for metric in (metrics.items or [metrics]) if metrics is not None else ():
                if metric.kind == "scalar" and metric.text and "GRAPHSPEC" not in metric.text:
                    yield f"{name}{metric.text}"


def _data_file(scope: Scope) -> str:
    """Return the path of the file of the source at the cursor, as it is written."""
    files = (value.get("file") for value in reversed(scope.place.parents) if value.kind == "mapping")
    return next((file.text for file in files if file is not None and file.text), "")


def _files(items: Items, scope: Scope) -> None:
    """Add the files and folders in the folder that is written so far."""
    folder, _, _ = scope.place.before.rpartition("/")
    items.begin_at(len(folder) + 1 if folder or scope.place.before.startswith("/") else 0)
    try:
        with os.scandir(Path(path_beside(scope.document, f"{folder}/" if folder else "."))) as entries:
            for entry, _ in zip(entries, range(_MAX_FILES), strict=False):
                if not entry.name.startswith("."):
                    items.file(entry.name, is_folder=entry.is_dir())
    except OSError:
        return
