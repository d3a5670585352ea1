"""Paths → Report: `graphspec validate`, without TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from graphspec.diagnostics import Report, SpecError
from graphspec.document import STANDARD_INPUT, read_source
from graphspec.rules import UNREADABLE_FILE
from graphspec.spec import inspect

SUFFIXES = (".yaml", ".yml", ".json")
_IS_SPEC = re.compile(r'^(?:"graphspec"|graphspec)\s*:|^\s*\{\s*"graphspec"\s*:', re.MULTILINE)


def validate(path: Path | str, overrides: Iterable[str] = ()) -> Report:
    """Everything found in the spec at `path`, or in every spec below the folder `path`."""
    report = Report()
    for each in find_specs([path], report):
        report.extend(inspect(each, overrides, data=True)[1].found)
    return report


def find_specs(paths: Iterable[Path | str], report: Report) -> Iterator[Path | str]:
    """The spec files that `paths` stand for: files as they are, and of folders every file with a `graphspec` key.

    Hidden folders are passed over. A path that does not exist is a finding.
    """
    for path in paths:
        if str(path) == STANDARD_INPUT or not Path(path).is_dir():
            if str(path) != STANDARD_INPUT and not Path(path).exists():
                report.add(UNREADABLE_FILE, f"there is no file {path}", help="check the path")
                continue
            yield path
            continue
        found = False
        for file in sorted(Path(path).rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if file.suffix in SUFFIXES and not hidden and file.is_file() and _is_spec(file, report):
                found = True
                yield file
        if not found:
            report.add(
                UNREADABLE_FILE,
                f"there is no spec below {path}",
                help=f"a spec is a {', '.join(SUFFIXES)} file with a top-level `graphspec` key",
            )


def _is_spec(file: Path, report: Report) -> bool:
    try:
        return _IS_SPEC.search(read_source(file).text) is not None
    except SpecError as error:
        report.extend(error.report.found)
        return False
