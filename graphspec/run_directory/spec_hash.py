"""The hash of the resolved spec of a run or a study, recorded and compared.

`lock.json` (of a study `study.json`) holds it with the hashed values, so that differences can be printed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphspec.diagnostics import Report, Span, SpecError
from graphspec.diagnostics.rules import CHANGED_SPEC
from graphspec.diagnostics.suggest import cut
from graphspec.language.document.tree import Mapping, descend
from graphspec.run_directory.spec_values import FORM, Values, of_training, sha256_of
from graphspec.run_paths import SPEC

KEY = "resolved"
"""The key of the hash in a lock or in the record of a study."""

_MAX_SHOWN = 20
_UNSET = object()


@dataclass(frozen=True)
class SpecChange:
    """A changed value of a spec; a missing value is `unset`."""

    path: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.path}: {self.was} → {self.now}"


def spec_record(values: Values) -> dict[str, Any]:
    """Return the entry of a lock for the spec with these values."""
    return {"form": FORM, "sha256": sha256_of(values), "values": values}


def is_comparable(lock: dict[str, Any]) -> bool:
    """Return whether `lock` holds the hash of a spec in the form of this version."""
    known = lock.get(KEY)
    return known is not None and known["form"] == FORM


def incomparable_warning(folder: Path) -> str:
    """Return the warning that edits of the spec of a run or study cannot be detected."""
    return (
        f"{folder} was started by another version of graphspec, whose hash of the spec cannot be compared: "
        "changes of the spec since then are not detected"
    )


def changes(lock: dict[str, Any], values: Values, default_paths: set[str], *, whole: bool) -> list[SpecChange]:
    """Return the differences between `values` and those that `lock` holds.

    Args:
        lock: The lock or the record of a study, which `is_comparable`.
        values: The values of the spec now.
        default_paths: The paths of defaults; one that was not recorded is new in this version, and no change.
        whole: Whether values that no training depends on are compared too.
    """
    known = lock[KEY]
    if sha256_of(values) in (known["sha256"], known.get("next")):
        return []
    was: Values = known["values"]
    if sha256_of(was) != known["sha256"]:
        return [SpecChange("the spec", f"SHA-256 {known['sha256'][:12]}", f"{sha256_of(values)[:12]}")]
    if not whole:
        was, values = of_training(was), of_training(values)
    paths = [path for path in {**was, **values} if _text(was, path) != _text(values, path)]
    return [
        SpecChange(path, _short(was, path), _short(values, path))
        for path in paths
        if not (path not in was and path in default_paths)
    ]


def refusal(folder: Path, differences: list[SpecChange], tree: Mapping, help: str) -> SpecError:
    """Return the error for changes of the spec of a run or study.

    Args:
        folder: The run or study.
        differences: The changes; each becomes a diagnostic.
        tree: The parsed spec, for the spans of the changes.
        help: The hint of each diagnostic.
    """
    report = Report()
    for each in differences[:_MAX_SHOWN]:
        report.add(
            CHANGED_SPEC,
            f"{folder / SPEC} has changed since it was recorded: {each}",
            _place(each.path, tree),
            expected=each.was,
            help=help,
        )
    if len(differences) > _MAX_SHOWN:
        report.add(
            CHANGED_SPEC, f"and {len(differences) - _MAX_SHOWN} more values of {folder / SPEC} differ", help=help
        )
    return SpecError(report)


def _place(path: str, tree: Mapping) -> Span | None:
    """Return the span of `path`, or of its deepest existing part, or None."""
    keys = path.replace("[", ".[").split(".")
    steps = tuple(int(key[1:-1]) if key.startswith("[") and key[1:-1].isdigit() else key for key in keys)
    _, _, span = descend(tree, steps)
    return span if span != tree.span else None


def _text(values: Values, path: str) -> str | None:
    return json.dumps(values[path], sort_keys=True) if path in values else None


def _short(values: Values, path: str) -> str:
    value = values.get(path, _UNSET)
    if value is _UNSET:
        return "unset"
    return cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
