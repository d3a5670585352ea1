"""An overview of several runs, and the comparison of two. Needs no TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphspec import run_directory
from graphspec.diagnostics import SpecError
from graphspec.run_directory import status_of
from graphspec.run_directory.rows import check_record

UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Overview:
    """The status and record of a run; `fault` says why its record or metrics are unreliable."""

    path: Path
    status: str
    record: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def metrics(self) -> dict[str, Any]:
        """Return every metric of the last epoch, by name."""
        metrics: dict[str, Any] = self.record.get("metrics", {})
        return metrics

    def as_json(self) -> dict[str, Any]:
        """Return path, status and record of the run as JSON."""
        fault = {"fault": self.fault} if self.fault else {}
        return {"path": str(self.path), **self.record, "status": self.status, **fault}


@dataclass(frozen=True)
class RunDifference:
    """A value of two runs, by name; None if a run does not have it."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Comparison:
    """The differences of two runs in spec, versions and data files, and the last metrics of both."""

    spec: list[RunDifference]
    versions: list[RunDifference]
    data: list[RunDifference]
    metrics: list[RunDifference]

    def as_json(self) -> dict[str, Any]:
        """Return both values of each name, by part, as JSON."""
        return {part: {each.name: [each.first, each.second] for each in values} for part, values in vars(self).items()}


def overviews(folder: Path) -> list[Overview]:
    """Return an overview of every run at or below `folder`, the newest first."""
    runs = [_overview(path) for path in run_directory.folders_with(folder, run_directory.RECORD)]
    return sorted(runs, key=lambda run: (str(run.record.get("started", "")), run.path.name), reverse=True)


def compare(first: Path, second: Path) -> Comparison:
    """Compare the runs in two folders. Raises SpecError if one of them cannot be read."""
    values = [_values(run) for run in (first, second)]
    locks = [run_directory.read_lock(run) for run in (first, second)]
    records = [run_directory.read_record(run) for run in (first, second)]
    files = [_hashes(run, lock) for run, lock in zip((first, second), locks, strict=True)]
    return Comparison(
        _differences(*values),
        _differences(*(lock.get("versions", {}) for lock in locks)),
        _differences(*files),
        _all(*(record.get("metrics", {}) for record in records)),
    )


def _overview(path: Path) -> Overview:
    try:
        record = run_directory.read_record(path)
    except SpecError as error:
        (diagnostic,) = error.report
        return Overview(path, UNREADABLE, fault=diagnostic.message)
    status = status_of(path, record)
    try:
        check_record(path, record, run_directory.read_rows(path))
    except SpecError as error:
        (diagnostic,) = error.report
        return Overview(path, status, record, fault=diagnostic.message)
    return Overview(path, status, record)


def _values(run: Path) -> dict[str, Any]:
    provenance = run_directory.read_provenance(run)
    return {name: each.get("value") for name, each in provenance.items()}


def _hashes(run: Path, lock: dict[str, Any]) -> dict[str, Any]:
    """Return the SHA-256 of each data file by absolute path, since relative ones depend on the run."""
    return {os.path.normpath(run.resolve() / name): each["sha256"] for name, each in lock["data"].items()}


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[RunDifference]:
    return [each for each in _all(first, second) if each.first != each.second]


def _all(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[RunDifference]:
    return [RunDifference(name, first.get(name), second.get(name)) for name in {**first, **second}]
