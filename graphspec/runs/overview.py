"""Runs side by side: what became of each, and in what two of them differ. Needs no TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphspec import run_directory
from graphspec.diagnostics import SpecError
from graphspec.run_directory import status_of
from graphspec.run_directory.consistency import check_record

UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Overview:
    """One run. metrics are those of its last epoch; fault says why its record, or its metrics, cannot be relied on."""

    path: Path
    status: str
    record: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def metrics(self) -> dict[str, Any]:
        """Every metric of the last epoch, by name."""
        found: dict[str, Any] = self.record.get("metrics", {})
        return found

    def as_json(self) -> dict[str, Any]:
        """The run as JSON: its path and status, and what its record says."""
        fault = {"fault": self.fault} if self.fault else {}
        return {"path": str(self.path), **self.record, "status": self.status, **fault}


@dataclass(frozen=True)
class Difference:
    """One thing in which two runs differ, with what it is in either; None where one has no such thing."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Comparison:
    """In what two runs differ: values of their specs, versions, data files; and the last metrics of both."""

    spec: list[Difference]
    versions: list[Difference]
    data: list[Difference]
    metrics: list[Difference]

    def as_json(self) -> dict[str, Any]:
        """By part, each name with both values."""
        return {part: {each.name: [each.first, each.second] for each in found} for part, found in vars(self).items()}


def overviews(folder: Path) -> list[Overview]:
    """Every run at or below `folder`, the newest first."""
    runs = [_overview(path) for path in run_directory.folders_with(folder, run_directory.RECORD)]
    return sorted(runs, key=lambda run: (str(run.record.get("started", "")), run.path.name), reverse=True)


def compare(first: Path, second: Path) -> Comparison:
    """In what the runs at two folders differ. Raises SpecError where one of them cannot be read."""
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
        (found,) = error.report
        return Overview(path, UNREADABLE, fault=found.message)
    status = status_of(path, record)
    try:
        check_record(path, record, run_directory.read_rows(path))
    except SpecError as error:
        (found,) = error.report
        return Overview(path, status, record, fault=found.message)
    return Overview(path, status, record)


def _values(run: Path) -> dict[str, Any]:
    found = run_directory.read_provenance(run)
    return {name: each.get("value") for name, each in found.items()}


def _hashes(run: Path, lock: dict[str, Any]) -> dict[str, Any]:
    """The SHA-256 of each data file, by where it lies: runs in other folders call it otherwise."""
    return {os.path.normpath(run.resolve() / name): each["sha256"] for name, each in lock["data"].items()}


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    return [each for each in _all(first, second) if each.first != each.second]


def _all(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    return [Difference(name, first.get(name), second.get(name)) for name in {**first, **second}]
