"""Which collections stand on one line, and at which item each comment then stands.

A writer's choice between one line and a block holds, as long as the line is not too long: a block stays a block.
Whatever holds a comment is a block. A list of short values that does not fit is filled into several lines.
"""

from __future__ import annotations

from graphspec.editor.formatting.nodes import Alias, Collection, Item, Node, Scalar
from graphspec.editor.formatting.scalars import write_scalar

WIDTH = 120
INDENT = 2
LONGEST_KEY = 1_000
"""Characters that a key may have before its colon: YAML readers look for the colon in the first 1,024."""


def lay_out(root: Collection) -> None:
    """Decide for every collection below `root`, which is a block, and hand comments to where they are written."""
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
                    comment.column = 0  # it stood beside other text
            if not value.in_flow:
                _block(value, indent + INDENT)
                for comment in item.below:
                    value.add_after(comment)
                item.below = []
        elif isinstance(value, Collection):
            item.beside += value.foot  # what stood inside an empty one
            value.foot = []
    for item in node.items:
        _settle(item)


def _fits(node: Collection, start: int, *, in_list: bool) -> bool:
    """Whether a collection that was written in brackets stays so, beginning at column `start`."""
    if node.holds_comments:
        return False
    if in_list and node.is_mapping and len(node.items) == 1 and node.anchor is None:
        return False  # `- Dense: 64` needs no braces
    return start + len(on_one_line(node)) <= WIDTH or is_filled(node)


def is_filled(node: Collection) -> bool:
    """Whether a list in brackets may go over several lines: it holds plain values only."""
    if node.is_mapping or not node.items:
        return False
    return not any(isinstance(item.value, Collection) for item in node.items)


def _settle(item: Item) -> None:
    """Leave one comment beside the item and move others above it.

    The first item of a block that starts beside a dash shares that line: comments beside go to it, those above it up.
    """
    value = item.value
    if item.key is None and isinstance(value, Collection) and value.is_block and value.anchor is None:
        first = value.items[0]
        first.beside[:0] = item.beside
        item.beside = []
        _settle(first)
        if first.above:
            first.above[0].blank_before, item.blank_before = item.blank_before, first.blank_before
            item.above += first.above
            first.above = []
    item.above += item.beside[:-1]
    item.beside = item.beside[-1:]


def write_key(key: Scalar | Alias) -> str:
    """A key with its colon."""
    if isinstance(key, Alias):
        return f"*{key.name} :"
    text = write_scalar(key, is_key=True) or '""'
    return f"{_anchor(key)}{text}:"


def on_one_line(node: Node) -> str:
    """The node in brackets, on one line."""
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
    """The anchor of a node as it stands before it, with a space; nothing where it has none."""
    return "" if isinstance(node, Alias) else _anchor(node)


def _anchor(node: Scalar | Collection) -> str:
    return f"&{node.anchor} " if node.anchor is not None else ""
