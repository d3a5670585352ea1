"""Repair a tree that does not fit the schema, for later stages to check.

A repair does not change the meaning of other parts: a misspelled key is renamed, an unknown key removed, a faulty value
of an optional key replaced by its default, and a few missing keys get a placeholder. The places of such values are left
open, so that no later diagnostic covers them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from graphspec.diagnostics import Report, Span
from graphspec.language.document.tree import Mapping, Sequence, descend
from graphspec.language.schema.misplaced import is_meant_as, keys_of
from graphspec.language.schema.problems import Path, class_at, without_union_tag

_NAMES_OTHERS_USE = ("layers", "models", "graph")
_PLACEHOLDERS: dict[str, Any] = {"from": [], "shape": [], "optimizer": "sgd", "epochs": 1}


def repair(tree: Mapping, error: ValidationError, report: Report) -> bool:
    """Repair `tree`, in place, for each error, and return whether all could be repaired."""
    problems = [
        (without_union_tag(tree, problem["loc"]), problem["type"]) for problem in error.errors(include_url=False)
    ]
    unknown = [path for path, kind in problems if kind == "extra_forbidden"]
    for path in unknown:
        _rename(tree, path)
    others = [path for path, kind in problems if kind != "extra_forbidden"]
    if any(path[0] == "data" for path in others if path):
        tree.pop("data", None)
    return all(_leave_out(tree, path, report) for path in others if path[:1] != ("data",))


def _rename(tree: Mapping, path: Path) -> None:
    owner, name = descend(tree, path[:-1])[0], str(path[-1])
    part = class_at(path[:-1])
    if not isinstance(owner, Mapping) or name not in owner:
        return
    keys = [key for key in keys_of(part) if key not in owner and is_meant_as(name, key)] if part is not None else []
    value = owner.pop(name)
    if keys:
        owner.put(keys[0], value, owner.key_spans[name], owner.value_spans[name])


def _leave_out(tree: Mapping, path: Path, report: Report) -> bool:
    owner: Any = descend(tree, path[:-1])[0] if path else None
    part = class_at(path[:-1])
    if isinstance(owner, Sequence) and path[-2:-1] == ("shape",):
        owner[int(path[-1])] = None
        report.leave_open(owner.item_spans[int(path[-1])])
        return True
    if not isinstance(owner, Mapping) or part is None:
        return False
    field = next((field for name, field in part.model_fields.items() if (field.alias or name) == path[-1]), None)
    if path[-1] in _NAMES_OTHERS_USE:
        return False
    if field is None or (field.is_required() and path[-1] in owner):
        return path[-1] in owner  # renaming a misspelled key has added the missing one
    if field.is_required():
        return _add_placeholder(owner, str(path[-1]), descend(tree, path[:-1])[1], report)
    if path[-1] in owner:
        report.leave_open(owner.value_spans[str(path[-1])])
        owner.pop(str(path[-1]))
    return True


def _add_placeholder(owner: Mapping, name: str, span: Span | None, report: Report) -> bool:
    """Add a placeholder for a missing key, at the start of its mapping."""
    if name not in _PLACEHOLDERS or span is None:
        return False
    value, span = _PLACEHOLDERS[name], replace(span, end_line=span.line, end_column=span.column)
    owner.put(name, Sequence(span) if value == [] else value, span, span)
    report.leave_open(span)
    return True
