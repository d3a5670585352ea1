"""Tracing without weights: shapes, dtypes, names and parameter counts, and not one array allocated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.utils.tracking import no_automatic_dependency_tracking

_PENDING = "uninitialized_variables"


@contextmanager
def weightless_scope() -> Iterator[None]:
    """Within it, layers are built with variables that are never initialised.

    Keras keeps such variables on a global list, and the next plain StatelessScope to end — any custom layer's shape
    inference opens one — initialises all that are on it: gigabytes for a model that was only looked at. The list is
    therefore put back as it was. Stateful recurrent layers make their states of arrays, which Keras refuses there: here
    they are made of shapes.
    """
    pending = list(global_state.get_global_attribute(_PENDING) or [])
    make_states = keras.layers.RNN._create_state_variables
    keras.layers.RNN._create_state_variables = _states_by_shape
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        keras.layers.RNN._create_state_variables = make_states
        global_state.set_global_attribute(_PENDING, pending)


@no_automatic_dependency_tracking  # type: ignore[untyped-decorator]  # Keras has no types
def _states_by_shape(layer: Any, batch_size: int) -> None:
    """What `RNN._create_state_variables` does, with variables that are never initialised and are no weights either."""
    layer.states = keras.tree.map_structure(
        lambda state: keras.Variable(
            "zeros", shape=tuple(state.shape), dtype=layer.variable_dtype, trainable=False, name="rnn_state"
        ),
        layer.get_initial_state(batch_size),
    )
