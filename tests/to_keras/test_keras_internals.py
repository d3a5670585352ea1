"""Private parts of Keras are used in one module only, and exist in the installed Keras; one that is gone is named."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec import catalog
from graphspec.to_keras import keras_internals as internals
from graphspec.to_keras import private_parts

PACKAGE = Path(internals.__file__).parent.parent
OWN = {"self", "cls", "super"}


def private_uses(path: Path) -> list[str]:
    """Return the imports of private modules and the reads of private attributes, with their lines."""
    uses = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("keras.src", "tensorflow.python")):
            uses.append(f"{path.name}:{node.lineno} {node.module}")
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            is_own = isinstance(node.value, ast.Name) and node.value.id in OWN
            if not is_own and is_in_keras(node.attr):
                uses.append(f"{path.name}:{node.lineno} {node.attr}")
    return uses


@cache
def is_in_keras(name: str) -> bool:
    """Return whether an object of Keras, such as a layer or a model, has an attribute of this name."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    objects = (
        *(model, model.layers[0], model.inputs[0], model.optimizer, keras.metrics.AUC(), keras.losses.Huber()),
        *(keras.layers.TextVectorization(), keras.layers.RNN, keras.callbacks.Callback(), keras.Variable),
    )
    return any(hasattr(each, name) for each in objects)


def test_only_one_module_uses_private_parts() -> None:
    """No other module imports `keras.src` or `tensorflow.python`, or reads a private attribute of a Keras object."""
    modules = [path for path in PACKAGE.rglob("*.py") if path.name not in ("keras_internals.py", "private_parts.py")]
    assert [use for path in modules for use in private_uses(path)] == []
    assert len(private_uses(Path(internals.__file__))) >= 8


def weightless() -> bool:
    """Return whether a large stateful layer is built without arrays."""
    with internals.weightless_scope():
        inputs = keras.Input((4, 3), batch_size=2)
        lstm = keras.layers.LSTM(10**5, stateful=True)
        keras.Model(inputs, lstm(inputs))
    return bool(lstm.count_params() > 10**10 and not lstm.non_trainable_weights)


def fresh_names() -> bool:
    """Return whether names start anew within the scope, and continue after it."""
    keras.layers.Dense(1)
    before = keras.layers.Dense(1).name
    with internals.fresh_layer_names():
        within = keras.layers.Dense(1).name
    after = keras.layers.Dense(1).name
    return bool(within == "dense" and int(after.rpartition("_")[2]) == int(before.rpartition("_")[2]) + 1)


def released() -> bool:
    """Return whether a gradient registered within is released, and an earlier one kept."""
    from tensorflow.python.framework import ops

    registry = ops.gradient_registry._registry
    registry["CustomGradient-before"] = registry["CustomGradient-kept"] = None
    with internals.released_models():
        registry["CustomGradient-within"] = None
    left = [name in registry for name in ("CustomGradient-before", "CustomGradient-within")]
    del registry["CustomGradient-before"], registry["CustomGradient-kept"]
    return left == [True, False]


def nested_layers() -> bool:
    """Return whether nested layers are found, and the calls and operations behind tensors."""
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
    """Return whether a mask is found on the result of a masking layer only."""
    masked = keras.layers.Embedding(3, 2, mask_zero=True)(keras.Input((4,), dtype="int32"))
    return internals.mask_of(masked) is not None and internals.mask_of(keras.Input((4,))) is None


def unexported_layers() -> bool:
    """Return whether every layer that Keras does not export is a class of the catalogue's module."""
    entries = [catalog.find("layers", name) for name in catalog.names("layers")]
    known = [entry for entry in entries if entry is not None and entry.module]
    found = [internals.unexported(entry.module, entry.name) for entry in known]
    return len(found) >= 3 and all(issubclass(each, keras.Layer) for each in found)


def lookups() -> bool:
    """Return whether `TextVectorization` has a lookup layer, and another layer is its own."""
    layer = keras.layers.TextVectorization(vocabulary=["a", "b"])
    dense = keras.layers.Dense(1)
    size = int(internals.lookup_layer(layer).lookup_table.size())
    return size == 2 and internals.lookup_layer(dense) is dense


def built_symbolically() -> bool:
    """Return whether metrics and optimizer have their variables before the first batch."""
    import tensorflow as tf

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    data = tf.data.Dataset.from_tensor_slices((np.zeros((4, 2)), np.zeros((4, 1)))).batch(2)
    internals.build_symbolically(model, data.element_spec)
    return model.optimizer.built and len(model.metrics_variables) == 4


