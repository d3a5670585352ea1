"""Code lenses: parameters of the spec and its models, and how often layers, models and blocks are used."""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from graphspec.editor.server.document import Document
from graphspec.editor.server.hover import times
from graphspec.editor.server.navigation import location
from graphspec.editor.server.project import uses_of
from graphspec.editor.server.spec_calls import View
from graphspec.editor.server.workspace import Workspace
from graphspec.shapes.parameters import count_parameters


def code_lenses(
    document: Document, workspace: Workspace, specs: Iterable[View], *, show_references: str = ""
) -> list[types.CodeLens]:
    """Return a lens above the spec, and above each layer, model and block that it declares.

    Args:
        document: The document.
        workspace: The open documents and the specs beside them.
        specs: The calls of the specs that hold the document, its own first.
        show_references: The command of the editor that shows the places where a name is used; empty if it has none.
    """
    if document.names is None or document.root is None:
        return []
    all_specs = list(specs)
    lenses = []
    own = next((each for each in all_specs if str(each.calls.spec.path) == document.path), None)
    first = next((each.key for each in document.root.entries if each.key.text == "graphspec"), None)
    if own is not None and first is not None:
        count = count_parameters(own.calls.spec.graph, own.calls.spec.shapes)
        lenses.append(_lens(document, first.start, types.Command(_parameters(count), "")))
    for name in document.names.names:
        if name.kind not in ("layer", "model", "block"):
            continue
        uses = [location(*each) for each in uses_of(document, name, workspace)]
        text = f"used {times(len(uses))}"
        for calls in all_specs if name.kind != "block" else ():
            layer = calls.declared_as(document, name)
            if layer is not None:
                text = f"{_parameters(calls.parameters([layer]))} · {text}"
                break
        command = types.Command(text, "")
        if uses and show_references:
            place = document.lines.position(name.start)
            command = types.Command(text, show_references, arguments=[document.uri, place, uses])
        lenses.append(_lens(document, name.start, command))
    return lenses


def _parameters(count: int | None) -> str:
    return "parameters unknown" if count is None else f"{count:,} parameters"


def _lens(document: Document, offset: int, command: types.Command) -> types.CodeLens:
    return types.CodeLens(document.lines.range(offset, offset), command)
