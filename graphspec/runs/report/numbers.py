"""Numbers, times and sizes for people, and the ticks of an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

Range = tuple[float, float]

_MOST = 1e300
"""Greater numbers overflow where they are added up, and are taken for infinite."""


def finite(value: object) -> float | None:
    """`value` where it is a number that can be computed with, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_MOST <= value <= _MOST:
        return None
    return float(value)


def short(value: object) -> str:
    """A number in four digits, a large or whole one with separators; a dash for what is not there or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    number = finite(value)
    if number is None:
        return "–"
    if abs(number) >= 1e15:
        return f"{number:.4g}"
    return f"{number:,.0f}" if abs(number) >= 1_000 or number == int(number) else f"{number:.4g}"


def duration(seconds: float) -> str:
    """`41 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left} s"
    return f"{minutes // 60} h {minutes % 60} min"


def span_of(values: Sequence[float], *, log: bool = False, whole: bool = False) -> Range:
    """The least and the most of `values`, with a little room; `log` in powers of ten, `whole` without room."""
    low, high = min(values), max(values)
    if log:
        low, high = math.log10(low), math.log10(high)
    if whole:
        return (low, high) if high > low else (low - 0.5, high + 0.5)
    room = (high - low) * 0.06 or abs(low) * 0.1 or 0.5
    room = max(room, abs(low) * 1e-9, 1e-300)
    low, high = low - room, high + room
    return (10**low, 10**high) if log else (low, high)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between `low` and `high`, evenly spaced."""
    raw = (high - low) / most
    if not math.isfinite(raw) or raw <= 0:
        return [low]
    size = 10 ** math.floor(math.log10(raw))
    step = next((size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw), size * 10)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Powers of ten between `low` and `high`, or twos and fives as well where there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = [10.0**power for power in range(first, last + 1) if low <= 10.0**power <= high]
    if len(powers) > most:
        return powers[:: -(-len(powers) // most)]
    if len(powers) > 1:
        return powers
    return [tick for power in range(first, last + 1) for tick in (10.0**power, 2 * 10.0**power, 5 * 10.0**power)
            if low <= tick <= high]  # fmt: skip


def tick_text(value: float) -> str:
    """A tick: short, and exact enough to be told from its neighbours."""
    if value and (abs(value) >= 1e6 or abs(value) < 1e-3):
        return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:,.6f}".rstrip("0").rstrip(".")
