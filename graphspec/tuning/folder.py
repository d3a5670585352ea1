"""The folder of one study: what lies in it, and how its spec is put there.

study.json     name, spec and its hash, monitor, direction, when it was begun, what became of it
study.db       the study itself, as optuna keeps it in SQLite
spec.yaml      the spec as it was given, overrides applied, data paths relative to this folder
trials/0000/   the run of each trial
trials.csv     a row a trial
best.yaml      the spec with the values of the best trial
included/      copies of the files that the spec includes
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphspec import run_directory
from graphspec.diagnostics import Report
from graphspec.language.document import read, read_source
from graphspec.language.document.tree import plain
from graphspec.language.schema.desugar import desugar
from graphspec.run_directory import empty_folder, new_folder, newest_with
from graphspec.run_directory.destination import check_destination
from graphspec.run_directory.folders import NEW_FOLDER, check_empty, longest_inside
from graphspec.run_paths import HELD, INCLUDED
from graphspec.spec import Spec, load
from graphspec.tuning.edit_spec import rewritten

STUDIES = Path("studies")
RECORD, DATABASE, TABLE, TRIALS = "study.json", "study.db", "trials.csv", "trials"
SPEC, BEST = "spec.yaml", "best.yaml"

KEPT = (RECORD, DATABASE, TABLE, TRIALS, SPEC, BEST, run_directory.LOG, INCLUDED, HELD)
"""What lies in the folder of a study, none of it a link."""

_INSIDE = len(f"{TRIALS}/0000/")


def check_place(spec: Spec, folder: Path | None) -> None:
    """Raise SpecError where `create` could not make a folder, before what takes long. Makes nothing."""
    inside = longest_inside(spec) + _INSIDE
    if folder is None:
        check_destination(STUDIES / spec.name / NEW_FOLDER, inside=inside)
    else:
        check_empty(folder, "study", _HELP, inside)


_HELP = "give another --study-dir, or go on with the study by --resume"


def create(name: str, folder: Path | None) -> Path:
    """An empty folder for a study: `folder`, or a new one below `studies/<name>`. Raises SpecError where it is none."""
    if folder is None:
        return new_folder(STUDIES / name)
    return empty_folder(folder, "study", _HELP)


def newest(path: Path) -> Path:
    """The study at `path`, or the newest below that folder. Raises SpecError where there is none."""
    help = "`graphspec tune` prints where its study lies; a folder of studies stands for the newest in it"
    return newest_with(path, RECORD, "study", help)


def write_spec(study: Path, spec: Spec) -> None:
    """Write the spec as it was given, which finds its files from `study`: its text, changed where it must be."""
    run_directory.write_spec(study, spec)
    moved = _document(study / SPEC)
    given = spec.tree.span.source
    wanted = _with_expressions(moved, plain(spec.tree))
    run_directory.write_text(study / SPEC, rewritten(given, wanted))


def with_overrides(study: Path, overrides: list[str], file: str) -> Spec:
    """The spec of the study with `overrides` written into it, as `file`; as it was read from there."""
    spec = load(study / SPEC, overrides)
    run_directory.write_text(study / file, rewritten(read_source(study / SPEC), plain(spec.tree)))
    return load(study / file)


def _document(path: Path) -> dict[str, Any]:
    tree = read(path, Report())
    desugar(tree)
    found: dict[str, Any] = plain(tree)
    return found


_PATHS = ("file", "files")


def _with_expressions(moved: Any, given: Any, key: str = "") -> Any:
    """`moved`, with the expressions that stand in `given`: values that are searched for may decide them.

    The paths of files are those of `moved`, whose expressions are resolved.
    """
    if isinstance(given, str) and "${" in given and key not in _PATHS:
        return given
    if isinstance(moved, dict) and isinstance(given, dict):
        return {name: _with_expressions(each, given.get(name), name) for name, each in moved.items()}
    if isinstance(moved, list) and isinstance(given, list) and len(moved) == len(given):
        return [_with_expressions(each, other, key) for each, other in zip(moved, given, strict=True)]
    return moved
