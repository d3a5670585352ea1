"""Every loss of Keras with outputs and targets of every rank and dtype: what Keras cannot train is found before.

Keras itself trains one batch of each combination. Where it raises, or no weight gets a gradient, `validate` has an error
at the output, its loss or its targets; where `validate` has none, Keras trains.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec import catalog
from graphspec.catalog.comparisons import forms_taken
from graphspec.catalog.losses import OF_CLASS_INDICES, OF_SEQUENCES
from graphspec.catalog.refused import NOT_APPLIED
from graphspec.diagnostics import Diagnostic, SpecError

Write = Callable[..., Path]
Shape = tuple[int, ...]

BATCH = 4
LOSSES = [name for name in catalog.names("losses") if name not in NOT_APPLIED]
OUTPUTS: list[Shape] = [(), (1,), (3,), (5, 1), (5, 3), (2, 5, 1), (2, 5, 3), (2, 2, 5, 3), (2, 1, 2, 5, 3)]
TARGET_DTYPES = ["float32", "float64", "float16", "int64", "int32", "uint8", "bool", "<U1", "complex64"]
OUTPUT_DTYPES = ["float16", "bfloat16", "float64", "int32", "int64", "uint8", "bool"]


def targets_of(output: Shape) -> list[Shape]:
    """Shapes of targets: the output's, without its last axis, with one of 1, lists of labels, and unlike ones."""
    cut = [output[:-1], (*output[:-1], 1)] if output else []
    return list(dict.fromkeys([output, *cut, (2,), (*output, 2), (7, 7)]))


def written(output: Shape, loss: str, *, cast: str | None = None, data: bool = True) -> str:
    """A spec whose output has that shape: a weight for each of its numbers, and values between 0 and 1."""
    steps: list[Any] = [
        {"ops.expand_dims": -1},
        {"Dense": {"units": 1, "activation": "sigmoid"}},
        {"ops.squeeze": {"axis": -1}},
        *([{"ops.cast": cast}] if cast is not None else []),
    ]
    tree: dict[str, Any] = {
        "graphspec": 1,
        "inputs": {"x": list(output)},
        "outputs": {"y": {"from": "x", "apply": steps, "loss": loss}},
        "training": {"optimizer": "sgd"},
    }
    if data:
        tree["data"] = {"train": {"inputs": {"x": "x.npy"}, "outputs": {"y": "y.npy"}}}
    return json.dumps(tree)


def array(shape: Shape, dtype: str = "float32") -> np.ndarray:
    """Classes of 0 and 1."""
    ones = np.random.default_rng(0).integers(0, 2, (BATCH, *shape))
    return ones.astype(dtype)


def keras_model(output: Shape, cast: str | None = None) -> keras.Model:
    """The same model, written in Keras."""
    x = keras.Input(output)
    y = keras.layers.Dense(1, activation="sigmoid")(keras.ops.expand_dims(x, -1))
    y = keras.ops.squeeze(y, axis=-1)
    return keras.Model(x, keras.ops.cast(y, cast) if cast is not None else y)


def trains(model: keras.Model, loss: str, output: Shape, target: np.ndarray) -> bool:
    """Whether Keras trains a batch, with a gradient for the weights."""
    model.compile(keras.optimizers.SGD(0.1), getattr(keras.losses, loss)(), run_eagerly=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = model.train_on_batch(np.ones((BATCH, *output), np.float32), target)
    except Exception:
        return False
    return bool(np.all(np.isfinite(value)))


def errors(path: Path) -> list[Diagnostic]:
    return [each for each in graphspec.validate(path).errors]


def combinations() -> Iterator[tuple[str, Shape, Shape]]:
    for loss in LOSSES:
        for output in OUTPUTS:
            for target in targets_of(output):
                yield loss, output, target


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_every_loss_and_rank(output: Shape, tmp_path: Path) -> None:
    """What `validate` takes, Keras trains; what Keras cannot train is found at the output, its loss or its targets."""
    model = keras_model(output)
    np.save(tmp_path / "x.npy", np.ones((BATCH, *output), np.float32))
    wrong, trained = [], 0
    for loss in LOSSES:
        path = tmp_path / "spec.json"
        path.write_text(written(output, loss), encoding="utf-8")
        for target in targets_of(output):
            values = array(target)
            np.save(tmp_path / "y.npy", values)
            found = errors(path)
            if not found and not trains(model, loss, output, values):
                wrong.append(("validate takes it", loss, target))
            places = [each.span.text for each in found if each.span is not None]
            if any(place not in ("y", '"y"', f'"{loss}"', '"y.npy"') for place in places) or len(places) > 1:
                wrong.append(("at another place", loss, target, [str(each.message) for each in found]))
            trained += not found
    assert not wrong, wrong
    assert trained >= len(LOSSES) - 6
