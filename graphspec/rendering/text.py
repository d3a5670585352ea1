"""The tree of a rendered spec → YAML, the origin of each value as a comment behind its line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.editor.formatting.scalars import write_inline, write_text
from graphspec.rendering.tree import Leaf, Tree

_INDENT = "  "
WIDTH = 120


def yaml_text(tree: dict[str, Tree], head: list[str], foot: list[str]) -> str:
    """Return a rendered spec as YAML.

    Args:
        tree: The spec.
        head: Comments above it.
        foot: Comments below it.
    """
    lines = [*(f"# {line}" for line in head), *_entries(tree, ""), *(f"# {line}" for line in foot)]
    return "\n".join(lines) + "\n"


def _entries(tree: dict[str, Tree], indent: str) -> Iterator[str]:
    for key, item in tree.items():
        yield from _entry(f"{indent}{write_text(key)}:", item, indent + _INDENT)


def _entry(head: str, item: Tree, indent: str) -> Iterator[str]:
    if isinstance(item, Leaf):
        yield from _leaf(head, item)
    elif not item:
        yield f"{head} {{}}" if isinstance(item, dict) else f"{head} []"
    elif isinstance(item, dict):
        yield head
        yield from _entries(item, indent)
    else:
        yield head
        for each in item:
            yield from _item(each, indent)


def _item(item: Tree, indent: str) -> Iterator[str]:
    if isinstance(item, Leaf):
        yield from _leaf(f"{indent}-", item)
    elif isinstance(item, dict) and item:
        first, *rest = _entries(item, indent + _INDENT)
        yield f"{indent}- {first.lstrip()}"
        yield from rest
    elif isinstance(item, list) and item:
        yield f"{indent}-"
        for each in item:
            yield from _item(each, indent + _INDENT)
    else:
        yield f"{indent}- {{}}" if isinstance(item, dict) else f"{indent}- []"


def _leaf(head: str, leaf: Leaf) -> Iterator[str]:
    """Yield a value behind the `head` of its line, its origin behind it, or above a long list."""
    line, origin = f"{head} {write_inline(leaf.value)}", f"# {leaf.origin.text}"
    if len(line) <= WIDTH or not isinstance(leaf.value, list):
        yield f"{line}  {origin}"
    elif any(isinstance(each, list) for each in leaf.value):
        yield f"{head}  {origin}"
        yield from _items(leaf.value, " " * (_margin(head) + len(_INDENT)))
    elif any(isinstance(each, dict) for each in leaf.value):
        yield f"{line}  {origin}"
    else:
        yield " " * _margin(head) + origin
        yield from _filled(head, leaf.value)


def _items(value: list[Any], indent: str) -> Iterator[str]:
    """Yield the items of a list that holds lists, one below the other."""
    for each in value:
        line = f"{indent}- {write_inline(each)}"
        if len(line) <= WIDTH or not isinstance(each, list):
            yield line
        elif any(isinstance(inner, list) for inner in each):
            yield f"{indent}-"
            yield from _items(each, indent + _INDENT)
        else:
            yield from _filled(f"{indent}-", each)


def _filled(head: str, value: list[Any]) -> Iterator[str]:
    """Yield a list of scalars in several lines."""
    line, margin = f"{head} [", " " * (len(head) + 2)
    for number, each in enumerate(value):
        text = write_inline(each) + (", " if number + 1 < len(value) else "]")
        if line.strip() and len(line) + len(text.rstrip()) > WIDTH and not line.endswith("["):
            yield line.rstrip()
            line = margin
        line += text
    yield line


def _margin(head: str) -> int:
    return len(head) - len(head.lstrip())
