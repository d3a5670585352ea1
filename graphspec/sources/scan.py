"""Scans of the values of a column, block by block: missing values, range, fractions.

A memory-mapped file is never in memory as a whole. NumPy is imported on the first call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphspec.sources.column import Column
from graphspec.sources.reading import blocks_of
from graphspec.sources.transforms import is_broken


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The statistics of the values of a column."""

    missing: int = 0
    """Number of NaNs."""

    infinite: int = 0
    lowest: float | None = None
    """The least finite number, or None; `highest` likewise."""

    highest: float | None = None
    fractional: bool = False
    """True where a finite number is not whole."""

    broken: int = 0
    """Number of texts with half a surrogate pair, which cannot be encoded."""

    @property
    def is_finite(self) -> bool:
        """Return whether no number is NaN or infinite."""
        return not (self.missing or self.infinite)


def scan(column: Column, ignored: int | None = None) -> Scan:
    """Read all of `column` and summarize its values.

    Args:
        column: The column; text is read as well.
        ignored: A value that is left out of the statistics.

    Raises:
        DataError: A value cannot be read.
        OSError: A file cannot be read.
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
    return Scan(
        missing=missing,
        infinite=infinite,
        lowest=min(lows, default=None),
        highest=max(highs, default=None),
        fractional=fractional,
        broken=broken,
    )


def first_where(column: Column, predicate: Callable[[Any], Any]) -> tuple[int, float] | None:
    """Find the first number of a column for which a predicate holds.

    Args:
        column: The column; text is skipped.
        predicate: Maps an array of numbers to a boolean array of the same shape.

    Returns:
        The index of the sample and the number, or None.

    Raises:
        DataError: A value cannot be read.
        OSError: A file cannot be read.
    """
    import numpy as np

    start = 0
    for block in blocks_of(column):
        if block.dtype.kind in "iufb" and block.size:
            matches = np.asarray(predicate(block))
            if matches.any():
                first = int(np.flatnonzero(matches.reshape(-1))[0])
                return start + first // (block.size // len(block)), block.reshape(-1)[first].item()
        start += len(block)
    return None


def _finite(block: Any) -> tuple[Any, int, int]:
    """Return the finite numbers of a block, the number of others, and of NaNs among these."""
    import numpy as np

    finite = np.isfinite(block)
    bad = block.size - int(finite.sum())
    return (block[finite], bad, int(np.isnan(block).sum())) if bad else (block, 0, 0)


def _has_fractions(numbers: Any) -> bool:
    import numpy as np

    return not bool(np.all(numbers == np.floor(numbers)))
