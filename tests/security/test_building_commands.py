"""Saved models and specs are built, summarised and predicted with, and none of them executes anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from .cases import CASES, SHIPPED
from .cases.case import Case, each
from .cases.models import MODELS
from .sandbox import Sandbox

_BUILT = [
    replace(case, slow=case.slow or (case.refused is True and number % 6 != 0))
    for number, case in enumerate(case for case in CASES if case.builds)
    if case.refused is not True or number % 2 == 0
]
"""Of what `validate` refuses, half is built, and a sixth every day: `summary` begins as `validate` does."""


@each(_BUILT)
def test_summary_of_hostile_case_does_nothing_else(case: Case, place: Path, building: Sandbox) -> None:
    """A hostile spec is summarised or refused; nothing is executed, connected to, written, or read beside it."""
    case.lay_out(place)
    result = building.run(place, ["summary", *case.options, "spec.yaml"], case.limits(place))
    assert result.wrong() == []
    assert not [text for text in case.hides if text in result.output]


@each(MODELS)
def test_hostile_model_is_not_executed(case: Case, place: Path, building: Sandbox) -> None:
    """A saved model is looked through before Keras reads it: it predicts, or is refused by name, and runs no code."""
    case.lay_out(place)
    result = building.run(place, ["predict", "m.keras", "-i", "x=x.npy"], case.limits(place))
    assert result.wrong() == []
    assert not [text for text in ("hunter2", "precious") if text in result.output]


@each(replace(case, slow=number % 8 != 0) for number, case in enumerate(MODELS))
def test_hostile_model_is_asked_of_keras(case: Case, place: Path, building: Sandbox) -> None:
    """`validate --deep` and `evaluate` look it through, too."""
    case.lay_out(place)
    for command in (["validate", "--deep", "spec.yaml"], ["evaluate", "m.keras", "-i", "x=x.npy", "-t", "d=y.npy"]):
        assert building.run(place, command, case.limits(place)).wrong() == []


@pytest.mark.parametrize("name", SHIPPED)
def test_summary_of_shipped_spec_does_nothing_else(name: str, place: Path, building: Sandbox) -> None:
    """A shipped spec is summarised, and nothing is executed, connected to or written."""
    case = Case("plain")
    case.lay_out(place)
    limits = case.limits(place, reads=(str(SHIPPED[name].parent),))
    result = building.run(place, ["summary", str(SHIPPED[name])], limits)
    assert (result.wrong(), result.status) == ([], 0), result.output
