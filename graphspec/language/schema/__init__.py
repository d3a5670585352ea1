"""Tree → `SpecModel`: the fixed keys of the language, each with its type (pydantic, strict, no unknown keys).

What is open — the arguments of layers, losses and the like — stays as it stands in the tree and is read by `lower`
against the catalogue. Every part keeps the mapping it was read from, so any later finding has its place.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from graphspec.diagnostics import Report
from graphspec.language.document.tree import Mapping
from graphspec.language.schema.model import (
    BlockBody,
    BlockModel,
    Body,
    CheckpointModel,
    DataModel,
    InputModel,
    LibraryModel,
    NodeModel,
    OutputModel,
    RangeModel,
    SearchModel,
    SourceModel,
    SpecModel,
    SplitModel,
    TrainingModel,
    ValidationModel,
)
from graphspec.language.schema.part import Part
from graphspec.language.schema.problems import explain
from graphspec.language.schema.repair import repair

__all__ = [
    "BlockBody",
    "BlockModel",
    "Body",
    "CheckpointModel",
    "DataModel",
    "InputModel",
    "LibraryModel",
    "NodeModel",
    "OutputModel",
    "RangeModel",
    "SearchModel",
    "SourceModel",
    "SpecModel",
    "SplitModel",
    "TrainingModel",
    "ValidationModel",
    "parse",
    "parse_part",
]

P = TypeVar("P", bound=Part)


def parse(tree: Mapping, report: Report) -> SpecModel | None:
    """The spec that `tree` holds. Where it does not fit the schema, findings go to `report`.

    Such a tree is repaired as far as later stages can still look for their own mistakes in it; None where it cannot be.
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
    """The part of class `kind` that `tree` holds; None, with findings in `report`, where it does not fit."""
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        report.extend(explain(tree, error))
        return None
