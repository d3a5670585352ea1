"""Patterns in the names of repeated layers: `stem`, `stem_1`, `stem_2`, ..."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Names of which those after the first `before` are `<stem>_<number>`, for `count` numbers from `start`."""

    stem: str
    start: int
    count: int
    before: int


def numbered(names: list[str]) -> Names | None:
    """Return the longest run of numbered names, which all but the first and the last must belong to."""
    for before in range(min(2, len(names))):
        stem, _, number = names[before].rpartition("_")
        if not stem or not number.isdecimal() or (len(number) > 1 and number[0] == "0"):
            continue
        start = int(number)
        count = 0
        while before + count < len(names) and names[before + count] == f"{stem}_{start + count}":
            count += 1
        if count >= 2 and before + count >= len(names) - 1:
            return Names(stem, start, count, before)
    return None
