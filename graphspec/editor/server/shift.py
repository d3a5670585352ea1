"""Places of a text that was checked → places of the text as it is now, while the next check is under way.

What the edits left alone before and behind them keeps its place, moved by what they added; what lies between has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Shift:
    """The way from the offsets of an old text to those of a new one, and back."""

    old: str
    new: str

    @cached_property
    def prefix(self) -> int:
        """The number of characters that both texts begin with."""
        return _longest(min(len(self.old), len(self.new)), lambda size: self.old[:size] == self.new[:size])

    @cached_property
    def suffix(self) -> int:
        """The number of characters that both texts end with, behind the prefix."""
        limit = min(len(self.old), len(self.new)) - self.prefix
        old, new = len(self.old), len(self.new)
        return _longest(limit, lambda size: self.old[old - size :] == self.new[new - size :])

    def to_old(self, offset: int) -> int | None:
        """Return the offset in the old text; None where the text is new."""
        return _moved(offset, self.prefix, len(self.new) - self.suffix, len(self.old) - len(self.new))

    def to_new(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the range in the new text of a range of the old one; None where an edit touched it."""
        first, delta = len(self.old) - self.suffix, len(self.new) - len(self.old)
        if end <= self.prefix:
            return start, end
        return (start + delta, end + delta) if start >= first else None


def _moved(offset: int, prefix: int, suffix_start: int, delta: int) -> int | None:
    if offset < prefix:
        return offset
    return offset + delta if offset >= suffix_start else None


def _longest(limit: int, holds: Callable[[int], bool]) -> int:
    """Return the largest number up to `limit` for which `holds`, which holds for every smaller one too."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
