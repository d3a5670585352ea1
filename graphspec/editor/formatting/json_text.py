"""JSON text → JSON text in canonical order and style.

An object or list that fits on one line stays there, unless its opening bracket ends a line.
"""

from __future__ import annotations

import json
import re

from graphspec.editor.formatting.layout import INDENT, WIDTH
from graphspec.editor.formatting.nodes import Collection, Item, Node, Scalar
from graphspec.editor.formatting.order import put_in_order

_TOKEN = re.compile(r'(?P<open>[{\[])(?P<broken>\s*\n)?|[}\]]|"(?:[^"\\]|\\.)*"|[^\s,:{}\[\]"]+')


def format_json(text: str) -> str:
    """Return the JSON object `text` in canonical form."""
    root = _read(text)
    put_in_order(root)
    root.in_flow = False
    return _write(root, 0, 0) + "\n"


def _read(text: str) -> Collection:
    holder = Collection(is_mapping=False, in_flow=False)
    stack = [holder]
    key: list[Scalar | None] = [None]
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in ("}", "]"):
            stack.pop()
            key.pop()
            continue
        node: Node
        if match["open"] is not None:
            node = Collection(match["open"] == "{", in_flow=match["broken"] is None)
        else:
            node = Scalar(token, json.loads(token) if token[0] == '"' else token)
            if stack[-1].is_mapping and key[-1] is None:
                key[-1] = node
                continue
        stack[-1].items.append(Item(node, key[-1]))
        key[-1] = None
        if isinstance(node, Collection):
            stack.append(node)
            key.append(None)
    root = holder.items[0].value
    assert isinstance(root, Collection)
    return root


def _write(node: Node, indent: int, start: int) -> str:
    """Return the text of a node that begins at column `start` on a line indented by `indent`."""
    line = _on_one_line(node)
    if not isinstance(node, Collection) or not node.items:
        return line
    if node.in_flow and start + len(line) < WIDTH:  # a comma may follow
        return line
    inner = " " * (indent + INDENT)
    rows = []
    for item in node.items:
        head = f"{item.key.raw}: " if isinstance(item.key, Scalar) else ""
        rows.append(inner + head + _write(item.value, indent + INDENT, len(inner) + len(head)))
    opening, closing = "{}" if node.is_mapping else "[]"
    return "\n".join([opening, ",\n".join(rows), " " * indent + closing])


def _on_one_line(node: Node) -> str:
    if not isinstance(node, Collection):
        return node.raw if isinstance(node, Scalar) else ""
    items = [
        f"{item.key.raw}: {_on_one_line(item.value)}" if isinstance(item.key, Scalar) else _on_one_line(item.value)
        for item in node.items
    ]
    return ("{%s}" if node.is_mapping else "[%s]") % ", ".join(items)
