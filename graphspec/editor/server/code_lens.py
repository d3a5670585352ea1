"""Code lenses: parameters of the spec and its models, and how often layers, models and blocks are used."""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from graphspec.editor.server.document import Document
from graphspec.editor.server.hover import times
from graphspec.editor.server.project import uses_of
from graphspec.editor.server.spec_calls import View
from graphspec.editor.server.workspace import Workspace
from graphspec.shapes.parameters import count_parameters


def code_lenses(document: Document, workspace: Workspace, specs: Iterable[View]) -> list[types.CodeLens]:
    """Return a lens above the spec, and above each layer, model and block that it declares."""
    if document.names is None or document.root is None:
        return []
    all_specs = list(specs)
    lenses = []
    own = next((each for each in all_specs if str(each.calls.spec.path) == document.path), None)
    first = next((each.key for each in document.root.entries if each.key.text == "graphspec"), None)
    if own is not None and first is not None:
        count = count_parameters(own.calls.spec.graph, own.calls.spec.shapes)
        lenses.append(_lens(document, first.start, _parameters(count)))
    for name in document.names.names:
        if name.kind not in ("layer", "model", "block"):
            continue
        text = f"used {times(sum(1 for _ in uses_of(document, name, workspace)))}"
        for calls in all_specs if name.kind != "block" else ():
            layer = calls.declared_as(document, name)
            if layer is not None:
                text = f"{_parameters(calls.parameters([layer]))} · {text}"
                break
        lenses.append(_lens(document, name.start, text))
    return lenses


def _parameters(count: int | None) -> str:
    return "parameters unknown" if count is None else f"{count:,} parameters"


def _lens(document: Document, offset: int, title: str) -> types.CodeLens:
    return types.CodeLens(document.lines.range(offset, offset), types.Command(title, ""))
