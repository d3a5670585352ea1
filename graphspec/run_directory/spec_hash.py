"""The hash of the resolved spec of a run or a study: recorded when it is begun, and compared when it is read again.

`lock.json` (of a study `study.json`) holds it beside the values that it is of, so that a difference can be shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphspec.diagnostics import Report, Span, SpecError
from graphspec.diagnostics.rules import CHANGED_SPEC
from graphspec.language.document.tree import Mapping, descend
from graphspec.run_directory.spec_values import FORM, Values, of_training, sha256_of
from graphspec.run_paths import SPEC

KEY = "resolved"
"""Under which a lock or the record of a study holds the hash."""

_MOST_SHOWN = 20
_LONGEST = 60
_NOTHING = object()


@dataclass(frozen=True)
class Change:
    """One value of a spec that is not what it was; `unset` stands for one that the spec does not have."""

    path: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.path}: {self.was} → {self.now}"


def recorded(values: Values) -> dict[str, Any]:
    """Return what a lock holds of the spec with these values."""
    return {"form": FORM, "sha256": sha256_of(values), "values": values}


def is_comparable(lock: dict[str, Any]) -> bool:
    """Return whether `lock` holds the hash of a spec, and in the form of this version."""
    known = lock.get(KEY)
    return known is not None and known["form"] == FORM


def changes(lock: dict[str, Any], values: Values, unstated: set[str], *, whole: bool) -> list[Change]:
    """Return in what `values` differ from those that the run or study of `lock` was begun with.

    `lock` must be comparable. unstated: the paths that hold defaults; such a one that was not recorded is new in this
    version. whole: also what no training depends on.
    """
    known = lock[KEY]
    if sha256_of(values) in (known["sha256"], known.get("next")):
        return []
    was: Values = known["values"]
    if sha256_of(was) != known["sha256"]:
        return [Change("the spec", f"SHA-256 {known['sha256'][:12]}", f"{sha256_of(values)[:12]}")]
    if not whole:
        was, values = of_training(was), of_training(values)
    paths = [path for path in {**was, **values} if _text(was, path) != _text(values, path)]
    return [
        Change(path, _short(was, path), _short(values, path))
        for path in paths
        if not (path not in was and path in unstated)
    ]


def refusal(folder: Path, found: list[Change], tree: Mapping, help: str) -> SpecError:
    """Return the findings that the spec in `folder`, read as `tree`, is not what it was: one for each change."""
    report = Report()
    for each in found[:_MOST_SHOWN]:
        report.add(
            CHANGED_SPEC,
            f"{folder / SPEC} was changed since it was begun: {each}",
            _place(each.path, tree),
            expected=each.was,
            help=help,
        )
    if len(found) > _MOST_SHOWN:
        report.add(CHANGED_SPEC, f"and {len(found) - _MOST_SHOWN} more values of {folder / SPEC} differ", help=help)
    return SpecError(report)


def _place(path: str, tree: Mapping) -> Span | None:
    """Return where `path` stands in the spec, as deep as it goes; None for what does not stand in it at all."""
    keys = path.replace("[", ".[").split(".")
    steps = tuple(int(key[1:-1]) if key.startswith("[") and key[1:-1].isdigit() else key for key in keys)
    _, _, span = descend(tree, steps)
    return span if span != tree.span else None


def _text(values: Values, path: str) -> str | None:
    return json.dumps(values[path], sort_keys=True) if path in values else None


def _short(values: Values, path: str) -> str:
    value = values.get(path, _NOTHING)
    if value is _NOTHING:
        return "unset"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
