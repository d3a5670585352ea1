"""The folder of a study: its files, and the writing of its specs.

study.json     name, spec and its hash, monitor, direction, start, status
study.db       the study in optuna's SQLite storage; study.journal: in a journal; neither if it is kept elsewhere
spec.yaml      the spec with overrides applied, data paths relative to this folder
trials/0000/   the run of each trial
trials.csv     a row a trial
best.yaml      the spec with the values of the best trial
included/      copies of the files that the spec includes
workers/       a file for each process that works on the study, locked while it runs
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
from graphspec.run_paths import HELD, INCLUDED, STUDY, UNFINISHED
from graphspec.spec import Spec, load
from graphspec.tuning.edit_spec import edit_spec

STUDIES = Path("studies")
RECORD, DATABASE, TABLE, TRIALS = STUDY, "study.db", "trials.csv", "trials"
SPEC, BEST, JOURNAL, WORKERS = "spec.yaml", "best.yaml", "study.journal", "workers"

KEPT = (RECORD, DATABASE, JOURNAL, TABLE, TRIALS, SPEC, BEST, WORKERS, run_directory.LOG, INCLUDED, HELD)
"""The entries of the folder of a study, none of them a link."""

_INSIDE = len(f"{TRIALS}/0000/")


def check_study_dir(spec: Spec, folder: Path | None) -> None:
    """Raise SpecError if `create` cannot make a folder, before long work. Creates nothing."""
    inside = longest_inside(spec) + _INSIDE
    if folder is None:
        check_destination(STUDIES / spec.name / NEW_FOLDER, inside=inside)
    else:
        check_empty(folder, "study", _HELP, inside)


_HELP = "choose another --study-dir, or resume the study with --resume"


def create(name: str, folder: Path | None) -> Path:
    """Create the folder of a study: `folder`, or a new one below `studies/<name>`.

    Raises SpecError if `folder` is not empty or cannot be written.
    """
    if folder is None:
        return new_folder(STUDIES / name)
    return empty_folder(folder, "study", _HELP)


def newest(path: Path) -> Path:
    """Return the study at `path`, or the newest below it. Raises SpecError if there is none."""
    help = "`graphspec tune` prints the path of its study; a folder of studies means its newest"
    return newest_with(path, RECORD, "study", help)


def runs_in(trials: Path) -> list[str]:
    """Return the names of the runs in the folder of trials."""
    names = [each.name for each in trials.iterdir()] if trials.is_dir() else []
    return [name for name in names if not name.startswith(UNFINISHED)]


def write_spec(study: Path, spec: Spec) -> None:
    """Write the original text of the spec, with the paths of its files relative to `study`."""
    run_directory.write_spec(study, spec)
    new = _with_expressions(_read_tree(study / SPEC), plain(spec.tree))
    run_directory.write_text(study / SPEC, edit_spec(spec.tree.span.source, new))


def write_with_overrides(study: Path, overrides: list[str], file: str) -> Spec:
    """Write the spec of the study with `overrides` applied.

    Args:
        study: Folder of the study.
        overrides: Each `path=value`.
        file: Name of the file to write.

    Returns:
        The spec, loaded from `file`.
    """
    spec = load(study / SPEC, overrides)
    run_directory.write_text(study / file, edit_spec(read_source(study / SPEC), plain(spec.tree)))
    return load(study / file)


def _read_tree(path: Path) -> dict[str, Any]:
    tree = read(path, Report())
    desugar(tree)
    values: dict[str, Any] = plain(tree)
    return values


_PATHS = ("file", "files")


def _with_expressions(resolved: Any, original: Any, key: str = "") -> Any:
    """Return `resolved` with the expressions of `original`, which may depend on parameters; paths stay resolved."""
    if isinstance(original, str) and "${" in original and key not in _PATHS:
        return original
    if isinstance(resolved, dict) and isinstance(original, dict):
        return {name: _with_expressions(each, original.get(name), name) for name, each in resolved.items()}
    if isinstance(resolved, list) and isinstance(original, list) and len(resolved) == len(original):
        return [_with_expressions(each, other, key) for each, other in zip(resolved, original, strict=True)]
    return resolved
