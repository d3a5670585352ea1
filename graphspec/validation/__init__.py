"""Paths → diagnostics: `graphspec validate`, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from graphspec.diagnostics import Report
from graphspec.validation.spec_files import find_specs

if TYPE_CHECKING:
    from graphspec.validation.check import Deep

__all__ = ["find_specs", "validate"]


def validate(
    path: Path | str,
    overrides: Iterable[str] = (),
    *,
    values: bool = False,
    deep: Deep | None = None,
    keras: str | None = None,
) -> Report:
    """Check the spec at `path`, or every spec below the folder `path`.

    Comments that ignore findings apply; settings in a pyproject.toml do not, they belong to the command line.

    Args:
        path: A spec or a folder.
        overrides: `key=value` texts, as for `--set`.
        values: Read whole data files, which needs NumPy; by default only their headers.
        deep: A further check for specs without errors.
        keras: The minor version of Keras to check for; None for the one in use.
    """
    from graphspec.validation.apply_ignores import apply_ignores
    from graphspec.validation.check import FileCheck, check_file
    from graphspec.validation.selection import Selection

    check = partial(check_file, overrides=tuple(overrides), values=values, deep=deep, keras=keras)
    missing = Report()
    found = list(map(check, find_specs([path], missing)))
    return apply_ignores([*found, FileCheck(str(path), tuple(missing.found))], lambda _: Selection()).report
