"""The state of a training: taken from one model and put into another, it makes the two go on alike, to the bit."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from graphspec.catalog import names
from graphspec.training.callback_state import restore_callback, state_of
from graphspec.training.checkpoint_file import CheckpointContents, DamagedError
from graphspec.training.state import Position, TrainingState, restore_model

L = keras.layers
X = np.random.default_rng(0).random((24, 6)).astype(np.float32)
Y = X @ np.arange(6, dtype=np.float32)[:, None] + 1.0
OPTIMIZERS = sorted(set(names("optimizers")) - {"LossScaleOptimizer", "Optimizer", "MultiOptimizer"})


def model_with(optimizer: Any, *layers: Any) -> keras.Model:
    """A small model that draws random numbers, compiled with `optimizer`, its metrics and optimizer built."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6,))
    hidden = L.Dropout(0.2)(L.BatchNormalization()(L.Dense(5)(inputs)))
    for layer in layers:
        hidden = layer(hidden)
    model = keras.Model(inputs, L.Dense(1)(hidden))
    model.compile(optimizer, "mse", metrics=["mae"])
    model._symbolic_build(data_batch=(X, Y))
    return model


def train(model: keras.Model, steps: range) -> None:
    """One batch of four a step."""
    for step in steps:
        at = slice(4 * (step % 6), 4 * (step % 6) + 4)
        model.train_on_batch(X[at], Y[at])


QUICK = ("SGD", "Adam", "Adafactor", "Lion")
"""Optimizers that are tried in every run of the tests."""


def optimizer(name: str, scaled: bool) -> Any:
    """An optimizer of Keras under its defaults, alone or as mixed precision wraps it."""
    found = getattr(keras.optimizers, name)()
    return keras.optimizers.LossScaleOptimizer(found, dynamic_growth_steps=3) if scaled else found


@pytest.mark.parametrize(
    ("name", "scaled"),
    [
        *(pytest.param(name, False, marks=() if name in QUICK else pytest.mark.long) for name in OPTIMIZERS),
        *((name, True) for name in ("Adam", "Nadam", "SGD")),
    ],
)
def test_every_optimizer_goes_on_alike(name: str, scaled: bool) -> None:
    """Whatever an optimizer keeps, in variables that Keras lists or not, is part of the state."""
    first, second = (model_with(optimizer(name, scaled)) for _ in range(2))
    train(first, range(5))
    taken = TrainingState(first, []).take(Position(0, 5))
    kept = CheckpointContents(taken.state, {key: array.copy() for key, array in taken.arrays.items()})
    train(first, range(5, 9))
    TrainingState(second, []).restore(kept)
    train(second, range(5, 9))
    for ours, theirs in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert first.get_metrics_result() == second.get_metrics_result()


def test_random_generators_that_all_share_are_part_of_it() -> None:
    """Python's, NumPy's and Keras' own: what is drawn after is the same."""
    import random

    def draw() -> list[Any]:
        return [random.random(), np.random.rand(), float(keras.random.uniform(())), random.gauss(0, 1)]

    state = TrainingState(model_with("sgd"), [])
    random.gauss(0, 1)  # leaves the second of a pair for the next
    taken = state.take(Position(0, 0))
    kept = CheckpointContents(taken.state, {key: array.copy() for key, array in taken.arrays.items()})
    first = draw()
    state.restore(kept)
    assert draw() == first


def test_state_of_another_model_changes_nothing() -> None:
    """What does not fit as a whole is refused as a whole."""
    small, large = model_with("sgd"), model_with("sgd", L.Dense(7))
    taken = TrainingState(large, []).take(Position(0, 0))
    before = [each.copy() for each in small.get_weights()]
    with pytest.raises(DamagedError, match="another model"):
        TrainingState(small, []).restore(taken)
    with pytest.raises(DamagedError, match="another model"):
        restore_model(small, taken)
    assert all(np.array_equal(one, other) for one, other in zip(before, small.get_weights(), strict=True))


def test_state_of_a_training_with_other_callbacks_is_refused() -> None:
    """What one callback has come to know is nothing for another."""
    model = model_with("sgd")
    taken = TrainingState(model, [keras.callbacks.EarlyStopping()]).take(Position(0, 0))
    with pytest.raises(DamagedError, match="other callbacks"):
        TrainingState(model, [keras.callbacks.ReduceLROnPlateau()]).restore(taken)


class Knowing(keras.callbacks.Callback):
    """Keeps values of every kind in its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.values: Any = None
        self.file: Any = None


VALUES = [
    *(None, True, 3, 0.1, "text", float("inf"), [1, [2.5, None]], (1, (2, "a")), {"a": 1, 2: (3,)}, [], {}, ()),
    *(np.float32(0.1), np.int64(7), np.arange(6).reshape(2, 3), [np.ones(2), {"w": np.zeros(3)}], keras.ops.less),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_callbacks_know_comes_back(value: Any) -> None:
    """Numbers, texts, lists, tuples, mappings, arrays and operations, of the same types and to the bit."""
    import json

    callback, other = Knowing(), Knowing()
    callback.values, callback.file = value, open(__file__, encoding="utf-8")  # noqa: SIM115 - it is no data
    arrays: dict[str, Any] = {}
    packed = json.loads(json.dumps(state_of(callback, arrays, "callbacks/00")))
    callback.file.close()
    restore_callback(other, packed, arrays)
    assert repr(other.values) == repr(value)
    assert type(other.values) is type(value)
    assert other.file is None


def test_paths_of_a_callback_stay_where_they_are(tmp_path: Any) -> None:
    """A run that has moved does not write to where it was."""
    was = keras.callbacks.ModelCheckpoint(str(tmp_path / "was" / "m.keras"), monitor="loss", save_best_only=True)
    now = keras.callbacks.ModelCheckpoint(str(tmp_path / "now" / "m.keras"), monitor="loss", save_best_only=True)
    was.best = 0.5
    restore_callback(now, state_of(was, {}, ""), {})
    assert now.best == 0.5
    assert now.filepath == str(tmp_path / "now" / "m.keras")
