"""Edits of a spec's text, each the change of one thing in the tree that it holds.

An edit is checked by reading its result: where that is not the tree that the edit means, there is no such edit.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphspec.diagnostics import SpecError
from graphspec.language.document.scalars import resolve
from graphspec.language.document.tree import plain

from .places import Path, Place, Text, read_tree

DEFINING = ("inputs", "graph", "outputs", "layers", "models", "blocks", "vars", "params")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./<>-]*( [A-Za-z0-9_./-]+)*")


@dataclass(frozen=True)
class Edited:
    """The text after an edit. lines: those that the edit touched, in it; gone: the names of what it took out."""

    text: str
    lines: frozenset[int]
    gone: frozenset[str] = frozenset()


def written(value: Any) -> str:
    """`value` as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(str(key))}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(item) for item in value) + "]"
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and isinstance(resolve(value), str)
        return value if is_plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return json.dumps(value)


def replace_value(text: Text, place: Place, value: Any) -> Edited | None:
    """`value` in the place of another. The line of its key is touched as well."""
    edited = _edit(text, [(place.at, _spaced(place, written(value)))], lambda tree: _put(tree, place.path, value))
    if edited is None or place.key is None:
        return edited
    return Edited(edited.text, edited.lines | {text.line_of(place.key[0])})


def rename_key(text: Text, place: Place, name: str) -> Edited | None:
    """Another key for the same value; None where the mapping has that key already."""
    assert place.key is not None
    assert place.parent is not None
    if name in place.parent.value or name == place.name:
        return None
    return _edit(text, [(place.key, written(name))], lambda tree: _rename(tree, place.path, name))


def swap(text: Text, one: Place, other: Place) -> Edited | None:
    """The values of two places, neither in the other, exchanged."""
    if one.value == other.value:
        return None
    changes = [(one.at, _spaced(one, written(other.value))), (other.at, _spaced(other, written(one.value)))]

    def exchanged(tree: Any) -> None:
        _put(tree, one.path, copy.deepcopy(other.value))
        _put(tree, other.path, copy.deepcopy(one.value))

    return _edit(text, changes, exchanged)


def swap_keys(text: Text, one: Place, other: Place) -> Edited | None:
    """The keys of two places, neither in the other, exchanged: each value keeps its place."""
    assert one.key is not None
    assert other.key is not None
    if one.name == other.name:
        return None

    def exchanged(tree: Any) -> None:
        _rename(tree, one.path, "\0")
        _rename(tree, other.path, str(one.name))
        _rename(tree, (*one.path[:-1], "\0"), str(other.name))

    return _edit(text, [(one.key, written(str(other.name))), (other.key, written(str(one.name)))], exchanged)


def drop(text: Text, place: Place) -> Edited | None:
    """The place taken out of the mapping or list that holds it."""
    parent = place.parent
    assert parent is not None
    if len(parent.children) == 1:
        change = (parent.at, "{}" if isinstance(parent.value, dict) else "[]")
    else:
        change = (_stretch_of_item(text, place), "")
    edited = _edit(text, [change], lambda tree: _take_out(tree, place.path))
    if edited is None:
        return None
    holder = {text.line_of(parent.at[0])} | ({text.line_of(parent.key[0])} if parent.key is not None else set())
    gone = frozenset(str(each.name) for each in (place, *place.walk()) if _defines(each))
    return Edited(edited.text, edited.lines | frozenset(holder), gone)


def _defines(place: Place) -> bool:
    """Whether a key is a name that other parts of the spec may write."""
    return place.parent is not None and bool(place.parent.path) and place.parent.name in DEFINING


def _stretch_of_item(text: Text, place: Place) -> tuple[int, int]:
    """The characters to take out, so that the other items stand as they stood."""
    assert place.parent is not None
    items = place.parent.children
    number = items.index(place)
    if text.is_flow(place.parent):
        if number + 1 < len(items):
            return _begin(text, place), _begin(text, items[number + 1])
        return items[number - 1].at[1], place.at[1]
    if number + 1 < len(items):
        return _begin(text, place), _begin(text, items[number + 1])
    start = text.text.rfind("\n", 0, _begin(text, place)) + 1
    end = text.text.find("\n", place.at[1])
    return start, len(text.text) if end < 0 else end + 1


def _begin(text: Text, item: Place) -> int:
    """Where an item begins: its key, or the dash before it."""
    assert item.parent is not None
    if item.key is not None:
        return item.key[0]
    return item.at[0] if text.is_flow(item.parent) else text.text.rindex("-", 0, item.at[0])


def _spaced(place: Place, value: str) -> str:
    """An empty value stands right after its colon or dash."""
    return value if place.at[1] > place.at[0] else f" {value}"


def _edit(text: Text, changes: list[tuple[tuple[int, int], str]], change: Callable[[Any], None]) -> Edited | None:
    """The text with each stretch replaced; None unless it then holds the tree that `change` makes of the old one."""
    result, touched, shift = text.text, set[int](), 0
    ordered = sorted(changes)
    for (start, end), value in reversed(ordered):
        result = result[:start] + value + result[end:]
    for (start, end), value in ordered:
        first = start + shift
        before = result[: first + len(value)]
        touched |= set(range(result.count("\n", 0, first) + 1, before.count("\n") + 2))
        shift += len(value) - (end - start)
    expected = copy.deepcopy(text.root.value)
    change(expected)
    try:
        found = plain(read_tree(result))
    except SpecError:
        return None
    return Edited(result, frozenset(touched)) if repr_sorted(found) == repr_sorted(expected) else None


def repr_sorted(value: Any) -> str:
    """The value as text, in which types and not only values count, and the order of keys does not."""
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{key!r}:{repr_sorted(item)}" for key, item in value.items())) + "}"
    return f"[{','.join(map(repr_sorted, value))}]" if isinstance(value, list) else repr(value)


def _holder(tree: Any, path: Path) -> Any:
    for step in path[:-1]:
        tree = tree[step]
    return tree


def _put(tree: Any, path: Path, value: Any) -> None:
    _holder(tree, path)[path[-1]] = value


def _rename(tree: Any, path: Path, name: str) -> None:
    holder = _holder(tree, path)
    holder[name] = holder.pop(path[-1])


def _take_out(tree: Any, path: Path) -> None:
    del _holder(tree, path)[path[-1]]
