"""The agreement of all workers on what a study is: the spec, the metric and the data that its first worker had.

It is kept with the leases, in the order of optuna, so that of two workers that begin a study at once one is the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import optuna

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import OTHER_STUDY
from graphspec.run_directory.spec_values import FORM, sha256_of, study_values_of
from graphspec.spec import Spec
from graphspec.tuning.storage import Storage, storage_errors

_KEY = "study"
_PLACE = re.compile(r"(?:^|\.)(?:plugins\.[^.]+|files?(?:\[\d+\])?|weights)$")
"""Paths of values that name a file, which may lie elsewhere on each machine."""


def terms_of(spec: Spec, monitor: str, direction: str, samples: Mapping[str, int]) -> dict[str, str]:
    """Return what workers must agree on, in short texts by their names.

    Args:
        spec: The spec as its user wrote it.
        monitor: The metric that trials are compared by.
        direction: Its direction.
        samples: The number of samples by split.
    """
    sections: dict[str, dict[str, Any]] = {}
    for path, value in study_values_of(spec).items():
        if not _PLACE.search(path):
            sections.setdefault(re.split(r"[.\[]", path)[0], {})[path] = value
    hashes = {f"`{name}`": f"{FORM}:{sha256_of(values)[:32]}" for name, values in sorted(sections.items())}
    counts = {f"the number of {name} samples": str(count) for name, count in samples.items()}
    return {**hashes, **counts, "the monitored metric": f"{monitor} ({direction})"}


def agree(leases: optuna.Study, trials: optuna.Study, storage: Storage, terms: Mapping[str, str]) -> None:
    """Record the terms of a new study, or hold them against those that are recorded.

    Args:
        leases: The study with the leases.
        trials: The study with the trials.
        storage: The storage of both.
        terms: See `terms_of`.

    Raises:
        SpecError: The storage holds another study of that name.
    """
    with storage_errors(storage):
        first = _first(leases)
        is_foreign = first is None and len(trials.get_trials(deepcopy=False)) > 0
        if first is None and not is_foreign:
            row = optuna.trial.create_trial(value=0.0, user_attrs={_KEY: dict(terms)})
            leases.add_trial(row)
            first = _first(leases)
    if is_foreign or not isinstance(first, dict):
        raise _other(trials.study_name, storage, "which graphspec did not begin")
    differing = [name for name in {**first, **terms} if first.get(name) != terms.get(name)]
    if differing:
        pairs = [_difference(name, first.get(name), terms.get(name)) for name in differing]
        raise _other(trials.study_name, storage, f"which differs from this one in {', '.join(pairs)}")


def _first(leases: optuna.Study) -> Any:
    rows = leases.get_trials(deepcopy=False)
    return next((each.user_attrs[_KEY] for each in rows if _KEY in each.user_attrs), None)


def _difference(name: str, was: Any, now: Any) -> str:
    return name if name.startswith("`") else f"{name} ({was if was is not None else 'none'}, here {now or 'none'})"


def _other(name: str, storage: Storage, how: str) -> SpecError:
    return SpecError.of(
        OTHER_STUDY,
        f"{storage} holds a study `{name}` already, {how}",
        expected="a new name, or the study of this spec",
        help="choose another --study-name, or tune the same spec with the same data on all machines",
    )
