"""Two versions of a text → how they differ, in lines as `diff -u` and `git apply` know them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from graphspec.report.paths import legible


def differences(name: str, before: str, after: str, how: str) -> Iterator[str]:
    """The lines of a unified diff, each with its line break; how says what made `after`, such as `fixed`."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, fromfile=legible(name), tofile=f"{legible(name)} ({how})"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
