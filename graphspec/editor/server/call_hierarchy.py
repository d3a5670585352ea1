"""Call hierarchy: which nodes, blocks and models use a block or model, and which it uses."""

from __future__ import annotations

from lsprotocol import types

from graphspec.editor.server.document import Document
from graphspec.editor.server.names import Name, Use
from graphspec.editor.server.navigation import declaration_at
from graphspec.editor.server.outline import body_name
from graphspec.editor.server.project import declaration_of, uses_of
from graphspec.editor.server.workspace import Workspace

_KINDS = {"block": types.SymbolKind.Function, "model": types.SymbolKind.Class, "layer": types.SymbolKind.Object}


def prepare(document: Document, position: types.Position, workspace: Workspace) -> list[types.CallHierarchyItem]:
    """Return the block, model or layer at a position."""
    declared = declaration_at(document, position, workspace)
    return [_item(*declared)] if declared is not None and declared[1].kind in _KINDS else []


def incoming_calls(item: types.CallHierarchyItem, workspace: Workspace) -> list[types.CallHierarchyIncomingCall]:
    """Return the nodes, blocks and models that use an item."""
    declared = _declared(item, workspace)
    if declared is None:
        return []
    callers: dict[tuple[str, int], tuple[types.CallHierarchyItem, list[types.Range]]] = {}
    for document, use in uses_of(*declared, workspace):
        caller = _caller(document, use)
        if caller is not None:
            known = callers.setdefault((document.uri, caller.start), (_item(document, caller), []))
            known[1].append(document.lines.range(use.start, use.end))
    return [types.CallHierarchyIncomingCall(caller, ranges) for caller, ranges in callers.values()]


def outgoing_calls(item: types.CallHierarchyItem, workspace: Workspace) -> list[types.CallHierarchyOutgoingCall]:
    """Return the blocks, models and layers that an item uses."""
    declared = _declared(item, workspace)
    value = declared[1].value if declared is not None else None
    if declared is None or value is None or declared[0].names is None:
        return []
    document = declared[0]
    called: dict[tuple[str, int], tuple[types.CallHierarchyItem, list[types.Range]]] = {}
    for use in declared[0].names.uses:
        if use.kind == "declared" and value.start <= use.start <= value.end:
            target = declaration_of(document, use, workspace)
            if target is not None:
                known = called.setdefault((target[0].uri, target[1].start), (_item(*target), []))
                known[1].append(document.lines.range(use.start, use.end))
    return [types.CallHierarchyOutgoingCall(each, ranges) for each, ranges in called.values()]


def _declared(item: types.CallHierarchyItem, workspace: Workspace) -> tuple[Document, Name] | None:
    document = workspace.document_at(workspace.path_of(item.uri))
    return declaration_at(document, item.selection_range.start, workspace) if document is not None else None


def _caller(document: Document, use: Use) -> Name | None:
    """Return the block or model that holds a use, or else the node."""
    named = body_name(document, use.body)
    if named is not None:
        return named
    nodes = (each for each in use.body.tensors.values() if each.value is not None)
    return next((each for each in nodes if each.value and each.value.start <= use.start <= each.value.end), None)


def _item(document: Document, name: Name) -> types.CallHierarchyItem:
    end = max(name.value.end, name.end) if name.value is not None else name.end
    return types.CallHierarchyItem(
        name.text,
        _KINDS.get(name.kind, types.SymbolKind.Variable),
        document.uri,
        document.lines.range(name.start, end),
        document.lines.range(name.start, name.end),
        detail=name.kind,
    )
