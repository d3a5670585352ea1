"""Semantic tokens: what each name of a text is, for colours."""

from __future__ import annotations

from lsprotocol import types

from graphspec.editor.server.document import Document
from graphspec.editor.server.names import Name, Use
from graphspec.editor.server.positions import units

_TYPES = ("variable", "class", "function", "parameter", "property", "namespace", "macro")
_MODIFIERS = ("declaration", "defaultLibrary")
LEGEND = types.SemanticTokensLegend(_TYPES, _MODIFIERS)
_OF_NAMES = {
    "layer": "namespace",
    "model": "namespace",
    "block": "macro",
    "variable": "parameter",
    "parameter": "parameter",
    "each": "parameter",
}
_OF_USES = {"tensor": "variable", "part": "property", "argument": "property", "variable": "parameter"}
_DECLARATION, _LIBRARY = 1, 2


def semantic_tokens(document: Document) -> types.SemanticTokens:
    """Return the tokens of a document, each relative to the one before."""
    names = document.names
    found: dict[int, tuple[int, int, int]] = {}
    every: list[Name | Use] = [*names.names, *names.uses] if names is not None else []
    for each in every:
        token = _token(each)
        if token is not None and each.end > each.start:
            found.setdefault(each.start, (each.end, *token))
    data: list[int] = []
    line = column = last = 0
    for start, (end, kind, modifiers) in sorted(found.items()):
        position = document.lines.position(start)
        if start < last or document.lines.position(end).line != position.line:
            continue
        length = units(document.text[start:end], document.encoding)
        data += [
            position.line - line,
            position.character - (column if position.line == line else 0),
            length,
            kind,
            modifiers,
        ]
        line, column, last = position.line, position.character, end
    return types.SemanticTokens(data)


def _token(each: Name | Use) -> tuple[int, int] | None:
    """Return the type and the modifiers of a name or a use; None where it has no colour of its own."""
    if isinstance(each, Name):
        return _TYPES.index(_OF_NAMES.get(each.kind, "variable")), _DECLARATION
    if each.kind == "object":
        return _TYPES.index("function" if each.catalog == "ops" else "class"), _LIBRARY
    if each.kind == "declared":
        return _TYPES.index(_OF_NAMES[each.target.kind] if each.target is not None else "namespace"), 0
    return (_TYPES.index(_OF_USES[each.kind]), 0) if each.kind in _OF_USES else None
