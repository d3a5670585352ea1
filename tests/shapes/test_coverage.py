"""Every layer that a spec can apply has a shape rule."""

from __future__ import annotations

from graphspec import catalog
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED
from graphspec.shapes.call import SHAPE_RULES

UNKNOWN_OUTPUT: dict[str, str] = {
    "StackedRNNCells": "`RNN` holds stacked cells; by themselves Keras traces them",
}
"""Layers without a rule, each with the reason: their output is unknown."""


def test_every_layer_has_a_rule() -> None:
    """Every layer has a rule, a reason why specs cannot use it, or a reason why its output is unknown."""
    known = {name for name in SHAPE_RULES if not name.startswith("ops.")}
    expected = set(catalog.names("layers")) - set(CODE_CARRYING) - set(NOT_APPLIED)
    assert known | set(UNKNOWN_OUTPUT) == expected
