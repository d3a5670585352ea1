"""Go to definition, and references."""

from __future__ import annotations

from lsprotocol import types

from graphspec.editor.server.document import Document
from graphspec.editor.server.names import Name, Use
from graphspec.editor.server.project import declaration_of, path_beside, uses_of
from graphspec.editor.server.workspace import Workspace

_START = types.Range(types.Position(0, 0), types.Position(0, 0))


def declaration_at(document: Document, position: types.Position, workspace: Workspace) -> tuple[Document, Name] | None:
    """Return the declaration of the name at a position, and the document that holds it; None where there is none."""
    found = document.names.at(document.lines.offset(position)) if document.names is not None else None
    return declaration_of(document, found, workspace) if found is not None else None


def definition(document: Document, position: types.Position, workspace: Workspace) -> types.Location | None:
    """Return where the name at a position is declared, or the file that a path names."""
    found = document.names.at(document.lines.offset(position)) if document.names is not None else None
    if found is not None and not isinstance(found, Name) and found.kind == "path":
        target = workspace.document_at(path_beside(document, found.text))
        return types.Location(target.uri, _START) if target is not None else None
    declared = declaration_at(document, position, workspace)
    return location(*declared) if declared is not None else None


def references(
    document: Document, position: types.Position, workspace: Workspace, *, with_declaration: bool
) -> list[types.Location]:
    """Return every use of the name at a position, in all specs of the workspace."""
    declared = declaration_at(document, position, workspace)
    if declared is None:
        return []
    uses = [location(*each) for each in uses_of(*declared, workspace)]
    return [location(*declared), *uses] if with_declaration else uses


def location(document: Document, found: Name | Use) -> types.Location:
    """Return the place of a name or a use."""
    return types.Location(document.uri, document.lines.range(found.start, found.end))
