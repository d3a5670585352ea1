"""Two versions of a text → how they differ, in lines as `diff -u` and `git apply` know them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from graphspec.console.escapes import escaped, safe_line


def differences(name: str, before: str, after: str, how: str) -> Iterator[str]:
    """The lines of a unified diff, each with its line break; how says what made `after`, such as `fixed`.

    What is not printable is shown escaped, so a diff of such lines is for reading only.
    """
    file = escaped(name)
    for line in difflib.unified_diff(_lines(before), _lines(after), fromfile=file, tofile=f"{file} ({how})"):
        text, end = (line[:-2], "\r\n") if line.endswith("\r\n") else (line.removesuffix("\n"), "\n")
        missing = "" if line.endswith("\n") else "\\ No newline at end of file\n"
        yield f"{safe_line(text)}{end}{missing}"


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)
