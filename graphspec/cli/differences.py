"""Two versions of a text → how they differ, in lines as `diff -u` and `git apply` know them."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from graphspec.diagnostics.escapes import escaped, safe_line


def differences(name: str, before: str, after: str, how: str) -> str:
    """Return a unified diff; how says what made `after`, such as `fixed`.

    What is not printable is shown escaped, so a diff of such lines is for reading only.
    """
    file = escaped(name)
    old, new = _lines(before), _lines(after)
    compare = difflib.unified_diff if _work(old, new) <= _MOST_WORK else _replaced
    return "".join(map(_shown, compare(old, new, file, f"{file} ({how})")))


def _shown(line: str) -> str:
    text, end = (line[:-2], "\r\n") if line.endswith("\r\n") else (line.removesuffix("\n"), "\n")
    missing = "" if line.endswith("\n") else "\\ No newline at end of file\n"
    return f"{safe_line(text)}{end}{missing}"


_MOST_WORK = 2_000_000
"""Pairs of equal lines that are looked at, about a second: of many more, all lines are shown as replaced."""


def _work(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many pairs of lines `difflib` looks at; it passes over those that are common in a long text."""
    popular = len(new) // 100 + 1 if len(new) >= 200 else len(new)
    times = {line: count for line, count in Counter(new).items() if count <= popular}
    return len(old) + len(new) + sum(times.get(line, 0) for line in old)


def _replaced(old: Sequence[str], new: Sequence[str], old_name: str, new_name: str) -> Iterator[str]:
    """Yield the lines of a unified diff that takes all of `old` away and adds all of `new`."""
    yield f"--- {old_name}\n"
    yield f"+++ {new_name}\n"
    yield f"@@ -{min(1, len(old))},{len(old)} +{min(1, len(new))},{len(new)} @@\n"
    yield from (f"-{line}" for line in old)
    yield from (f"+{line}" for line in new)


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)
