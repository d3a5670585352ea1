"""The outline of a document: symbols and folding ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol import types

from graphspec.editor.server.document import Document
from graphspec.editor.server.names import Body, Name
from graphspec.editor.server.values import Entry, Value

_SYMBOLS = {
    "input": types.SymbolKind.Interface,
    "node": types.SymbolKind.Variable,
    "output": types.SymbolKind.Event,
    "loss": types.SymbolKind.Number,
    "layer": types.SymbolKind.Object,
    "model": types.SymbolKind.Class,
    "block": types.SymbolKind.Function,
    "variable": types.SymbolKind.Constant,
    "parameter": types.SymbolKind.TypeParameter,
    "each": types.SymbolKind.TypeParameter,
}
_COMMENT = re.compile(r"[ \t]*#")
_MAX_DEPTH = 30


def document_symbols(document: Document) -> list[types.DocumentSymbol]:
    """Return the sections of a spec with the names that they declare."""
    if document.root is None or document.names is None:
        return []
    names = {(each.start, each.end): each for each in document.names.names}
    return list(_symbols(document, document.root, names, depth=0))


def _symbols(
    document: Document, mapping: Value, names: dict[tuple[int, int], Name], *, depth: int
) -> Iterator[types.DocumentSymbol]:
    for entry in mapping.entries:
        if not entry.key.text.strip():
            continue
        name = names.get(entry.key.inner)
        holds_names = entry.value is not None and depth < _MAX_DEPTH and _holds_names(entry.value, names)
        children = list(_symbols(document, entry.value, names, depth=depth + 1)) if holds_names and entry.value else []
        if name is None and depth and not children:
            continue
        yield types.DocumentSymbol(
            entry.key.text,
            _SYMBOLS[name.kind] if name is not None else types.SymbolKind.Namespace,
            document.lines.range(entry.key.start, max(entry.end, entry.key.end)),
            document.lines.range(entry.key.start, entry.key.end),
            detail=_detail(name, entry),
            children=children or None,
        )


def _holds_names(value: Value, names: dict[tuple[int, int], Name]) -> bool:
    """Return whether a key in a mapping, or in the mappings of it, declares a name."""
    return any(
        each.key.inner in names
        or (each.value is not None and any(inner.key.inner in names for inner in each.value.entries))
        for each in value.entries
    )


def _detail(name: Name | None, entry: Entry) -> str | None:
    if name is None or name.kind != "node" or entry.value is None:
        return name.kind if name is not None else None
    step = entry.value.get("apply")
    return step.text if step is not None and step.kind == "scalar" else None


def folding_ranges(document: Document) -> list[types.FoldingRange]:
    """Return the values of several lines, and comments of several lines."""
    if document.root is None:
        return []
    return [*_values(document, document.root), *_comments(document)]


def _values(document: Document, root: Value) -> Iterator[types.FoldingRange]:
    seen: set[int] = set()
    waiting = [root]
    for value in waiting:
        places = [(entry.key.start, entry.end) for entry in value.entries]
        places += [(item.start, item.end) for item in value.items]
        for start, end in places:
            first, last = document.lines.position(start).line, document.lines.position(end).line
            if last > first and first not in seen:
                seen.add(first)
                yield types.FoldingRange(first, last)
        waiting += [each for each in value.children() if each.kind != "scalar"]


def _comments(document: Document) -> Iterator[types.FoldingRange]:
    lines = document.lines
    first: int | None = None
    for number in range(len(lines.starts) + 1):
        if _COMMENT.match(lines.line(number)) is not None:
            first = number if first is None else first
            continue
        if first is not None and number - 1 > first:
            yield types.FoldingRange(first, number - 1, kind=types.FoldingRangeKind.Comment)
        first = None


def body_name(document: Document, body: Body) -> Name | None:
    """Return the name of the model or block that a body is; None for the spec."""
    names = document.names.names if document.names is not None else []
    return next((each for each in names if each.inside is body), None)
