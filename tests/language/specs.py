"""Specs of the tests: their graphs, their layers, and the codes of their diagnostics."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.language.graph import Graph

if TYPE_CHECKING:
    import keras

Write = Callable[..., Path]


def codes(path: Path) -> list[str]:
    """Return the rule codes that `validate` finds in a spec."""
    return [each.rule.code for each in graphspec.validate(path)]


def layer_names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers]


def lower(write: Write, text: str) -> Graph:
    """Return the graph of a spec whose version line is left out."""
    return graphspec.load(write("graphspec: 1\n" + textwrap.dedent(text))).graph


def refused_codes(write: Write, text: str) -> list[str]:
    """Return the codes of all diagnostics of a wrong spec whose version line is left out."""
    with pytest.raises(SpecError) as refused:
        lower(write, text)
    return [each.rule.code for each in refused.value.report]
