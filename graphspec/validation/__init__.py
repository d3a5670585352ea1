"""Paths → Report: `graphspec validate`, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from graphspec.diagnostics import Report
from graphspec.validation.apply_ignores import settle
from graphspec.validation.check import Deep, Raw, check_file
from graphspec.validation.find import find_specs
from graphspec.validation.selection import Selection

__all__ = ["find_specs", "validate"]


def validate(
    path: Path | str, overrides: Iterable[str] = (), *, values: bool = False, deep: Deep | None = None
) -> Report:
    """Everything found in the spec at `path`, or in every spec below the folder `path`.

    values: read the data files that specs name whole, for which NumPy is needed; else their headers alone. deep finds
    more in a spec without errors.
    Comments of a spec that ignore findings hold. Settings in a pyproject.toml do not: they are the command line's.
    """
    overrides, missing = tuple(overrides), Report()
    found = [check_file(file, overrides, values=values, deep=deep) for file in find_specs([path], missing)]
    return settle([*found, Raw(str(path), tuple(missing.found))], lambda _: Selection()).report
