"""No garbage collection where all that is made stays, or nothing made holds itself: to look through it again and again
costs a time that grows with its square. `bench/compile_time.py` shows what that saves against the same calls of Keras.
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
