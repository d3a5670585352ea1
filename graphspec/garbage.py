"""Pausing and slowing of garbage collection while many objects are created.

Each collection visits all objects, so the cost is quadratic in their number. `bench/compile_time.py` measures the
saving.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def keep_what_is_there() -> None:
    """Leave the objects that are there out of all later collections, such as a catalogue that stays loaded."""
    gc.collect()
    gc.freeze()


@contextmanager
def no_collection() -> Iterator[None]:
    """Disable the cyclic garbage collector inside the `with` block."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def rare_collection() -> Iterator[None]:
    """Let the cyclic garbage collector run after 100,000 new objects only, inside the `with` block."""
    before = gc.get_threshold()
    gc.set_threshold(100_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
