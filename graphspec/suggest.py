"""Did-you-mean: the nearest of the known names, by difflib, without regard to case."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to `name`, or None where none is near."""
    by_folded: dict[str, str] = {}
    for candidate in known:
        by_folded.setdefault(candidate.casefold(), candidate)
    matches = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """``did you mean `x`?``, or `otherwise` where no known name is near."""
    match = closest(name, known)
    return f"did you mean `{match}`?" if match is not None else otherwise


def one_of(names: Iterable[str], limit: int = 12) -> str:
    """The names as a readable list, cut after `limit`."""
    listed = [f"`{name}`" for name in names]
    if len(listed) > limit:
        return ", ".join(listed[:limit]) + f", ... ({len(listed)} in all)"
    return ", ".join(listed)
