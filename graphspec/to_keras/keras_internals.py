"""Everything private in Keras and TensorFlow that graphspec uses: the place to look at when Keras moves.

Nothing else in `graphspec/` imports `keras.src` or `tensorflow.python`, or reads a private attribute of theirs. Each
was seen in Keras 3.8 to 3.15 with TensorFlow 2.18 to 2.21; `tests/to_keras/test_keras_internals.py` tries each.

| private | used for | no public way, because |
|---|---|---|
| `global_state`, `uninitialized_variables` | `weightless_scope` | variables made there would be initialised later |
| `RNN._create_state_variables` | `weightless_scope` | stateful layers make their states of arrays |
| `no_automatic_dependency_tracking` | `weightless_scope` | Keras would track those states as weights |
| `global_state`, `object_name_uids` | `fresh_layer_names` | only `clear_session` resets the numbers, and more |
| `gradient_registry._registry` | `released_models` | each use of a custom gradient keeps its model forever |
| `Layer._flatten_layers` | `flattened_layers` | `Model.layers` leaves out layers within layers |
| `Operation._inbound_nodes` | `calls_of`, `call_behind` | the nodes of a functional graph have no public name |
| `KerasTensor._keras_history` | `call_behind`, `operation_behind` | neither has what made a tensor |
| `KerasTensor._keras_mask` | `mask_of` | `keras.src.backend.get_keras_mask` is private as well |
| `TextVectorization._lookup_layer` | `lookup_layer` | its table cannot be read in the order of its indices |
| `Trainer._symbolic_build` | `build_symbolically` | metrics and optimizer are else built by the first batch |
| `LossFunctionWrapper` | `loss_of` | a function alone cannot be reduced over a batch with weights |
| `Metric._direction` | `direction_of` | whether more of a metric is better is told nowhere else |
| `global_seed_generator` | `global_generator` | layers without a seed draw from it, so it is state of a training |
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.losses.losses import LossFunctionWrapper
from keras.src.random.seed_generator import global_seed_generator
from keras.src.utils.tracking import no_automatic_dependency_tracking
from tensorflow.python.framework import ops

from graphspec.language.graph import Graph

_UNINITIALIZED = "uninitialized_variables"
_NAME_COUNTS = "object_name_uids"
_CUSTOM_GRADIENT = "CustomGradient-"
_OTHER_CALLS = 1_000


@contextmanager
def weightless_scope() -> Iterator[None]:
    """Build layers with variables that are never initialised: shapes, dtypes and counts, and no array allocated.

    Keras keeps such variables on a global list, and the next plain StatelessScope to end — any custom layer's shape
    inference opens one — initialises all that are on it: gigabytes for a model that was only looked at. The list is
    therefore put back as it was. Stateful recurrent layers make their states of arrays, which Keras refuses there: here
    they are made of shapes.
    """
    pending = list(global_state.get_global_attribute(_UNINITIALIZED) or [])
    make_states = keras.layers.RNN._create_state_variables
    keras.layers.RNN._create_state_variables = _states_by_shape
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        keras.layers.RNN._create_state_variables = make_states
        global_state.set_global_attribute(_UNINITIALIZED, pending)


@no_automatic_dependency_tracking  # type: ignore[untyped-decorator]  # Keras has no types
def _states_by_shape(layer: Any, batch_size: int) -> None:
    """Do as `RNN._create_state_variables`, with variables that are never initialised and are no weights either."""
    layer.states = keras.tree.map_structure(
        lambda state: keras.Variable(
            "zeros", shape=tuple(state.shape), dtype=layer.variable_dtype, trainable=False, name="rnn_state"
        ),
        layer.get_initial_state(batch_size),
    )


@contextmanager
def fresh_layer_names() -> Iterator[None]:
    """Number layers without a name from the start, whatever the process has made before."""
    counts = global_state.get_global_attribute(_NAME_COUNTS)
    global_state.set_global_attribute(_NAME_COUNTS, defaultdict(int))
    try:
        yield
    finally:
        global_state.set_global_attribute(_NAME_COUNTS, counts)


@contextmanager
def recursion_limit_for(graph: Graph) -> Iterator[None]:
    """Let Python recurse as deep as Keras must to walk `graph`. These are calls of Python, not of C."""
    limit = sys.getrecursionlimit()
    steps = sum(1 + len(node.steps) for node in graph.nodes.values())
    sys.setrecursionlimit(max(limit, steps + _OTHER_CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@contextmanager
def released_models() -> Iterator[None]:
    """Release the models made within it at its end; those from before stay as they are."""
    registry: dict[str, Any] = getattr(ops.gradient_registry, "_registry", {})
    before = set(registry)
    try:
        yield
    finally:
        for name in [each for each in registry if each not in before and each.startswith(_CUSTOM_GRADIENT)]:
            del registry[name]
        keras.utils.clear_session()


def flattened_layers(layer: Any, *, include_self: bool = True, recursive: bool = True) -> list[Any]:
    """Return the layers inside `layer`, at any depth or, where it is not recursive, right inside."""
    return list(layer._flatten_layers(include_self=include_self, recursive=recursive))


def calls_of(layer: Any) -> list[Any]:
    """Return the node of each symbolic call of `layer`: its `input_tensors`, `output_tensors` and `arguments`."""
    return list(layer._inbound_nodes)


def operation_behind(tensor: Any) -> Any:
    """Return the layer or operation that a symbolic tensor is the result of."""
    return tensor._keras_history.operation


def call_behind(tensor: Any) -> Any:
    """Return the node of the call that a symbolic tensor is the result of."""
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def mask_of(tensor: Any) -> Any:
    """Return the mask of a tensor, or None."""
    return getattr(tensor, "_keras_mask", None)


def lookup_layer(layer: Any) -> Any:
    """Return the layer with the table of words: that of `TextVectorization` is a layer of its own."""
    return layer._lookup_layer if isinstance(layer, keras.layers.TextVectorization) else layer


def build_symbolically(model: keras.Model, element_spec: Any) -> None:
    """Build the metrics and the optimizer of a compiled model from the shapes of a batch."""
    model._symbolic_build(data_batch=element_spec)


def loss_of(identifier: Any) -> keras.losses.Loss:
    """Return a loss object, of a function too, which reduces over a batch as Keras does in `compile`."""
    found = keras.losses.get(identifier)
    return found if isinstance(found, keras.losses.Loss) else LossFunctionWrapper(found)


def direction_of(metric: keras.metrics.Metric) -> str | None:
    """Return `up` or `down`, the direction in which a metric gets better; None where Keras does not say."""
    direction = getattr(metric, "_direction", None)
    return str(direction) if direction is not None else None


def global_generator() -> keras.random.SeedGenerator:
    """Return the generator that layers and initializers without a seed of their own draw from."""
    generator: keras.random.SeedGenerator = global_seed_generator()
    return generator
