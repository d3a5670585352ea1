"""The numbers of an export against those of its model: what counts as the same, and on which samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.exporting import comparison

from .exports import chain, refusal, saved

Write = Callable[..., Path]
L = keras.layers


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("expected", "found", "absolute", "relative"),
    [
        ([1.0, -4.0], [1.0, -4.0], 0, 0),
        ([1.0, -4.0], [1.5, -4.0], 0.5, 0.125),
        ([1.0, NAN], [1.0, NAN], 0, 0),
        ([1.0, INF], [1.0, INF], 0, 0),
        ([1.0, INF], [1.0, -INF], INF, INF),
        ([1.0, 2.0], [1.0, NAN], INF, INF),
        ([1.0, NAN], [1.0, 2.0], INF, INF),
        ([1, 2], [1, 3], 1, INF),
        ([True, False], [True, False], 0, 0),
        ([b"a", b"b"], [b"a", b"c"], INF, INF),
        ([0.0, 0.0], [0.0, 1e-3], 1e-3, 1e-3 / np.finfo(np.float32).eps),
    ],
)
def test_difference(expected: list[Any], found: list[Any], absolute: float, relative: float) -> None:
    """It is measured by the greatest value; what is not finite must be so in both, whole numbers are not rounded."""
    apart = comparison.difference(np.array(expected), np.array(found))
    assert (apart.absolute, apart.relative) == pytest.approx((absolute, relative))


@pytest.mark.parametrize(
    ("expected", "found", "said"), [([1.0], [1.0, 2.0], "shape"), ([NAN, INF], [NAN, INF], "never finite")]
)
def test_what_cannot_be_compared(expected: list[float], found: list[float], said: str) -> None:
    """Other shapes, and numbers that tell nothing, are no agreement."""
    with pytest.raises(comparison.IncomparableError, match=f"`y` .*{said}"):
        comparison.differences({"y": np.array(expected)}, {"y": np.array(found)})


class Noisy(keras.layers.Layer):
    """Adds noise, whatever it is called for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, x: Any) -> Any:
        return x + keras.random.normal(keras.ops.shape(x), seed=self.seeds)


def test_random_model_is_refused(tmp_path: Path) -> None:
    """A model that gives other numbers each time cannot be compared, whatever was exported."""
    keras.saving.register_keras_serializable("tests")(Noisy)
    code, text = refusal(saved(tmp_path / "m.keras", chain((3,), Noisy())), "saved-model")
    assert code == "GS908"
    assert "output `y` varies between calls" in text


def test_training_that_predict_overrides_is_caught(tmp_path: Path) -> None:
    """`Dropout` called with `training=True` drops in what Keras exports, and not in `predict`: that is no agreement."""
    x = keras.Input((3,), name="x")
    model = keras.Model({"x": x}, {"y": L.Dropout(0.5)(x, training=True)})
    code, text = refusal(saved(tmp_path / "m.keras", model), "saved-model")
    assert code == "GS908"
    assert "the SavedModel export differs from the model in the output `y`" in text
    assert [each.name for each in tmp_path.iterdir()] == ["m.keras"]


def test_random_values_that_the_model_cannot_take_are_told(tmp_path: Path) -> None:
    """What TensorFlow says of them, without its stack, and what to do; with samples that fit it works."""
    lookup = L.StringLookup(vocabulary=["a\nb", "c"], num_oov_indices=0, name="looked_up")
    x, z = keras.Input((1,), dtype="string", name="x"), keras.Input((1,), dtype="string", name="z")
    other = L.StringLookup(vocabulary=["d"], num_oov_indices=0)
    path = saved(tmp_path / "m.keras", keras.Model({"x": x, "z": z}, {"y": lookup(x), "w": other(z)}))
    code, text = refusal(path, "saved-model")
    assert code == "GS908"
    assert "all inputs should be in vocabulary" in text
    assert "--input" in text
    assert "File" not in text
    np.savez(tmp_path / "words.npz", x=np.array([["c"], ["c"]]), z=np.array([["d"], ["d"]]))
    files = {name: f"{tmp_path / 'words.npz'}#{name}" for name in ("x", "z")}
    assert graphspec.export(path, "saved-model", inputs=files).samples == 2


def test_run_whose_data_is_gone_is_compared_on_random_values(write: Write, tmp_path: Path) -> None:
    """The export works all the same, and says why the samples are random."""
    for name in ("x", "y"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(20, 1)))
    spec = write(
        """
        graphspec: 1
        inputs: {x: [1]}
        outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
        training: {optimizer: sgd, epochs: 1}
        data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}
        """
    )
    run = graphspec.train(spec, run_dir=tmp_path / "run")
    (tmp_path / "x.npy").unlink()
    done = graphspec.export(run, "saved-model")
    assert done.compared_on.startswith("of random values, since the train split cannot be read: there is no file")
