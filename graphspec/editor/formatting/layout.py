"""The layout of collections, on one line or as blocks, and of their comments.

The writer's choice between one line and a block is kept if the line is short enough. A collection with a comment is a
block. A list of plain values that does not fit is filled into several lines.
"""

from __future__ import annotations

from graphspec.editor.formatting.nodes import Alias, Collection, Item, Node, Scalar
from graphspec.editor.formatting.scalars import write_scalar

WIDTH = 120
INDENT = 2
MAX_KEY = 1_000
"""The maximum length of a key before its colon, which YAML readers look for in the first 1,024 characters."""


def lay_out(root: Collection) -> None:
    """Choose the layout of every collection below `root`, which is a block, and move comments to their items."""
    root.in_flow = False
    _block(root, 0)


def _block(node: Collection, indent: int) -> None:
    node.column = indent
    for item in node.items:
        value = item.value
        start = indent + (len(write_key(item.key)) if item.key is not None else 1) + 1
        if isinstance(value, Collection) and value.items:
            if value.in_flow and not _fits(value, start, in_list=item.key is None):
                value.in_flow = False
                for comment in (*item.beside, *(comment for each in value.items for comment in each.beside)):
                    comment.column = 0  # it was beside other text
            if not value.in_flow:
                _block(value, indent + INDENT)
                for comment in item.below:
                    value.add_after(comment)
                item.below = []
        elif isinstance(value, Collection):
            item.beside += value.foot  # from inside an empty collection
            value.foot = []
    for item in node.items:
        _place_comments(item)


def _fits(node: Collection, start: int, *, in_list: bool) -> bool:
    """Return whether a collection in brackets stays on one line that begins at column `start`."""
    if node.holds_comments:
        return False
    if in_list and node.is_mapping and len(node.items) == 1 and node.anchor is None:
        return False  # `- Dense: 64` needs no braces
    return start + len(on_one_line(node)) <= WIDTH or is_filled(node)


def is_filled(node: Collection) -> bool:
    """Return whether a list in brackets may be filled into several lines: it holds only plain values."""
    if node.is_mapping or not node.items:
        return False
    return not any(isinstance(item.value, Collection) for item in node.items)


def _place_comments(item: Item) -> None:
    """Keep one comment beside the item and move the others above it.

    The first item of a block that begins beside a dash shares that line: it takes the comments beside the dash, and its
    own comments above move above the dash.
    """
    value = item.value
    if item.key is None and isinstance(value, Collection) and value.is_block and value.anchor is None:
        first = value.items[0]
        first.beside[:0] = item.beside
        item.beside = []
        _place_comments(first)
        if first.above:
            first.above[0].blank_before, item.blank_before = item.blank_before, first.blank_before
            item.above += first.above
            first.above = []
    item.above += item.beside[:-1]
    item.beside = item.beside[-1:]


def write_key(key: Scalar | Alias) -> str:
    """Return a key with its colon."""
    if isinstance(key, Alias):
        return f"*{key.name} :"
    text = write_scalar(key, is_key=True) or '""'
    return f"{_anchor(key)}{text}:"


def on_one_line(node: Node) -> str:
    """Return the node on one line, in brackets."""
    if isinstance(node, Alias):
        return f"*{node.name}"
    if isinstance(node, Scalar):
        return f"{_anchor(node)}{write_scalar(node, is_key=False)}"
    items = [
        f"{write_key(item.key)} {on_one_line(item.value)}" if item.key is not None else on_one_line(item.value)
        for item in node.items
    ]
    return f"{_anchor(node)}{'{' if node.is_mapping else '['}{', '.join(items)}{'}' if node.is_mapping else ']'}"


def anchored(node: Node) -> str:
    """Return the anchor of a node with a space, empty if it has none."""
    return "" if isinstance(node, Alias) else _anchor(node)


def _anchor(node: Scalar | Collection) -> str:
    return f"&{node.anchor} " if node.anchor is not None else ""
