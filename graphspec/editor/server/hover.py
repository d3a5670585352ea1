"""Hover: what a name, a layer, an argument or a key is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from lsprotocol import types

from graphspec import catalog
from graphspec.catalog import REQUIRED
from graphspec.diagnostics.escapes import escaped
from graphspec.editor.server.document import Document
from graphspec.editor.server.names import Name, Use
from graphspec.editor.server.places import description_of
from graphspec.editor.server.project import declaration_of, uses_of
from graphspec.editor.server.spec_calls import LayerCall, SpecCalls, View, model_of, value_text
from graphspec.editor.server.values import Value
from graphspec.editor.server.workspace import Workspace
from graphspec.language.expand.expressions import FaultyVariableError

_MAX_CALLS = 6
"""The number of calls, or of places, that a hover lists."""


def hover(
    document: Document, position: types.Position, workspace: Workspace, specs: Iterable[View]
) -> types.Hover | None:
    """Return what is known of the name or key at a position; None where there is none.

    Args:
        document: The document.
        position: A place in it.
        workspace: The open documents.
        specs: The calls of the specs that hold the document, its own first.
    """
    if document.names is None or document.root is None:
        return None
    offset = document.lines.offset(position)
    found = document.names.at(offset)
    lines = list(_lines(document, found, workspace, list(specs))) if found is not None else []
    start, end = (found.start, found.end) if found is not None else (offset, offset)
    if not lines:
        key = _key_at(document.root, offset)
        text = description_of(key[0], key[1].text) if key is not None else ""
        if key is None or not text:
            return None
        lines, (start, end) = [f"`{key[1].text}`", text], (key[1].start, key[1].end)
    text = "\n\n".join(filter(None, lines))
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), document.lines.range(start, end))


def _lines(document: Document, found: Name | Use, workspace: Workspace, specs: list[View]) -> Iterator[str]:
    """Yield the paragraphs about a name or a use."""
    if isinstance(found, Use) and found.kind == "argument":
        yield from _argument(found)
        return
    if isinstance(found, Use) and found.kind == "path":
        return
    if isinstance(found, Use) and found.kind in ("object", "declared"):
        yield from _applied(document, found, workspace, specs)
        return
    declared = declaration_of(document, found, workspace)
    if declared is not None:
        yield from _name(*declared, workspace, specs)


def _name(document: Document, name: Name, workspace: Workspace, specs: list[View]) -> Iterator[str]:
    """Yield what is known of a declared name."""
    if name.kind in ("variable", "parameter", "each"):
        yield f"**{escaped(name.text)}** · {name.kind}{_variable(document, name, specs)}"
        return
    if name.kind in ("layer", "model", "block"):
        yield from _declared(document, name, workspace, specs)
        return
    yield f"**{escaped(name.text)}** · {name.kind}"
    for calls in specs:
        values = calls.values_at(document, name.start)
        if values:
            texts = list(dict.fromkeys(map(value_text, values)))
            yield _listed(f"`{escaped(text)}`" for text in texts)
            yield from _steps_of(name, document, calls)
            return


def _steps_of(name: Name, document: Document, calls: View) -> Iterator[str]:
    """Yield the steps of a node with their shapes, and its number of parameters."""
    value = name.value
    if value is None:
        return
    rows, layers = [], []
    for use in document.names.uses if document.names is not None else ():
        if value.start <= use.start < value.end and (made := calls.calls_at(document, use.start)):
            call = made[-1]
            rows.append(f"- `{escaped(call.step.layer.label)}` → `{escaped(value_text(call.given))}`")
            layers += [each.step.layer for each in made]
    if rows:
        yield "\n".join([*rows[:_MAX_CALLS], *(["- …"] if len(rows) > _MAX_CALLS else [])])
        yield _parameters(calls.parameters(layers))


def _declared(document: Document, name: Name, workspace: Workspace, specs: list[View]) -> Iterator[str]:
    """Yield what is known of a layer, a model or a block."""
    count = sum(1 for _ in uses_of(document, name, workspace))
    yield f"**{escaped(name.text)}** · {name.kind}, used {times(count)}"
    inside = name.inside
    if name.kind == "block" and inside is not None:
        parameters = ", ".join(
            f"{each.text}: {escaped(_written(document, each.value))}" if each.value is not None else each.text
            for each in inside.variables.values()
        )
        inputs, outputs = (", ".join(each.text for each in names) for names in (inside.inputs(), inside.outputs()))
        yield f"`{escaped(f'({parameters})')}` on `{escaped(inputs)}`" + (f" → `{escaped(outputs)}`" if outputs else "")
    for calls in specs:
        layer = calls.declared_as(document, name)
        if layer is not None:
            graph = model_of(layer)
            if graph is not None:
                shapes = calls.calls.spec.shapes
                for kind, names in (("in", graph.inputs), ("out", graph.outputs)):
                    texts = (f"- {kind}: `{escaped(f'{each} {value_text(shapes.of(graph, each))}')}`" for each in names)
                    yield "\n".join(texts)
            yield _parameters(calls.parameters([layer]))
            yield from _documentation("layers", layer.class_name)
            return


def _applied(document: Document, found: Use, workspace: Workspace, specs: list[View]) -> Iterator[str]:
    """Yield what is known of a step: the calls that it makes, and what it applies."""
    made, calls = next(((made, each) for each in specs if (made := each.calls_at(document, found.start))), ([], None))
    if found.kind == "object":
        yield f"**{escaped(found.owner)}**"
    given = next((values for each in specs if (values := each.block_values_at(document, found.start))), [])
    if given:
        yield _listed(f"→ `{escaped(text)}`" for text in dict.fromkeys(map(value_text, given)))
    if made and calls is not None:
        yield _calls(made)
        yield from _shared(made[0], calls.calls, document)
    if found.kind == "object":
        if made and calls is not None:
            yield _parameters(calls.parameters(each.step.layer for each in made))
        yield from _documentation(found.catalog, found.owner)
        return
    declared = declaration_of(document, found, workspace)
    if declared is not None:
        yield from _declared(*declared, workspace, specs)


def _calls(made: list[LayerCall]) -> str:
    """Return the shapes of the calls of a step: what goes in and what comes out, each pair once."""
    pairs = list(dict.fromkeys((value_text(call.taken), value_text(call.given)) for call in made))
    texts = (f"`{escaped(taken)}` → `{escaped(given)}`" for taken, given in pairs)
    return _listed(texts) + (f"  ({times(len(made))})" if len(made) > 1 else "")


def _shared(call: LayerCall, calls: SpecCalls, document: Document) -> Iterator[str]:
    """Yield the other places that call the same layer."""
    if call.step.layer.is_operation:
        return
    spans = [each for each in calls.layers.get(call.step.layer, []) if each != call.step.span]
    if spans:
        texts = list(
            dict.fromkeys(f"line {span.line}" if calls.at(span)[0] == document.key else span.place for span in spans)
        )
        yield "Shares its weights with " + ", ".join(map(escaped, texts[:_MAX_CALLS]))


def _documentation(kind: str, name: str) -> Iterator[str]:
    entry = catalog.find(kind, name) if name else None
    if entry is not None:
        yield entry.doc


def _argument(found: Use) -> Iterator[str]:
    entry = catalog.find(found.catalog, found.owner)
    if entry is None:
        return
    default: Any = entry.arguments.get(found.text, REQUIRED)
    written = "required" if default is REQUIRED else f"default `{json.dumps(default)}`"
    yield f"**{escaped(found.text)}** · argument of `{entry.name}`, {written}"
    yield catalog.argument_docs(entry.kind, entry.name).get(found.text, "")


def _variable(document: Document, name: Name, specs: list[View]) -> str:
    """Return the value of a variable, or what is written for it."""
    for calls in specs if name.kind == "variable" else ():
        try:
            return f" = `{escaped(json.dumps(calls.calls.spec.library.variables[name.text]))}`"
        except (KeyError, FaultyVariableError):
            continue
    return f" = `{escaped(_written(document, name.value))}`" if name.value is not None else ""


def _written(document: Document, value: Value | None) -> str:
    return document.text[value.start : value.end][:200] if value is not None else ""


def _parameters(count: int | None) -> str:
    return "Parameters: unknown" if count is None else f"Parameters: {count:,}"


def times(count: int) -> str:
    """Return a number of times in words."""
    return "once" if count == 1 else f"{count} times" if count else "never"


def _listed(texts: Iterable[str]) -> str:
    all_texts = list(texts)
    return "  \n".join(
        [*all_texts[:_MAX_CALLS], *([f"… {len(all_texts) - _MAX_CALLS} more"] if len(all_texts) > _MAX_CALLS else [])]
    )


def _key_at(root: Value, offset: int) -> tuple[list[str | int], Value] | None:
    """Return the path of the mapping that holds the key at an offset, and the key."""
    path: list[str | int] = []
    value = root
    while True:
        for entry in value.entries:
            if entry.key.start <= offset <= entry.key.end:
                return path, entry.key
            if entry.value is not None and entry.value.start <= offset <= entry.value.end:
                path.append(entry.key.text)
                value = entry.value
                break
        else:
            number = next((n for n, each in enumerate(value.items) if each.start <= offset <= each.end), None)
            if number is None:
                return None
            path.append(number)
            value = value.items[number]
