"""The tree of a spec → its text: what fits into a line stands in one, all else below its key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.editor.formatting.scalars import write_inline, write_text

WIDTH = 120


_MAX_DENOMINATOR = 1024
_MAX_DIGITS = 8


def with_fractions(value: Any) -> Any:
    """Return a tree with `${1 / 255}` in the place of a float that is one part of a whole number."""
    if isinstance(value, dict):
        return {key: with_fractions(each) for key, each in value.items()}
    if isinstance(value, list):
        return [with_fractions(each) for each in value]
    if isinstance(value, float) and 0 < value < 1 and len(repr(value)) > _MAX_DIGITS:
        denominator = round(1 / value) if value > 1 / _MAX_DENOMINATOR else 0
        if denominator and 1 / denominator == value:
            return f"${{1 / {denominator}}}"
    return value


def spec_text(tree: dict[str, Any]) -> str:
    """Return the text of a spec."""
    return "\n".join(_entries(tree, "", 0)) + "\n"


def _entries(value: dict[str, Any], indent: str, depth: int) -> Iterator[str]:
    for key, item in value.items():
        yield from _entry(f"{indent}{write_text(key)}:", item, indent + "  ", depth)


def _entry(head: str, item: Any, indent: str, depth: int) -> Iterator[str]:
    """Yield `item` behind the `head` of its line, or below it."""
    line = f"{head} {_flow(item)}".rstrip()
    is_list_of_steps = head.strip() == "apply:" and _holds_steps({"apply": item})
    is_long = len(line) > WIDTH or (depth < 1 and isinstance(item, dict)) or _holds_steps(item) or is_list_of_steps
    if not is_long or not isinstance(item, dict | list) or not item:
        yield line
    elif isinstance(item, dict):
        yield head
        yield from _entries(item, indent, depth + 1)
    else:
        yield head
        for each in item:
            yield from _item(each, indent, depth)


def _item(each: Any, indent: str, depth: int) -> Iterator[str]:
    line = f"{indent}- {_flow(each, outer=True)}"
    if len(line) <= WIDTH or not isinstance(each, dict):
        yield line
        return
    first, *rest = _entries(each, f"{indent}  ", depth + 1)
    yield f"{indent}- {first.lstrip()}"
    yield from rest


def _flow(value: Any, *, outer: bool = False) -> str:
    """Return a value in one line; outer: a mapping of one key needs no braces, as an item of a list."""
    if value is None:
        return ""
    if outer and isinstance(value, dict) and len(value) == 1:
        ((key, item),) = value.items()
        return f"{write_text(key)}: {_flow(item)}"
    return write_inline(value)


def _holds_steps(value: Any) -> bool:
    """Return whether a value holds a list of several steps, which read best one below the other."""
    if not isinstance(value, dict):
        return False
    steps = value.get("apply")
    return (isinstance(steps, list) and sum(isinstance(each, dict) for each in steps) > 1) or any(
        map(_holds_steps, value.values())
    )
