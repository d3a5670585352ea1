"""What is private in Keras is used in one module, and all of it is there in the Keras at hand."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from graphspec.to_keras import keras_internals as internals

PACKAGE = Path(internals.__file__).parent.parent
OWN = {"self", "cls", "super"}


def private_uses(path: Path) -> list[str]:
    """The imports of private modules, and the private attributes of anything but `self`, with their lines."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("keras.src", "tensorflow.python")):
            found.append(f"{path.name}:{node.lineno} {node.module}")
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            is_own = isinstance(node.value, ast.Name) and node.value.id in OWN
            if not is_own and is_in_keras(node.attr):
                found.append(f"{path.name}:{node.lineno} {node.attr}")
    return found


@cache
def is_in_keras(name: str) -> bool:
    """Return whether a layer, model, tensor, metric, optimizer or callback of Keras has an attribute of this name."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    of_keras = (
        *(model, model.layers[0], model.inputs[0], model.optimizer, keras.metrics.AUC(), keras.losses.Huber()),
        *(keras.layers.TextVectorization(), keras.layers.RNN, keras.callbacks.Callback(), keras.Variable),
    )
    return any(hasattr(each, name) for each in of_keras)


def test_one_module_alone_uses_what_is_private() -> None:
    """No other module imports `keras.src` or `tensorflow.python`, or reads a private attribute of a Keras object."""
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "keras_internals.py"]
    assert [use for path in modules for use in private_uses(path)] == []
    assert len(private_uses(Path(internals.__file__))) >= 10


def weightless() -> bool:
    """A large model and a stateful recurrent one are built without an array."""
    with internals.weightless_scope():
        inputs = keras.Input((4, 3), batch_size=2)
        lstm = keras.layers.LSTM(10**5, stateful=True)
        keras.Model(inputs, lstm(inputs))
    return bool(lstm.count_params() > 10**10 and not lstm.non_trainable_weights)


def fresh_names() -> bool:
    """A layer is numbered from the start within the scope, and on from where it was after it."""
    keras.layers.Dense(1)
    before = keras.layers.Dense(1).name
    with internals.fresh_layer_names():
        within = keras.layers.Dense(1).name
    after = keras.layers.Dense(1).name
    return bool(within == "dense" and int(after.rpartition("_")[2]) == int(before.rpartition("_")[2]) + 1)


def released() -> bool:
    """A gradient that was registered within is not there afterwards, and one from before is."""
    from tensorflow.python.framework import ops

    registry = ops.gradient_registry._registry
    registry["CustomGradient-before"] = registry["CustomGradient-kept"] = None
    with internals.released_models():
        registry["CustomGradient-within"] = None
    left = [name in registry for name in ("CustomGradient-before", "CustomGradient-within")]
    del registry["CustomGradient-before"], registry["CustomGradient-kept"]
    return left == [True, False]


def nested_layers() -> bool:
    """Layers within models within a model are found, and the tensors' calls and operations are those of Keras."""
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="deep")])
    inputs = keras.Input((2,))
    result = inner(inputs)
    model = keras.Model(inputs, result)
    names = [each.name for each in internals.flattened_layers(model, include_self=False)]
    call = internals.call_behind(result)
    return (
        {"deep", inner.name} <= set(names)
        and model not in internals.flattened_layers(model, include_self=False)
        and model in internals.flattened_layers(model)
        and internals.operation_behind(result) is inner
        and call.input_tensors == [inputs]
        and any(call is each for each in internals.calls_of(inner))
    )


def masks() -> bool:
    """A mask is there where a layer gives one, and nowhere else."""
    masked = keras.layers.Embedding(3, 2, mask_zero=True)(keras.Input((4,), dtype="int32"))
    return internals.mask_of(masked) is not None and internals.mask_of(keras.Input((4,))) is None


def lookups() -> bool:
    """The table of `TextVectorization` gives the words; any other layer is its own."""
    layer = keras.layers.TextVectorization(vocabulary=["a", "b"])
    dense = keras.layers.Dense(1)
    size = int(internals.lookup_layer(layer).lookup_table.size())
    return size == 2 and internals.lookup_layer(dense) is dense


def built_symbolically() -> bool:
    """Metrics and optimizer have their variables before the first batch."""
    import tensorflow as tf

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    data = tf.data.Dataset.from_tensor_slices((np.zeros((4, 2)), np.zeros((4, 1)))).batch(2)
    internals.build_symbolically(model, data.element_spec)
    return model.optimizer.built and len(model.metrics_variables) == 4


def losses() -> bool:
    """A function is a loss with weights, of the value that `compile` reports."""
    y, p, weights = np.array([[1.0], [0.0]]), np.array([[0.0], [0.0]]), np.array([1.0, 3.0])
    made = internals.loss_of(lambda true, given: keras.ops.mean(keras.ops.square(true - given), axis=-1))
    huber = keras.losses.Huber()
    return float(made(y, p, weights)) == 0.5 and internals.loss_of(huber) is huber


def directions() -> bool:
    """Keras says of a metric whether more of it is better."""
    found = [internals.direction_of(each) for each in (keras.metrics.AUC(), keras.metrics.MeanSquaredError())]
    return found == ["up", "down"] and internals.direction_of(keras.metrics.Mean()) is None


def state() -> Any:
    """Return the state of the global generator."""
    return keras.ops.convert_to_numpy(internals.global_generator().state)


def generators() -> bool:
    """Dropout without a seed of its own draws from the generator, and `set_random_seed` sets it back."""
    keras.utils.set_random_seed(3)
    first = state()
    keras.random.normal((2,))
    second = state()
    keras.utils.set_random_seed(3)
    return bool((first != second).any() and (state() == first).all())


@pytest.mark.smoke
@pytest.mark.parametrize(
    "use",
    [
        *(weightless, fresh_names, released, nested_layers, masks, lookups, built_symbolically, losses, directions),
        generators,
    ],
    ids=lambda use: use.__name__,
)
def test_what_is_used_is_there(use: Callable[[], bool]) -> None:
    """Each private thing does with the Keras at hand what the module uses it for."""
    try:
        holds = use()
    except (AttributeError, ImportError, TypeError) as error:
        pytest.fail(f"graphspec/to_keras/keras_internals.py uses what this Keras has no more: {error}")
    assert holds, f"graphspec/to_keras/keras_internals.py: what `{use.__name__}` uses has changed in Keras"
