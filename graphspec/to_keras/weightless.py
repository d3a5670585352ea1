"""Tracing without weights: shapes, dtypes, names and parameter counts, and not one array allocated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras.src.backend.common import global_state

_PENDING = "uninitialized_variables"


@contextmanager
def weightless_scope() -> Iterator[None]:
    """Within it, layers are built with variables that are never initialised.

    Keras keeps such variables on a global list, and the next plain StatelessScope to end — any custom layer's shape
    inference opens one — initialises all that are on it: gigabytes for a model that was only looked at. The list is
    therefore put back as it was.
    """
    pending = list(global_state.get_global_attribute(_PENDING) or [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(_PENDING, pending)
