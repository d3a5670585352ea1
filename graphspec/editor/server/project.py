"""Names across files: what a file includes, and which declaration a use stands for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from graphspec.editor.server.document import Document
from graphspec.editor.server.names import Declarations, Name, Use
from graphspec.editor.server.workspace import Workspace
from graphspec.language.expand.library import MAX_FILES

Place = tuple[Document, int, int]
"""A document and two offsets in it."""


def path_beside(document: Document, written: str) -> str:
    """Return the path that a document writes, which is relative to its folder."""
    return os.path.normpath(Path(document.path).parent / written) if "\0" not in written else document.path


def included(document: Document, workspace: Workspace, declared: Declarations | None = None) -> list[Document]:
    """Return the documents that one includes at any depth, the nearest first and each once.

    Args:
        document: The document.
        workspace: The open documents.
        declared: The declarations of the document; by default, those of its text.
    """
    found: dict[str, Document] = {}
    waiting = [(document, declared if declared is not None else document.declarations)]
    for each, own in waiting:
        if own is None or len(found) >= MAX_FILES:
            break
        for path in own.includes:
            inner = workspace.document_at(path_beside(each, path.text)) if path.text else None
            if inner is not None and inner.key not in found and inner.key != document.key:
                found[inner.key] = inner
                waiting.append((inner, inner.declarations))
    return list(found.values())


def declared_names(
    document: Document, workspace: Workspace, declared: Declarations | None = None, *, variables: bool = False
) -> list[tuple[Document, Name]]:
    """Return the layers, models and blocks, or the variables, that included files declare. Arguments as `included`."""
    found = []
    for each in included(document, workspace, declared):
        if each.declarations is not None:
            root = each.declarations.root
            found += [(each, name) for name in (root.variables if variables else root.declared).values()]
    return found


def declaration_of(document: Document, found: Name | Use, workspace: Workspace) -> tuple[Document, Name] | None:
    """Return the declaration of a name or a use, with the document that holds it; None where there is none."""
    if isinstance(found, Name):
        return document, found
    if found.target is not None:
        return document, found.target
    if found.kind in ("parameter", "input"):
        return _inside(document, found, workspace)
    if found.kind in ("declared", "variable", "layer"):
        names = declared_names(document, workspace, variables=found.kind == "variable")
        return next(((each, name) for each, name in names if name.text == found.text), None)
    if found.kind == "part":
        return _part(document, found, workspace)
    return None


def _inside(document: Document, found: Use, workspace: Workspace) -> tuple[Document, Name] | None:
    """Return the parameter or the input of a block or model of an included file."""
    for each, name in declared_names(document, workspace):
        if name.text == found.owner and name.inside is not None:
            names = name.inside.variables if found.kind == "parameter" else name.inside.tensors
            return (each, names[found.text]) if found.text in names else None
    return None


def _part(document: Document, found: Use, workspace: Workspace) -> tuple[Document, Name] | None:
    """Return the output of a model or block of an included file that a reference picks."""
    for use in document.names.uses if document.names is not None else ():
        if use.kind == "declared" and use.target is None and use.body is found.body:
            node = found.body.tensors.get(found.owner)
            if node is not None and node.value is not None and node.value.start <= use.start <= node.value.end:
                declared = declaration_of(document, use, workspace)
                inside = declared[1].inside if declared is not None else None
                if declared is not None and inside is not None and found.text in inside.tensors:
                    return declared[0], inside.tensors[found.text]
    return None


def uses_of(document: Document, name: Name, workspace: Workspace) -> Iterator[tuple[Document, Use]]:
    """Yield the uses of a name in its document and in every spec that may include it, as far as it is visible there."""
    for each in _documents_with(document, name, workspace):
        for use in each.names.uses if each.names is not None else ():
            if use.text != name.text:
                continue
            found = declaration_of(each, use, workspace)
            if found is not None and found[0].key == document.key and _is_same(found[1], name):
                yield each, use


def _is_same(one: Name, other: Name) -> bool:
    return (one.kind, one.start, one.text) == (other.kind, other.start, other.text)


def _documents_with(document: Document, name: Name, workspace: Workspace) -> Iterator[Document]:
    yield document
    if name.kind == "each" or (name.kind in ("input", "node", "loss") and name.body.kind == "spec"):
        return
    for each in workspace.specs():
        if each.key == document.key or name.text not in each.text:
            continue
        if any(inner.key == document.key for inner in included(each, workspace)):
            yield each
