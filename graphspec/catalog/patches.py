"""Differences between two JSON objects, which keep the order of keys and tell `null` from a key that is not there.

    {"gone": ["theta"], "new": {"axis": ["units", null]}, "changed": {"doc": "..."}, "inside": {"call": {...}}}

`new` holds each key with the key before it, `[]` for none, and its value. `changed` holds values that replace others,
`inside` the differences of objects in the object. Lists are replaced whole.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

Json = dict[str, Any]


def difference(old: Json, new: Json) -> Json:
    """Return the patch that makes `new` of `old`; empty where they are the same."""
    kept = _in_order(list(old), list(new))
    patch: Json = {"gone": [key for key in old if key not in kept], "new": {}, "changed": {}, "inside": {}}
    before: str | list[str] = []
    for key, value in new.items():
        if key not in kept:
            patch["new"][key] = [before, value]
        elif isinstance(value, dict) and isinstance(old[key], dict):
            if inner := difference(old[key], value):
                patch["inside"][key] = inner
        elif repr(value) != repr(old[key]):  # to Python, `1`, `1.0` and `true` are equal
            patch["changed"][key] = value
        before = key
    return {part: content for part, content in patch.items() if content}


def apply(patch: Json, old: Json) -> Json:
    """Return the object that a patch makes of `old`, which stays as it is; they share what is the same in both."""
    keys, values = [key for key in old if key not in patch.get("gone", ())], old | patch.get("changed", {})
    for key, inner in patch.get("inside", {}).items():
        values[key] = apply(inner, old[key])
    for key, (before, value) in patch.get("new", {}).items():
        keys.insert(keys.index(before) + 1 if before != [] else 0, key)
        values[key] = value
    return {key: values[key] for key in keys}


def _in_order(old: list[str], new: list[str]) -> set[str]:
    """Return keys of both lists that are in the same order in both, if not always as many as there are."""
    ours, theirs = {*old}, {*new}
    if [key for key in old if key in theirs] == [key for key in new if key in ours]:
        return ours & theirs
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return {key for block in blocks for key in old[block.a : block.a + block.size]}
