"""Inputs that nothing takes, which some versions of Keras build and others do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import graphspec

Write = Callable[..., Path]

SPEC = """
graphspec: 1
inputs: {x: [8], z: [3]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
"""


@pytest.mark.parametrize(
    ("keras", "code"),
    [("3.9", "GS305"), ("3.10", "GS220"), ("3.13", "GS220"), ("3.14", "GS305")],
)
def test_unused_input_is_an_error_where_keras_builds_no_such_model(write: Write, keras: str, code: str) -> None:
    """Keras 3.10 to 3.13 raise for it; for the others it is a warning."""
    found = graphspec.validate(write(SPEC), keras=keras)
    assert [each.rule.code for each in found] == [code]
    assert bool(found.errors) == (code == "GS220")


def test_input_that_an_unused_node_takes_is_built(write: Write) -> None:
    """Keras 3.12 builds the model, and the finding names the node."""
    found = list(graphspec.validate(write(SPEC + "graph: {idle: {from: z, apply: {Dense: 2}}}\n"), keras="3.12"))
    assert [(each.rule.code, "`idle`" in each.message) for each in found] == [("GS305", True)]
