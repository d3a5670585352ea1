"""Numbers of bytes as text."""

from __future__ import annotations


def byte_size(count: int) -> str:
    """Return a number of bytes with its unit, such as `1.5 GB`."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.3g} {unit}"
