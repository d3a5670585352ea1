"""Validate a tree to a `SpecModel`: the fixed keys of the language and their types.

Open parts, such as the arguments of layers and losses, stay in the tree, and `lower` checks them against the catalogue.
Every part keeps its mapping, so that later diagnostics have their places.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from graphspec.diagnostics import Report
from graphspec.language.document.tree import Mapping
from graphspec.language.schema.model import SpecModel
from graphspec.language.schema.part import Part
from graphspec.language.schema.problems import explain
from graphspec.language.schema.repair import repair
from graphspec.language.schema.training import CheckpointModel, StageModel, TrainingModel

__all__ = ["CheckpointModel", "SpecModel", "StageModel", "TrainingModel", "parse", "parse_part"]

P = TypeVar("P", bound=Part)


def parse(tree: Mapping, report: Report) -> SpecModel | None:
    """Return the spec in `tree`, repaired so that later stages can check it too.

    Args:
        tree: The expanded spec; a repair changes it in place.
        report: Receives the diagnostics.

    Returns:
        The spec; None where it cannot be repaired.
    """
    try:
        return SpecModel.model_validate(tree)
    except ValidationError as error:
        report.extend(explain(tree, error))
        if not repair(tree, error, report):
            return None
    try:
        return SpecModel.model_validate(tree)
    except ValidationError:
        return None


def parse_part(kind: type[P], tree: Mapping, report: Report) -> P | None:
    """Return the part of class `kind` in `tree`, None after diagnostics."""
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        report.extend(explain(tree, error))
        return None
