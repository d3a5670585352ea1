"""Unified diffs for a terminal."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from graphspec.diagnostics.escapes import escaped, safe_line


def unified_diff(name: str, before: str, after: str, change: str) -> str:
    """Return a unified diff for a terminal, where control characters are escaped.

    Args:
        name: The name of the file.
        before: Its text.
        after: Its text after the change.
        change: A word for the change, such as `fixed`.
    """
    file = escaped(name)
    old, new = _lines(before), _lines(after)
    compare = difflib.unified_diff if _pairs(old, new) <= _MAX_PAIRS else _replaced
    return "".join(map(_printable, compare(old, new, file, f"{file} ({change})")))


def _printable(line: str) -> str:
    text, end = (line[:-2], "\r\n") if line.endswith("\r\n") else (line.removesuffix("\n"), "\n")
    missing = "" if line.endswith("\n") else "\\ No newline at end of file\n"
    return f"{safe_line(text)}{end}{missing}"


_MAX_PAIRS = 2_000_000
"""The maximum number of pairs of equal lines to compare, about a second; beyond it all lines are shown as replaced."""


def _pairs(old: Sequence[str], new: Sequence[str]) -> int:
    """Return the number of pairs of lines that `difflib` compares, without common lines of a long text."""
    popular = len(new) // 100 + 1 if len(new) >= 200 else len(new)
    times = {line: count for line, count in Counter(new).items() if count <= popular}
    return len(old) + len(new) + sum(times.get(line, 0) for line in old)


def _replaced(old: Sequence[str], new: Sequence[str], old_name: str, new_name: str) -> Iterator[str]:
    """Yield the lines of a unified diff that removes all of `old` and adds all of `new`."""
    yield f"--- {old_name}\n"
    yield f"+++ {new_name}\n"
    yield f"@@ -{min(1, len(old))},{len(old)} +{min(1, len(new))},{len(new)} @@\n"
    yield from (f"-{line}" for line in old)
    yield from (f"+{line}" for line in new)


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)
