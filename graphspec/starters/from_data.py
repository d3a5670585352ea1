"""A table and its targets → a folder with a first spec."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import UNKNOWN_COLUMN
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.files import write_whole
from graphspec.spec import inspect
from graphspec.starters.columns import Feature, feature_of
from graphspec.starters.folder import check_free, new_folder
from graphspec.starters.prepared import plan_of
from graphspec.starters.scan import ColumnScan, scan
from graphspec.starters.table import open_table, unreadable
from graphspec.starters.table_spec import spec_text
from graphspec.starters.targets import target_of

SPEC = "spec.yaml"
DATA = "data.csv"
_MIN_ROWS = 10
_OF_GLOBS = "*?["
"""A spec takes a path with these for a pattern, so that such a table is copied."""


@dataclass(frozen=True, slots=True)
class Started:
    """A spec with its files. names: those of the files. rows: the number that the spec reads. notes: remarks."""

    names: list[str]
    rows: int
    notes: list[str]


def start_from_data(folder: Path, path: Path, targets: list[str]) -> Started:
    """Write a spec that predicts columns of a table from all others.

    Args:
        folder: The folder to write to.
        path: The table.
        targets: The names of the columns to predict.

    Raises:
        SpecError: The table cannot be used, or the folder not be written to; nothing is written.
    """
    check_free(folder, [SPEC])
    table = open_table(path)
    for name in targets:
        if name not in table.names:
            help = did_you_mean(name, table.names, f"its columns are {one_of(table.names)}")
            raise SpecError.of(UNKNOWN_COLUMN, f"{path} has no column `{name}`", help=help)
    columns = scan(table, targets)
    rows = columns[0].rows
    if rows < _MIN_ROWS:
        found = f"it has {rows} row{'' if rows == 1 else 's'}" if rows else "it has no rows"
        raise unreadable(path, found, f"a model needs many rows; at least {_MIN_ROWS} to be tried at all")
    wanted = [target_of(table, each) for name in targets for each in columns if each.name == name]
    features, left_out = _features([each for each in columns if each.name not in targets])
    if len(left_out) == len(features):
        reasons = "; ".join(f"`{each.name}`: {each.reason}" for each in left_out[:5])
        raise unreadable(path, "it has no column to predict from", reasons or "add columns beside the target")
    plan = plan_of(table, features, wanted)
    kept = min(each.column.present for each in wanted)
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", path.stem).strip("_-")[:80] or "table"
    name = name if name[0].isalpha() else f"table_{name}"
    table_path = Path(os.path.realpath(path.parent), path.name)
    here = Path(
        os.path.relpath(table_path, os.path.realpath(folder))
    ).as_posix()  # `..` of a link is that of its target
    copies = plan.is_needed() or any(sign in here for sign in _OF_GLOBS)
    names = [SPEC, DATA] if copies else [SPEC]
    with new_folder(folder, names) as part:
        if copies:
            write_whole(part / DATA, plan.blocks())
        text = spec_text(name, DATA if copies else here, plan, left_out, rows=kept)
        write_whole(part / SPEC, text.encode())
        if copies:
            _check(part / SPEC)
    return Started(names, kept, [f"`{each.name}` is left out: {each.reason}" for each in left_out] + plan.changes)


def _features(columns: list[ColumnScan]) -> tuple[list[Feature], list[Feature]]:
    """Return what a model takes of columns, and those of them that it takes nothing of."""
    features = [feature_of(each) for each in columns]
    if all(each.role == "none" for each in features):
        features = [feature_of(each, is_alone=True) for each in columns]
    return features, [each for each in features if each.role == "none"]


def _check(path: Path) -> None:
    """Raise SpecError where the spec that was written cannot be used."""
    _, report = inspect(path, data=True)
    report.raise_if_errors()
