"""Every value of a column looked at once, block by block: what is missing, and from where to where the others go.

A memory-mapped file is never in memory as a whole. Needs NumPy, which is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphspec.sources.column import Column
from graphspec.sources.reading import blocks_of
from graphspec.sources.transforms import is_broken


@dataclass(frozen=True)
class Scan:
    """The values of a column: how many are NaN or infinite, the least and the greatest of the others.

    lowest and highest are None where no number is finite. fractional: some number is not whole. broken: how many texts
    hold half a surrogate pair, which no encoding knows.
    """

    missing: int = 0
    infinite: int = 0
    lowest: float | None = None
    highest: float | None = None
    fractional: bool = False
    broken: int = 0

    @property
    def is_finite(self) -> bool:
        """Return whether no number is NaN or infinite."""
        return not (self.missing or self.infinite)


def scan(column: Column, ignored: int | None = None) -> Scan:
    """Read all of `column`, text too, and look at all numbers but those that are `ignored`.

    Raises DataError or OSError where a value cannot be read.
    """
    missing = infinite = broken = 0
    lows: list[Any] = []
    highs: list[Any] = []
    fractional = False
    scanned = getattr(column, "scanned", None)
    for block in blocks_of(column if scanned is None else scanned):
        if block.dtype.kind in "UO":
            broken += sum(map(is_broken, block.reshape(-1).tolist()))
        if block.dtype.kind not in "iufb" or not block.size:
            continue
        numbers = block = block if ignored is None else block[block != ignored]
        if block.dtype.kind == "f":
            numbers, bad, nan = _finite(block)
            missing, infinite = missing + nan, infinite + bad - nan
            fractional = fractional or _has_fractions(numbers)
        if numbers.size:
            lows.append(numbers.min().item())
            highs.append(numbers.max().item())
    return Scan(missing, infinite, min(lows, default=None), max(highs, default=None), fractional, broken)


def first_where(column: Column, is_meant: Callable[[Any], Any]) -> tuple[int, float] | None:
    """Find the first sample with a number that `is_meant` is true of: its index, and that number.

    is_meant takes an array of numbers, and gives one of truth values. Raises DataError or OSError as `scan` does.
    """
    import numpy as np

    start = 0
    for block in blocks_of(column):
        if block.dtype.kind in "iufb" and block.size:
            meant = np.asarray(is_meant(block))
            if meant.any():
                first = int(np.flatnonzero(meant.reshape(-1))[0])
                return start + first // (block.size // len(block)), block.reshape(-1)[first].item()
        start += len(block)
    return None


def _finite(block: Any) -> tuple[Any, int, int]:
    """The finite numbers of a block, how many are not finite, and how many of those are NaN."""
    import numpy as np

    finite = np.isfinite(block)
    bad = block.size - int(finite.sum())
    return (block[finite], bad, int(np.isnan(block).sum())) if bad else (block, 0, 0)


def _has_fractions(numbers: Any) -> bool:
    import numpy as np

    return not bool(np.all(numbers == np.floor(numbers)))
