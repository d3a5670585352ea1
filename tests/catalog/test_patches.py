"""Differences of JSON objects: what is written is what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphspec.catalog.patches import apply, difference

SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-1, 1) | st.sampled_from(["", "a", "é"])
KEYS = st.sampled_from(["", "a", "b", "c", "new", "gone", "inside"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=6)


@settings(max_examples=400)
@given(OBJECTS, OBJECTS)
def test_a_patch_makes_the_one_object_of_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    """To the order of keys, `null`, and whether a number is whole; what it is applied to stays as it is."""
    before = json.dumps(old)
    patch = json.loads(json.dumps(difference(old, new)))
    assert json.dumps(apply(patch, old)) == json.dumps(new)
    assert json.dumps(old) == before
    assert (patch == {}) == (json.dumps(old) == json.dumps(new))


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({"a": None}, {}, {"gone": ["a"]}),
        ({}, {"a": None}, {"new": {"a": [[], None]}}),
        ({"a": 1}, {"a": None}, {"changed": {"a": None}}),
        ({"a": 1}, {"a": True}, {"changed": {"a": True}}),
        ({"a": 1, "c": 2}, {"a": 1, "b": 3, "c": 2}, {"new": {"b": ["a", 3]}}),
        ({"a": {"b": 1, "c": [1]}}, {"a": {"b": 1, "c": [2]}}, {"inside": {"a": {"changed": {"c": [2]}}}}),
    ],
)
def test_a_patch_holds_no_more_than_what_differs(
    old: dict[str, Any], new: dict[str, Any], patch: dict[str, Any]
) -> None:
    """A key that stays is not repeated."""
    assert difference(old, new) == patch
