"""Inlay hints: the shape after each step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types

from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.shape_text import shape_text
from graphspec.editor.server.document import Document
from graphspec.editor.server.names import Use
from graphspec.editor.server.spec_calls import View

_MAX_LENGTH = 60


def inlay_hints(document: Document, asked: types.Range, specs: Iterable[View]) -> list[types.InlayHint]:
    """Return a hint after each step in a range, with the shape that it gives."""
    if document.names is None:
        return []
    start, end = document.lines.offset(asked.start), document.lines.offset(asked.end)
    uses = [each for each in document.names.uses if each.kind in ("object", "declared") and start <= each.start <= end]
    return list(_hints(document, uses, list(specs)))


def _hints(document: Document, uses: Iterable[Use], specs: list[View]) -> Iterator[types.InlayHint]:
    for use in uses:
        made = next((found for each in specs if (found := each.calls_at(document, use.start))), [])
        # Of a repeated step, the shape after all of its calls.
        values = [call.given for call in {id(call.node): call for call in made}.values()]
        values = values or next((given for each in specs if (given := each.block_values_at(document, use.start))), [])
        if not values:
            continue
        texts = list(dict.fromkeys(map(shape_text, values)))
        text = f"→ {texts[0]}" + (" …" if len(texts) > 1 else "")
        if texts[0] == "of unknown shape":
            continue
        offset = use.value.end if use.value is not None else use.end
        if document.text[use.end : use.end + 1] in ("'", '"') and use.value is None:
            offset += 1
        yield types.InlayHint(
            document.lines.position(offset),
            escaped(text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"),
            types.InlayHintKind.Type,
            tooltip="\n".join(texts[:10]) if len(texts) > 1 else None,
            padding_left=True,
        )
