"""Completion items: how each thing that may stand at a cursor is shown and inserted."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any

from lsprotocol import types

from graphspec import catalog
from graphspec.editor.server.document import Document
from graphspec.editor.server.names import Name
from graphspec.editor.server.places import Place, Schema
from graphspec.language.document.scalars import resolve
from graphspec.language.lower.merges import MERGES

_KINDS = types.CompletionItemKind


class ItemKind(Enum):
    """The picture of an item."""

    KEY = _KINDS.Property
    CLASS = _KINDS.Class
    WORD = _KINDS.EnumMember
    TENSOR = _KINDS.Variable
    MODULE = _KINDS.Module
    VARIABLE = _KINDS.Constant
    FUNCTION = _KINDS.Function
    FILE = _KINDS.File
    FOLDER = _KINDS.Folder


_OF_NAMES = {
    "layer": ItemKind.MODULE,
    "model": ItemKind.MODULE,
    "block": ItemKind.MODULE,
    "variable": ItemKind.VARIABLE,
    "parameter": ItemKind.VARIABLE,
    "each": ItemKind.VARIABLE,
}
_SPECIAL = re.compile(r"""[:#,\[\]{}&*!|>'"%@`$]|^[\s?-]|\s$|^$""")
"""Characters that put a word into quotes."""

_NEAR, _NEEDED, _KNOWN = "0", "1", "2"


class Items:
    """The items of one place. The first one of a label is kept."""

    def __init__(self, document: Document, place: Place, *, snippets: bool) -> None:
        self.document, self.place, self.snippets = document, place, snippets
        self.by_label: dict[str, types.CompletionItem] = {}
        self.begin_at(0)

    @property
    def found(self) -> list[types.CompletionItem]:
        """The items."""
        return list(self.by_label.values())

    @property
    def on_own_line(self) -> bool:
        """True where nothing but blanks is before what is written, so that a mapping may begin."""
        place = self.place
        line = self.document.text.rfind("\n", 0, place.start) + 1
        return not self.document.text[line : place.start].strip(" -") and not place.in_flow and not place.written.style

    def begin_at(self, index: int) -> None:
        """Replace only what is written after `index`."""
        start = self.place.start + index
        self.replaced = self.document.lines.range(start, max(self.place.end, start))

    def add(
        self,
        label: str,
        kind: ItemKind,
        text: str | None = None,
        *,
        about: str = "",
        detail: str = "",
        order: str = _KNOWN,
        has_places: bool = False,
    ) -> None:
        """Add an item that inserts `text`, by default the label. has_places: `$1` is a place to fill in."""
        if label in self.by_label:
            return
        text = label if text is None else text
        is_snippet = self.snippets and has_places and "$" in text
        if has_places and not self.snippets:
            text = text.replace("$0", "").replace("$1", "")
        self.by_label[label] = types.CompletionItem(
            label,
            kind=kind.value,
            detail=detail or None,
            documentation=types.MarkupContent(types.MarkupKind.Markdown, about) if about else None,
            sort_text=f"{order}{label}",
            insert_text_format=types.InsertTextFormat.Snippet if is_snippet else None,
            text_edit=types.TextEdit(self.replaced, text),
        )

    def key(self, key: str, schema: Schema, *, is_required: bool = False) -> None:
        """Add a key with its colon, unless it has one."""
        if self.document.is_json:
            text = key if self.place.written.style else json.dumps(key) + ("" if self.place.has_colon else ": ")
        elif self.place.has_colon:
            text = key
        elif _is_mapping(schema) and not self.place.in_flow:
            text = f"{key}:\n  $0" if self.snippets else f"{key}:"
        else:
            text = f"{key}: $0"
        detail = "required" if is_required else _default(schema)
        order = _NEEDED if is_required else _KNOWN
        about = schema.get("description", "")
        self.add(key, ItemKind.KEY, text, about=about, detail=detail, order=order, has_places=True)

    def word(self, word: Any, about: str, kind: str) -> None:
        """Add a value of an enumeration; one that is the name of an object, with the arguments that it needs."""
        if isinstance(word, str) and kind in ("step", "layer", "merge", *catalog.KINDS):
            self.object(word, {"description": about})
            return
        text = str(word) if isinstance(word, str) else json.dumps(word)
        needs_quotes = self.document.is_json or _SPECIAL.search(text) or not isinstance(resolve(text), str)
        if isinstance(word, str) and needs_quotes and not self.place.written.style:
            text = json.dumps(word, ensure_ascii=False)
        self.add(str(word) if isinstance(word, str) else text, ItemKind.WORD, text, about=about)

    def object(self, name: str, schema: Schema) -> None:
        """Add an object of Keras in the form that fits the place."""
        if name in self.by_label:
            return
        kind = _kind_of(schema, name)
        entry = catalog.find(kind, name) if kind is not None else None
        needed = entry.required if entry is not None and kind != "ops" else []
        about = schema.get("description", "") or (entry.doc if entry is not None else "")
        self.add(name, ItemKind.CLASS, self._form(name, needed), about=about, detail=kind or "", has_places=True)

    def applied(self, name: Name) -> None:
        """Add a declared layer, model or block, with the parameters that a block needs."""
        needed: list[str] = []
        if name.kind == "block" and name.inside is not None:
            needed = [each.text for each in name.inside.variables.values() if each.value is None]
        form = self._form(name.text, needed)
        self.add(name.text, ItemKind.MODULE, form, detail=name.kind, order=_NEAR, has_places=True)

    def name(self, name: Name, suffix: str = "") -> None:
        """Add a name of the text."""
        kind = _OF_NAMES.get(name.kind, ItemKind.TENSOR)
        text = name.text + ("" if self.place.has_colon else suffix)
        self.add(name.text, kind, text, detail=name.kind, order=_NEAR)

    def file(self, name: str, *, is_folder: bool) -> None:
        """Add a file, or a folder with a slash."""
        text = f"{name}/" if is_folder else name
        self.add(text, ItemKind.FOLDER if is_folder else ItemKind.FILE, text, order=_KNOWN if is_folder else _NEEDED)

    def _form(self, name: str, needed: list[str]) -> str:
        """Return an object as it is written at the place, with its required arguments to be filled in."""
        place = self.place
        if self.document.is_json:
            return name if place.written.style else json.dumps(name)
        if place.has_colon or place.written.style in ("'", '"'):
            return name
        if self.snippets:
            filled = ", ".join(f"{each}: ${number}" for number, each in enumerate(needed, 1))
        else:
            filled = ", ".join(f"{each}: " for each in needed)
        if place.is_key:
            return f"{name}: {{{filled or '$1'}}}"
        if not needed:
            return name
        if self.on_own_line:
            return f"{name}: {{{filled}}}"
        return f"{{{name}: {{{filled}}}}}"


def _kind_of(schema: Schema, name: str) -> str | None:
    """Return the kind in the catalogue of the object that a schema describes."""
    kind = schema.get("$ref", "").rpartition("/")[2].partition(".")[0]
    if kind in catalog.KINDS:
        return str(kind)
    if name in MERGES:
        return None
    return "ops" if name.startswith("ops.") else "layers" if catalog.find("layers", name) is not None else None


def _is_mapping(schema: Schema) -> bool:
    """Return whether the value is a mapping in every form."""
    reference = schema.get("$ref", "")
    if reference:
        return reference.rpartition("/")[2].endswith(("Model", "Spec")) and "InputModel" not in reference
    return schema.get("type") == "object"


def _default(schema: Schema) -> str:
    return f"default: {json.dumps(schema['default'])}" if "default" in schema else ""
