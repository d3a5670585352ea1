"""Numbers, times and sizes for people, and the ticks of an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

Range = tuple[float, float]

_MAX_NUMBER = 1e300
"""Larger numbers overflow in sums, and are treated as infinite."""


def finite(value: object) -> float | None:
    """Return `value` as a float, or None if it is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_MAX_NUMBER <= value <= _MAX_NUMBER:
        return None
    return float(value)


def short(value: object) -> str:
    """Return a number in about four digits; a dash if it is missing or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    number = finite(value)
    if number is None:
        return "–"
    if abs(number) >= 1e15:
        return f"{number:.4g}"
    return f"{number:,.0f}" if abs(number) >= 1_000 or number == int(number) else f"{number:.4g}"


def duration(seconds: float) -> str:
    """Return a duration as text, such as `41 s` or `3 min 20 s`."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left} s"
    return f"{minutes // 60} h {minutes % 60} min"


def span_of(values: Sequence[float], *, log: bool = False, whole: bool = False) -> Range:
    """Return the range of an axis that holds `values`.

    Args:
        values: Finite numbers.
        log: Compute the margin in powers of ten, for positive values.
        whole: Add no margin, as for epochs.
    """
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
    """Return about `most` round numbers between `low` and `high`, evenly spaced."""
    raw = (high - low) / most
    if not math.isfinite(raw) or raw <= 0:
        return [low]
    size = 10 ** math.floor(math.log10(raw))
    step = next((size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw), size * 10)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return powers of ten between `low` and `high`; if few, also their double and fivefold."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = [10.0**power for power in range(first, last + 1) if low <= 10.0**power <= high]
    if len(powers) > most:
        return powers[:: -(-len(powers) // most)]
    if len(powers) > 1:
        return powers
    return [tick for power in range(first, last + 1) for tick in (10.0**power, 2 * 10.0**power, 5 * 10.0**power)
            if low <= tick <= high]  # fmt: skip


def tick_text(value: float) -> str:
    """Return the label of a tick, short but different from that of its neighbours."""
    if value and (abs(value) >= 1e6 or abs(value) < 1e-3):
        return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:,.6f}".rstrip("0").rstrip(".")
