"""Every layer that a spec can apply has a shape rule."""

from __future__ import annotations

from graphspec import catalog
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED
from graphspec.shapes.call import SHAPE_RULES

LEFT_OPEN: dict[str, str] = {
    "StackedRNNCells": "cells on top of each other are held by `RNN`; by themselves Keras traces them",
}
"""Layers without a rule, each with the reason: what they give is unknown, and nothing is said of it."""


def test_every_layer_has_a_rule() -> None:
    """A rule, a reason why specs cannot use the layer, or a reason why it is left open."""
    known = {name for name in SHAPE_RULES if not name.startswith("ops.")}
    expected = set(catalog.names("layers")) - set(CODE_CARRYING) - set(NOT_APPLIED)
    assert known | set(LEFT_OPEN) == expected