def losses() -> bool:
    """Return whether a function becomes a loss that takes sample weights."""
    y, p, weights = np.array([[1.0], [0.0]]), np.array([[0.0], [0.0]]), np.array([1.0, 3.0])
    loss = internals.loss_of(lambda true, predicted: keras.ops.mean(keras.ops.square(true - predicted), axis=-1))
    huber = keras.losses.Huber()
    return float(loss(y, p, weights)) == 0.5 and internals.loss_of(huber) is huber


def directions() -> bool:
    """Return whether Keras states the direction in which a metric improves."""
    directions = [internals.direction_of(each) for each in (keras.metrics.AUC(), keras.metrics.MeanSquaredError())]
    return directions == ["up", "down"] and internals.direction_of(keras.metrics.Mean()) is None


def state() -> Any:
    """Return the state of the global generator."""
    return keras.ops.convert_to_numpy(internals.global_generator().state)


def generators() -> bool:
    """Return whether unseeded random numbers move the generator, and repeat from a state that it is given back."""
    before = state()
    first = keras.ops.convert_to_numpy(keras.random.normal((4,)))
    moved = state()
    internals.global_generator().state.assign(before)
    again = keras.ops.convert_to_numpy(keras.random.normal((4,)))
    return bool((before != moved).any() and (first == again).all() and (state() == moved).all())


def several_devices() -> bool:
    """Return whether all that a training on several devices needs holds, and nothing is left behind by trying it."""
    draw, before = keras.random.SeedGenerator.next, keras.layers.Dense(1).name
    faults = internals.distribution_faults()
    first, second = (int(name.partition("_")[2] or 0) for name in (before, keras.layers.Dense(1).name))
    return faults == [] and keras.random.SeedGenerator.next is draw and second == first + 1


@pytest.mark.smoke
@pytest.mark.parametrize(
    "use",
    [
        *(weightless, fresh_names, released, nested_layers, masks, lookups, built_symbolically, losses, directions),
        *(generators, unexported_layers, several_devices),
    ],
    ids=lambda use: use.__name__,
)
def test_private_parts_work_as_used(use: Callable[[], bool]) -> None:
    """Each private part works in the installed Keras as the module uses it."""
    try:
        holds = use()
    except (AttributeError, ImportError, TypeError) as error:
        pytest.fail(f"graphspec/to_keras/keras_internals.py uses a part that this Keras lacks: {error}")
    assert holds, f"graphspec/to_keras/keras_internals.py: the part that `{use.__name__}` tests has changed in Keras"


@pytest.fixture
def forgetful() -> Iterator[None]:
    """What is missing is looked up again, before and after."""
    private_parts.missing_parts.cache_clear()
    yield
    private_parts.missing_parts.cache_clear()


@pytest.mark.smoke
def test_no_part_is_missing() -> None:
    """The installed Keras has all parts, and each is in the table once."""
    assert private_parts.missing_parts() == ()
    assert len({part.name for part in private_parts.PARTS}) == len(private_parts.PARTS)


@pytest.mark.usefixtures("forgetful")
def test_a_part_that_is_gone_is_named_with_its_feature(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said at the start; what needs it is refused, and all else works."""
    for each in keras.optimizers.Optimizer.__mro__:
        if "_apply_weight_decay" in vars(each):
            monkeypatch.delattr(each, "_apply_weight_decay")
    private_parts.name_missing_parts()
    assert capsys.readouterr().err == (
        f"Keras {keras.__version__} lacks `Optimizer._apply_weight_decay`; "
        "this does not work with it: `learning_rate_multipliers`\n"
    )
    with pytest.raises(graphspec.SpecError, match="GS917") as refused:
        internals.multiply_learning_rates(keras.optimizers.SGD(), [])
    assert "which this needs: `learning_rate_multipliers`" in str(refused.value)
    assert nested_layers()
    assert built_symbolically()


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize(
    ("holder", "name", "part"),
    [
        (keras.layers.RNN, "_create_state_variables", "RNN._create_state_variables"),
        ("keras.src.utils.tracking", "no_automatic_dependency_tracking", "keras.src.utils.tracking"),
        ("keras.src.losses.losses", "LossFunctionWrapper", "keras.src.losses.losses.LossFunctionWrapper"),
    ],
)
def test_models_are_built_without_a_part(
    monkeypatch: pytest.MonkeyPatch, holder: Any, name: str, part: str, tmp_path: Path
) -> None:
    """A model that needs none of it is built and counted as before."""
    monkeypatch.delattr(import_module(holder) if isinstance(holder, str) else holder, name)
    assert [each.name.startswith(part) for each in private_parts.missing_parts()] == [True]
    path = tmp_path / "spec.yaml"
    path.write_text("graphspec: 1\ninputs: {x: [3]}\noutputs: {y: {from: x, apply: {Dense: 2}}}\n", encoding="utf-8")
    assert graphspec.build(path, weightless=True).count_params() == 8
