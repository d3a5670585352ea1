"""Tracing without weights: shapes, dtypes, names and parameter counts, and not one array allocated."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.utils.tracking import no_automatic_dependency_tracking
from tensorflow.python.framework import ops

from graphspec.language.graph import Graph

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


_OTHER_CALLS = 1_000


@contextmanager
def deep_enough_for(graph: Graph) -> Iterator[None]:
    """Within it, Python recurses as deep as Keras must to walk `graph`. These are calls of Python, not of C."""
    limit = sys.getrecursionlimit()
    steps = sum(1 + len(node.steps) for node in graph.nodes.values())
    sys.setrecursionlimit(max(limit, steps + _OTHER_CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


_REGISTERED = "CustomGradient-"


@contextmanager
def given_back() -> Iterator[None]:
    """Afterwards, nothing holds the models that were made within it; those from before are left as they are."""
    registry: dict[str, Any] = getattr(ops.gradient_registry, "_registry", {})
    before = set(registry)
    try:
        yield
    finally:
        for name in [each for each in registry if each not in before and each.startswith(_REGISTERED)]:
            del registry[name]
        keras.utils.clear_session()
