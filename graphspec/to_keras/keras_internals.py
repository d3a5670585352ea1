"""Uses of private parts of Keras and TensorFlow, which a new Keras may break.

No other module of graphspec but `private_parts` imports `keras.src` or `tensorflow.python`, or reads their private
attributes. That one lists them, with the features that need them; `tests/to_keras/test_keras_internals.py` tests each.
What a training on several devices takes from here is tried at its start with the Keras at hand: see
`distribution_faults`. Layers of `keras.applications` that Keras does not export are found by `unexported`.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pkgutil import resolve_name
from typing import Any

import keras
import tensorflow as tf

from graphspec.language.graph import Graph
from graphspec.to_keras.private_parts import has_part, needs

_UNINITIALIZED = "uninitialized_variables"
_NAME_COUNTS = "object_name_uids"
_CUSTOM_GRADIENT = "CustomGradient-"
_GLOBAL_STATE = "keras.src.backend.common.global_state"
_STATES = "RNN._create_state_variables"
_TRACKING = "keras.src.utils.tracking.no_automatic_dependency_tracking"
_LOSS = "keras.src.losses.losses.LossFunctionWrapper"
_GENERATOR = "keras.src.random.seed_generator.global_seed_generator"
_REGISTRY = "tensorflow.python.framework.ops.gradient_registry._registry"
_OTHER_CALLS = 1_000
_SEED_STRIDE = 7_919


@contextmanager
def weightless_scope() -> Iterator[None]:
    """Build layers with variables that are never initialised: shapes, dtypes and counts without arrays.

    Keras appends such variables to a global list, and initialises all of them when the next plain StatelessScope ends,
    such as that of a custom layer's shape inference: gigabytes for a model that is only traced. The list is therefore
    restored. Stateful recurrent layers create their states from arrays, which Keras refuses in the scope; here they are
    created from shapes.
    """
    pending = list(_global_attribute(_UNINITIALIZED) or [])
    try:
        with _states_without_arrays(), keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        _set_global_attribute(_UNINITIALIZED, pending)


def _global_attribute(name: str) -> Any:
    return resolve_name(_GLOBAL_STATE).get_global_attribute(name) if has_part(_GLOBAL_STATE) else None


def _set_global_attribute(name: str, value: Any) -> None:
    if has_part(_GLOBAL_STATE):
        resolve_name(_GLOBAL_STATE).set_global_attribute(name, value)


@contextmanager
def _states_without_arrays() -> Iterator[None]:
    """Let stateful recurrent layers create their states from shapes; a Keras without these parts refuses them."""
    if not (has_part(_STATES) and has_part(_TRACKING)):
        yield
        return
    make_states = keras.layers.RNN._create_state_variables
    keras.layers.RNN._create_state_variables = resolve_name(_TRACKING)(_states_by_shape)
    try:
        yield
    finally:
        keras.layers.RNN._create_state_variables = make_states


def _states_by_shape(layer: Any, batch_size: int) -> None:
    """Replace `RNN._create_state_variables`; its variables are never initialised and are no weights."""
    layer.states = keras.tree.map_structure(
        lambda state: keras.Variable(
            "zeros", shape=tuple(state.shape), dtype=layer.variable_dtype, trainable=False, name="rnn_state"
        ),
        layer.get_initial_state(batch_size),
    )


@contextmanager
def fresh_layer_names() -> Iterator[None]:
    """Number unnamed layers from the start, whatever the process has built before."""
    counts = _global_attribute(_NAME_COUNTS)
    _set_global_attribute(_NAME_COUNTS, defaultdict(int))
    try:
        yield
    finally:
        _set_global_attribute(_NAME_COUNTS, counts)


@contextmanager
def recursion_limit_for(graph: Graph) -> Iterator[None]:
    """Raise Python's recursion limit to the depth at which Keras walks `graph`."""
    limit = sys.getrecursionlimit()
    steps = sum(1 + len(node.steps) for node in graph.nodes.values())
    sys.setrecursionlimit(max(limit, steps + _OTHER_CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@contextmanager
def released_models() -> Iterator[None]:
    """Release the models built within it on exit; earlier models stay."""
    registry: dict[str, Any] = resolve_name(_REGISTRY) if has_part(_REGISTRY) else {}
    before = set(registry)
    try:
        yield
    finally:
        for name in [each for each in registry if each not in before and each.startswith(_CUSTOM_GRADIENT)]:
            del registry[name]
        keras.utils.clear_session()


@needs("Layer._flatten_layers")
def flattened_layers(layer: Any, *, include_self: bool = True, recursive: bool = True) -> list[Any]:
    """Return the layers inside a layer or model.

    Args:
        layer: the layer or model.
        include_self: start with `layer` itself.
        recursive: include layers at any depth; else direct children only.
    """
    return list(layer._flatten_layers(include_self=include_self, recursive=recursive))


@needs("Operation._inbound_nodes")
def calls_of(layer: Any) -> list[Any]:
    """Return the node of each symbolic call: its `input_tensors`, `output_tensors` and `arguments`."""
    return list(layer._inbound_nodes)


@needs("KerasTensor._keras_history")
def operation_behind(tensor: Any) -> Any:
    """Return the layer or operation that produced a symbolic tensor."""
    return tensor._keras_history.operation


@needs("KerasTensor._keras_history")
@needs("Operation._inbound_nodes")
def call_behind(tensor: Any) -> Any:
    """Return the node of the call that produced a symbolic tensor; see `calls_of`."""
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def mask_of(tensor: Any) -> Any:
    """Return the mask of a symbolic tensor, or None."""
    return getattr(tensor, "_keras_mask", None)


def unexported(module: str, name: str) -> Any:
    """Return a layer of `keras.applications` that Keras does not export.

    Raises:
        ImportError, AttributeError: This Keras does not have it.
    """
    return getattr(import_module(module), name)


@needs("TextVectorization._lookup_layer")
def lookup_layer(layer: Any) -> Any:
    """Return the layer with the lookup table, which `TextVectorization` holds as a sublayer."""
    return layer._lookup_layer if isinstance(layer, keras.layers.TextVectorization) else layer


@needs("Trainer._symbolic_build")
def build_symbolically(model: keras.Model, element_spec: Any) -> None:
    """Build the metrics and the optimizer of a compiled model without a batch."""
    model._symbolic_build(data_batch=element_spec)


@needs(_LOSS)
def loss_of(identifier: Any) -> keras.losses.Loss:
    """Return a loss object for a loss, a function or a name."""
    loss = keras.losses.get(identifier)
    return loss if isinstance(loss, keras.losses.Loss) else resolve_name(_LOSS)(loss)


@needs("Trainer._metrics")
def own_metrics(model: keras.Model) -> list[Any]:
    """Return the list of the metrics that a model reports beside those it is compiled with."""
    metrics: list[Any] = model._metrics
    return metrics


def direction_of(metric: keras.metrics.Metric) -> str | None:
    """Return the direction in which a metric improves, `up` or `down`; None if unknown."""
    direction = getattr(metric, "_direction", None)
    return str(direction) if direction is not None else None


@needs(_GENERATOR)
def global_generator() -> keras.random.SeedGenerator:
    """Return the generator from which layers and initializers without a seed draw."""
    generator: keras.random.SeedGenerator = resolve_name(_GENERATOR)()
    return generator


@needs("Optimizer._apply_weight_decay")
def multiply_learning_rates(optimizer: Any, factors: Sequence[tuple[Any, float]]) -> None:
    """Let an optimizer train variables with a multiple of its learning rate, and decay them so.

    `update_step` is public, and Keras calls it for each variable. It is the update that is multiplied, as a second
    optimizer with another learning rate would: a multiplied gradient would change nothing for Adam.

    Args:
        optimizer: The optimizer of a compiled model.
        factors: Variables with their factors; others keep the learning rate.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    known = {id(variable.value): factor for variable, factor in factors}
    update_step, apply_weight_decay = inner.update_step, inner._apply_weight_decay

    def factor_of(variable: Any) -> float:
        return known.get(id(variable.value if isinstance(variable, keras.Variable) else variable), 1.0)

    def multiplied_step(gradient: Any, variable: Any, learning_rate: Any) -> Any:
        factor = factor_of(variable)
        return update_step(gradient, variable, learning_rate * factor if factor != 1.0 else learning_rate)

    def multiplied_decay(variables: Any) -> None:
        groups: dict[float, list[Any]] = {}
        for variable in variables:
            groups.setdefault(factor_of(variable), []).append(variable)
        for factor, group in groups.items():
            with _multiplied_decay(inner, factor):
                apply_weight_decay(group)

    inner.update_step = multiplied_step
    inner._apply_weight_decay = multiplied_decay


@contextmanager
def _multiplied_decay(optimizer: Any, factor: float) -> Iterator[None]:
    decays = {name: getattr(optimizer, name, None) for name in ("weight_decay", "adam_weight_decay")}
    stated = {name: value for name, value in decays.items() if value is not None and factor != 1.0}
    for name, value in stated.items():
        setattr(optimizer, name, value * factor)
    try:
        yield
    finally:
        for name, value in stated.items():
            setattr(optimizer, name, value)


@needs("Layer._non_trainable_variables")
def state_variables(model: keras.Model) -> list[Any]:
    """Return the variables that layers change while they train, such as moving averages, without frozen weights."""
    variables = [each for layer in flattened_layers(model) for each in layer._non_trainable_variables]
    return [each for each in {id(each): each for each in variables}.values() if "float" in str(each.dtype)]


@needs("Layer._trainable_variables")
def own_trainable_variables(layer: Any) -> list[Any]:
    """Return the variables of a layer itself that train unless they are frozen."""
    return list(layer._trainable_variables)


@needs("Layer._trainable_variables")
def set_trainable(layer: Any, trainable: bool) -> None:
    """Set the flag of a layer, and of its own variables: TensorFlow drops an assignment of the value that is there."""
    layer.trainable = trainable
    for variable in layer._trainable_variables:
        variable.trainable = trainable


@needs("Dense._kernel")
def frozen_by_lora(layer: Any) -> Any:
    """Return the variable that LoRA freezes in an adapted layer."""
    return layer._embeddings if hasattr(layer, "_embeddings") else layer._kernel


def counting_variables(model: keras.Model) -> list[Any]:
    """Return the variables that layers count in, such as the states of random generators, and the shared generator."""
    variables = [each for each in model.non_trainable_variables if "int" in str(each.dtype)]
    return list({id(each): each for each in (*variables, global_generator().state)}.values())


def seeds_of_replicas(replica: Callable[[], int]) -> None:
    """Let random generators draw other numbers on each replica; those of replica 0 stay as they are.

    Where Keras does so by itself, its generators stay as they are.

    Args:
        replica: Returns the number of the replica that the calling thread traces, 0 outside of a replica.
    """
    draw = getattr(keras.random.SeedGenerator.next, "graphspec_draw", keras.random.SeedGenerator.next)
    keras.random.SeedGenerator.next = draw
    if not _draw_alike():
        return

    def draw_for_replica(generator: Any, *arguments: Any, **keywords: Any) -> Any:
        seed = draw(generator, *arguments, **keywords)
        number = replica()
        return seed + keras.ops.convert_to_tensor([number * _SEED_STRIDE, 0], seed.dtype) if number else seed

    draw_for_replica.graphspec_draw = draw  # type: ignore[attr-defined]
    keras.random.SeedGenerator.next = draw_for_replica


def distribution_faults() -> list[str]:
    """Return what a training on several devices needs, and the installed Keras does otherwise; empty if nothing."""
    tried = {
        "random layers draw other numbers on each device": _draws_by_replica,
        "states that layers change in training are separate from frozen weights": _finds_states,
        "masks are known where losses are computed": _knows_masks,
        "metrics, regularizers and the optimizer are computed from values in a scope": _computes_in_scope,
    }
    with fresh_layer_names():
        return [what for what, holds in tried.items() if not _holds(holds)]


def _holds(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except Exception:  # a part of Keras that is gone can end in any
        return False


def _random(replica: int) -> list[float]:
    """Return random numbers as replica `replica` draws them from a generator of its own."""
    with tf.distribute.ReplicaContext(tf.distribute.get_strategy(), replica):
        numbers = keras.random.uniform((4,), seed=keras.random.SeedGenerator(1))
        return [float(each) for each in keras.ops.convert_to_numpy(numbers)]


def _draw_alike() -> bool:
    return _random(0) == _random(1)


def _draws_by_replica() -> bool:
    """Return whether generators differ by replica, with what `seeds_of_replicas` adds where Keras needs it."""
    before, plain = keras.random.SeedGenerator.next, _random(0)
    try:
        seeds_of_replicas(
            lambda: int(tf.get_static_value(tf.distribute.get_replica_context().replica_id_in_sync_group))
        )
        return _random(0) == plain and not _draw_alike()
    finally:
        keras.random.SeedGenerator.next = before


def _finds_states() -> bool:
    layers = [keras.layers.Dense(2, trainable=False), keras.layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((2,)), *layers])
    states, norm = state_variables(model), layers[1]
    return {id(each) for each in states} == {id(norm.moving_mean), id(norm.moving_variance)}


def _knows_masks() -> bool:
    read = keras.layers.Embedding(3, 2, mask_zero=True)
    return mask_of(read(keras.ops.convert_to_tensor([[1, 0]]))) is not None


def _computes_in_scope() -> bool:
    """Return whether a step in a scope computes with the values there, and leaves variables as they are."""
    ones, zeros = keras.ops.ones((2, 1)), keras.ops.zeros((2, 1))
    dense = keras.layers.Dense(1, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(1.0))
    model = keras.Sequential([keras.Input((1,)), dense])
    model.compile("adam", "mse", metrics=["mae"])
    build_symbolically(model, (tf.TensorSpec((None, 1)), tf.TensorSpec((None, 1))))
    metrics = model.metrics_variables
    mapping = [(each, tf.zeros_like(each.value)) for each in metrics] + [(dense.kernel, tf.constant([[2.0]]))]
    with keras.StatelessScope(state_mapping=mapping, collect_losses=True):
        predicted = model(ones, training=True)
        loss = model.compute_loss(x=ones, y=zeros, y_pred=predicted)
        model.compute_metrics(ones, zeros, predicted)
        seen = [float(keras.ops.sum(each.value)) for each in metrics]
    is_kept = all(float(keras.ops.sum(each.value)) == 0 for each in metrics) and float(dense.kernel.value[0, 0]) == 1
    return is_kept and model.optimizer.built and float(loss) == 8.0 and 4.0 in seen


@needs("tensorflow.python.eager.context.Context.configure_coordination_service")
@contextmanager
def bounded_connection(seconds: float) -> Iterator[None]:
    """Let TensorFlow wait for the other workers so long at most; it hears no signal meanwhile.

    It raises `tf.errors.DeadlineExceededError` then.
    """
    current = resolve_name("tensorflow.python.eager.context.context")()
    configure = current.configure_coordination_service
    bound = {"cluster_register_timeout_in_ms": int(1000 * seconds)}

    def configure_all(*arguments: Any, **keywords: Any) -> None:
        configure(*arguments, **{**keywords, **bound})
        with suppress(AttributeError):  # a TensorFlow that does not know it
            current.coordination_service.cluster_register_with_barrier = True  # or its leader waits for an hour

    current.configure_coordination_service = configure_all
    try:
        yield
    finally:
        del current.configure_coordination_service
