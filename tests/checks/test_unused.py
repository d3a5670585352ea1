"""Inputs that reach no output, which some versions of Keras build and others do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import graphspec

Write = Callable[..., Path]

SPEC = """
graphspec: 1
inputs: {x: [8], z: [3]}
graph: {idle: {from: z, apply: {Dense: 2}}}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
"""


@pytest.mark.parametrize(
    ("keras", "codes"),
    [("3.9", {"GS305"}), ("3.10", {"GS220", "GS305"}), ("3.13", {"GS220", "GS305"}), ("3.14", {"GS305"})],
)
def test_unused_input_is_an_error_where_keras_builds_no_such_model(write: Write, keras: str, codes: set[str]) -> None:
    """Keras 3.10 to 3.13 raise for it, even if an unused node takes it; for the others it is a warning."""
    found = graphspec.validate(write(SPEC), keras=keras)
    assert {each.rule.code for each in found} == codes
    assert [each.rule.code for each in found.errors] == sorted(codes - {"GS305"})


def test_node_that_only_a_loss_needs_is_used(write: Write) -> None:
    """A loss of the graph needs its input as an output does."""
    text = SPEC + "losses: {small: {from: idle, apply: {ops.mean: {axis: -1}}}}\n"
    assert list(graphspec.validate(write(text), keras="3.12")) == []
