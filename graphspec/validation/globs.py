"""Patterns of paths, as .gitignore writes them: `drafts/`, `*.old.yaml`, `templates/**/base.yaml`."""

from __future__ import annotations

import re
from functools import lru_cache

_PART = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]|.", re.DOTALL)
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matches(pattern: str, path: str) -> bool:
    """Whether `pattern` stands for `path`, or for a folder that it lies in.

    A pattern without a slash, but at its end, stands for files and folders of that name wherever they are; others
    count from the folder that `path` is relative to.
    """
    return _compiled(pattern).match(path) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    pattern = pattern.removeprefix("./").rstrip("/")
    anywhere = "" if "/" in pattern else "(?:.*/)?"
    parts = (_MEANING.get(part) or _set(part) or re.escape(part) for part in _PART.findall(pattern.lstrip("/")))
    return re.compile(f"{anywhere}{''.join(parts)}(?:/|$)", re.DOTALL)


def _set(part: str) -> str | None:
    """`[abc]` and `[!abc]`."""
    if len(part) < 3 or not part.startswith("["):
        return None
    inner = part[1:-1].replace("\\", "\\\\").replace("^", "\\^")
    return f"[^/{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
