"""Pause garbage collection while many objects are made of which none is cyclic garbage.

Each collection goes through all objects again, so the cost grows with the square of their number.
`bench/compile_time.py` measures the saving against the same calls of Keras.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Within it, Python's cyclic garbage collector rests; afterwards it is as it was."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
