"""Every spec below some paths, compared with what it was in a git revision."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graphspec.diagnostics import Report, SpecError
from graphspec.differences.compare import compare
from graphspec.differences.difference import Difference
from graphspec.differences.revisions import Revision, revision_of
from graphspec.differences.sides import load_side
from graphspec.files import is_file
from graphspec.validation.settings import Finder
from graphspec.validation.spec_files import SUFFIXES, find_specs, holds_spec


@dataclass(frozen=True, slots=True)
class SpecSince:
    """A spec that differs from what it was, or cannot be compared. report: why it cannot be compared."""

    path: str
    status: Literal["added", "removed", "changed", "faulty"]
    difference: Difference | None = None
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """What has changed since a revision. count: the specs there are now."""

    revision: str
    count: int
    specs: list[SpecSince]

    @property
    def is_empty(self) -> bool:
        """True where no spec means anything else than before."""
        return not self.specs


def compare_since(name: str, paths: Iterable[str]) -> Since:
    """Compare every spec below `paths` with what it was in a revision.

    Args:
        name: The revision.
        paths: Specs, and folders of specs.

    Raises:
        SpecError: There is no such revision, or no spec below one of the paths in both.
    """
    paths = list(paths)
    revision = revision_of(name)
    settings, report = Finder(), Report()
    now = list(find_specs(paths, report, lambda path: settings.of(path).excludes(path)))
    gone = list(dict.fromkeys(_specs_before(revision, paths, {os.path.realpath(path) for path in now})))
    if not gone:
        report.raise_if_errors()
    found = [each for path in now if (each := _changed(revision, path)) is not None]
    return Since(name, len(now), found + [SpecSince(path, "removed") for path in gone])


def _changed(revision: Revision, path: str) -> SpecSince | None:
    """Return what has changed in the spec at `path`; None where nothing has, or it only declares parts for others."""
    own = Revision(revision.name, revision.root)
    try:
        if not own.has(path):
            after = load_side(path, path)
            return SpecSince(path, "added") if after is not None else None
        before = load_side(path, path, own)
        if own.is_as_now():
            return None
        after = load_side(path, path)
    except SpecError as error:
        return SpecSince(path, "faulty", report=error.report) if not own.is_as_now() else None
    if before is None or after is None:
        return SpecSince(path, "removed" if after is None else "added") if before is not after else None
    difference = compare(before, after)
    return SpecSince(path, "changed", difference) if not difference.is_empty else None


def _specs_before(revision: Revision, paths: list[str], now: set[str]) -> Iterator[str]:
    """Yield the specs of the revision below `paths` that are not there any more."""
    for path in paths:
        for file in revision.files_below(Path(path)):
            is_gone = file.suffix in SUFFIXES and str(file) not in now and not is_file(file)
            if is_gone and holds_spec(revision[str(file)]):
                yield os.path.relpath(file)
