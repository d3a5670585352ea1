"""The agreement of all workers on what a study is: the spec, metric, data and weights that its first worker had.

It is kept with the leases, in the order of optuna, so that of two workers that begin a study at once one is the first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import optuna

from graphspec.datasets.data_files import paths_of, signature, weights_of
from graphspec.datasets.samples import TrainingData
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.formats.outcome import legible
from graphspec.diagnostics.rules import OTHER_STUDY
from graphspec.language.traversal import every_plugin
from graphspec.run_directory.file_hashes import plugin_signatures
from graphspec.run_directory.spec_values import FORM, sha256_of, study_values_of
from graphspec.spec import Spec
from graphspec.tuning.storage import Storage, storage_errors

_KEY = "study"
_DATA_FILE, _OTHER_FILES, _PLUGIN = "the data file ", "other data files", "the plugin "
_WEIGHTS = "the file of weights "
_MAX_FILES = 20
"""The number of data files that have a hash of their own."""
_MAX_SHOWN = 5
_PLACE = re.compile(r"(?:^|\.)(?:plugins\.[^.]+|files?(?:\[\d+\])?|weights)$")
"""Paths of values that name a file, which may lie elsewhere on each machine."""


def terms_of(spec: Spec, monitor: str, direction: str, data: TrainingData) -> dict[str, str]:
    """Return what workers must agree on, in short texts by their names.

    Args:
        spec: The spec as its user wrote it.
        monitor: The metric that trials are compared by.
        direction: Its direction.
        data: The samples.
    """
    sections: dict[str, dict[str, Any]] = {}
    for path, value in study_values_of(spec).items():
        if not _PLACE.search(path):
            sections.setdefault(re.split(r"[.\[]", path)[0], {})[path] = value
    hashes = {f"`{name}`": f"{FORM}:{sha256_of(values)[:32]}" for name, values in sorted(sections.items())}
    plugins = plugin_signatures(every_plugin(spec.graph), spec.path.parent).items()
    return {
        **hashes,
        **{f"{_PLUGIN}`{name}`": digest for name, digest in plugins},
        **data_terms(data),
        **_weight_terms(spec),
        "the monitored metric": f"{monitor} ({direction})",
    }


def data_terms(data: TrainingData) -> dict[str, str]:
    """Return what workers must agree on of the data: the numbers of samples, and the content of each file."""
    counts = {"training": data.train.count, "validation": data.validation.count if data.validation else 0}
    terms = {f"the number of {name} samples": str(count) for name, count in counts.items()}
    others = hashlib.sha256()
    for number, path in enumerate(paths_of(data.sources).values()):  # in the order of the spec, wherever they lie
        name = f"{_DATA_FILE}`{legible(path.name)}`"
        if number < _MAX_FILES and name not in terms:
            terms[name] = signature(path)
        else:
            others.update(f"{name} {signature(path)}".encode())
            terms[_OTHER_FILES] = others.hexdigest()
    return terms


def _weight_terms(spec: Spec) -> dict[str, str]:
    """Return what workers must agree on of the files that weights are taken from, wherever they lie."""
    terms: dict[str, str] = {}
    for path in dict.fromkeys(weights_of(spec).values()):
        name = f"{_WEIGHTS}`{legible(path.name)}`"
        terms[name] = f"{terms[name]} {signature(path)}" if name in terms else signature(path)
    return terms


def check_files(terms: Mapping[str, str], spec: Spec, data: TrainingData) -> None:
    """Raise SpecError if data or files of weights are no longer what a study was begun with.

    Args:
        terms: The terms of the study; those of older versions may say less of the files.
        spec: The spec of the study, in its folder.
        data: The data now.
    """
    now = data_terms(data)
    before = {name: term for name, term in terms.items() if name in now or name.startswith((_DATA_FILE, _OTHER_FILES))}
    if differing := _differences(before, {name: now.get(name) for name in before}):
        raise SpecError.of(
            OTHER_STUDY,
            f"the data is not what the study was begun with: {differing}",
            expected="the same files as on the other workers, and as before",
            help="restore them, or begin a new study: trials on different data cannot be compared",
        )
    before = {name: term for name, term in terms.items() if name.startswith(_WEIGHTS)}
    weights = _weight_terms(spec)
    if differing := _differences(before, {name: weights.get(name) for name in before}):
        raise SpecError.of(
            OTHER_STUDY,
            f"the weights are not those that the study was begun with: {differing}",
            expected="the same files as on the other workers, and as before",
            help="restore them, or begin a new study: trials from different weights cannot be compared",
        )


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
    if differing := _differences(first, terms):
        raise _other(trials.study_name, storage, f"which differs from this one in {differing}")


def _first(leases: optuna.Study) -> Any:
    rows = leases.get_trials(deepcopy=False)
    return next((each.user_attrs[_KEY] for each in rows if _KEY in each.user_attrs), None)


def _differences(first: Mapping[str, Any], terms: Mapping[str, Any]) -> str:
    """Return the names of terms that differ; hashes say nothing to people, other values are added."""
    texts = []
    for name in (name for name in {**first, **terms} if first.get(name) != terms.get(name)):
        was, now = (each.get(name) or "none" for each in (first, terms))
        texts.append(
            name
            if name.startswith(("`", _DATA_FILE, _OTHER_FILES, _PLUGIN, _WEIGHTS))
            else f"{name} ({was}, here {now})"
        )
    shown = [*texts[:_MAX_SHOWN], *([f"{len(texts) - _MAX_SHOWN} more"] if len(texts) > _MAX_SHOWN else [])]
    return ", ".join(shown)


def _other(name: str, storage: Storage, how: str) -> SpecError:
    return SpecError.of(
        OTHER_STUDY,
        f"{storage} holds a study `{name}` already, {how}",
        expected="a new name, or the study of this spec",
        help="choose another --study-name, or tune the same spec with the same data on all machines",
    )
