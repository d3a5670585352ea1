"""Batches in one call: predictions, metrics and states are those of Keras, batch by batch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from graphspec.cli.models import find_model, predictor_of
from graphspec.predicting.input_files import Files
from graphspec.predicting.predictor import Predictor
from graphspec.predicting.several_batches import ahead

L = keras.layers
Array = np.ndarray[Any, Any]


class Noise(keras.layers.Layer):
    """Adds numbers that differ with every call."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, inputs: Any) -> Any:
        return inputs + keras.random.normal(keras.ops.shape(inputs), seed=self.seeds)


def dense(x: Any) -> Any:
    return L.Dense(5, activation="softmax", name="y")(L.BatchNormalization()(x))


def model_of(tmp_path: Path, layer: Any) -> tuple[Path, Array]:
    """A saved model of one input of 4 numbers, and data for it that no batch size of the tests divides."""
    keras.utils.set_random_seed(1)
    x = keras.Input((4,), name="x")
    model = keras.Model({"x": x}, {"y": layer(x)})
    model.compile("sgd", {"y": "mse"}, metrics={"y": ["mae"]})
    model.save(tmp_path / "m.keras")
    data = np.random.default_rng(0).normal(size=(1003, 4)).astype("float32")
    np.save(tmp_path / "x.npy", data)
    return tmp_path / "m.keras", data


@pytest.mark.parametrize("size", [1, 7, 64, 2000])
def test_predictions_are_those_of_batches_in_order(tmp_path: Path, size: int) -> None:
    """Every batch has its size and the bits of Keras, in order."""
    path, data = model_of(tmp_path, dense)
    predictor = predictor_of(find_model(str(path), None), None, None)
    check(predictor, keras.models.load_model(path), data, tmp_path, size)


def test_models_that_change_take_their_batches_one_by_one(tmp_path: Path) -> None:
    """Random numbers that differ from call to call are those of batches in order."""
    path, data = model_of(tmp_path, lambda x: L.Dense(4, name="y")(x))
    of_file = predictor_of(find_model(str(path), None), None, None)
    check(replace(of_file, make=noise), noise(), data, tmp_path, 7)


def noise() -> keras.Model:
    x = keras.Input((4,), name="x")
    return keras.Model({"x": x}, {"y": Noise(name="y")(x)})


def check(predictor: Predictor, model: keras.Model, data: Array, folder: Path, size: int) -> None:
    """Check the batches of a predictor against Keras' own."""
    samples = predictor.samples(Files({"x": str(folder / "x.npy")}), targets=False)
    batches = list(predictor.batches(samples, size))
    assert [len(each.at) for each in batches] == [min(size, 1003 - start) for start in range(0, 1003, size)]
    assert np.array_equal(np.concatenate([each.at for each in batches]), np.arange(1003))
    for start, batch in zip(range(0, 1003, size), batches, strict=True):
        expected = model.predict_on_batch({"x": data[start : start + size]})["y"]
        np.testing.assert_array_equal(batch.predicted["y"], expected)


def test_pieces_hold_whole_batches_and_are_bounded(tmp_path: Path) -> None:
    """A piece holds several small batches, and not much more than a mebibyte of outputs."""
    path, _ = model_of(tmp_path, lambda x: L.Dense(4096, name="y")(x))
    predictor = predictor_of(find_model(str(path), None), None, None)
    samples = predictor.samples(Files({"x": str(tmp_path / "x.npy")}), targets=False)
    sizes = [len(each.at) for each in predictor.pieces(samples, 8)]
    assert sum(sizes) == 1003
    assert max(sizes) == 64  # 64 samples of 16 KiB
    assert [size % 8 for size in sizes[:-1]] == [0] * (len(sizes) - 1)


def test_evaluation_is_that_of_single_steps(tmp_path: Path) -> None:
    """Metrics are those of Keras, all samples are reported, and the model is compiled as before."""
    path, data = model_of(tmp_path, dense)
    targets = np.random.default_rng(1).random((1003, 5)).astype("float32")
    np.save(tmp_path / "y.npy", targets)
    predictor = predictor_of(find_model(str(path), None), None, None)
    samples = predictor.samples(Files({"x": str(tmp_path / "x.npy")}, {"y": str(tmp_path / "y.npy")}), targets=True)
    done: list[int] = []
    evaluation = predictor.evaluate(samples, 8, done.append)
    expected = keras.models.load_model(path).evaluate({"x": data}, {"y": targets}, 8, verbose=0, return_dict=True)
    assert evaluation.metrics["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert len(done) < 20
    assert sum(done) >= 1003
    assert predictor.model.steps_per_execution == 1
    assert predictor.evaluate(samples, 8).metrics == evaluation.metrics


def test_next_is_computed_while_one_is_used() -> None:
    """The second result is begun before the first is done with, and none beyond it; the thread ends with the reader."""
    begun = [threading.Event() for _ in range(4)]

    def results() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number

    reader = ahead(results())
    assert next(reader) == 0
    assert begun[1].wait(10)
    assert not begun[2].is_set()
    reader.close()  # type: ignore[attr-defined]
    assert not any(thread.name.startswith("predict") for thread in threading.enumerate())
    assert not begun[2].is_set()


def test_error_comes_in_its_place() -> None:
    """An error is raised after the results before it, as itself."""

    def results() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    reader = ahead(results())
    assert next(reader) == 1
    with pytest.raises(ValueError, match="broken"):
        next(reader)
