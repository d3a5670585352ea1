"""The dtypes of Keras, and how it promotes them. `make_catalog` writes them down."""

from __future__ import annotations

from typing import Any

from keras.src.backend.common import dtypes


def names() -> list[str]:
    """Return the names of the dtypes."""
    return sorted(dtypes.ALLOWED_DTYPES)


def promotion() -> dict[str, Any]:
    """How Keras finds the dtype of a result: of each dtype itself and all above it, and what is narrowed at the end.

    `int` and `float` are the dtypes of Python's numbers; `numbers` tells what they are by themselves.
    """
    return {
        "above": {name: sorted(bounds) for name, bounds in sorted(dtypes.LATTICE_UPPER_BOUNDS.items())},
        "narrowed": {wide: narrow for wide, narrow in dtypes.BIT64_TO_BIT32_DTYPE.items() if wide != narrow},
        "numbers": {kind.__name__: dtypes.PYTHON_DTYPES_MAP[kind] for kind in (int, float)},
    }
