"""A model of one batch size is held against the batches of each split, at the input, before TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]


def spec(size: str, batch_size: str = "", data: str = "", apply: str = "{ops.reshape: [SIZE, 2]}") -> str:
    return f"""
        graphspec: 1
        inputs: {{x: {{shape: [2], batch_size: {size}}}}}
        outputs: {{y: {{from: x, apply: [{apply.replace("SIZE", size)}, {{Dense: 1}}], loss: mse}}}}
        training: {{optimizer: sgd, epochs: 2{batch_size}}}
        data:
          train: {{inputs: {{x: x.npy}}, outputs: {{y: y.npy}}}}
          {data}
        """


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, samples in (("", 120), ("v", 30)):
        np.save(tmp_path / f"{name}x.npy", np.zeros((samples, 2), np.float32))
        np.save(tmp_path / f"{name}y.npy", np.zeros((samples, 1), np.float32))
    return tmp_path


VALIDATION = "validation: {inputs: {x: vx.npy}, outputs: {y: vy.npy}}"
CASES = [
    ("50", ", batch_size: 50", "", "the last batch of the 120 training samples has 20"),
    ("40", ", batch_size: 40", "", ""),
    ("30", ", batch_size: 30", VALIDATION, ""),
    ("40", ", batch_size: 40", VALIDATION, "the last batch of the 30 validation samples has 30"),
    ("30", ", batch_size: 30", "validation: {split: 0.3}", "the last batch of the 84 training samples has 24"),
    ("40", "", "", "as `x` states, but the training has batches of 32"),
]


@pytest.mark.parametrize(("size", "batch_size", "data", "said"), CASES)
def test_batches_of_another_size(size: str, batch_size: str, data: str, said: str, write: Write, files: Path) -> None:
    """`validate` and `train` say the same at the input, and there is no run; what is right trains."""
    path = write(spec(size, batch_size, data))
    found = graphspec.validate(path).found
    assert [each.rule.code for each in found] == (["GS620"] if said else [])
    if not said:
        graphspec.train(path, run_dir=files / "run")
        return
    assert said in found[0].message
    assert found[0].span is not None
    assert found[0].span.text == "x"
    with pytest.raises(SpecError) as refused:
        graphspec.train(path, run_dir=files / "run")
    assert [each.message for each in refused.value.report] == [found[0].message]
    assert not (files / "run").exists()


def test_a_resumed_training_says_the_same(write: Write, files: Path) -> None:
    """An override that changes the batches is found at the input, not at the override."""
    path = write(spec("40", ", batch_size: 40"))
    found = graphspec.validate(path, ["training.batch_size=50"]).found
    assert [(each.rule.code, each.span.text if each.span else "") for each in found] == [("GS620", "x")]


def test_whole_batches_alone(write: Write, files: Path) -> None:
    """`drop_remainder` leaves out the last batch, so the size fits."""
    path = write(spec("50", ", batch_size: 50, drop_remainder: true"))
    assert not graphspec.validate(path).found
    assert [row["step"] for row in graphspec.train(path, run_dir=files / "run").metrics] == [2, 4]


def test_evaluation_leaves_out_nothing(write: Write, files: Path) -> None:
    """A split that is evaluated keeps its last batch, so its size has to fit."""
    path = write(spec("40", ", batch_size: 40, drop_remainder: true", VALIDATION))
    (found,) = graphspec.validate(path).found
    assert (found.rule.code, "of the 30 validation samples" in found.message) == ("GS620", True)
    assert found.help is not None
    assert "`drop_remainder` leaves out none of them" in found.help


def test_a_size_that_nothing_depends_on(write: Write, files: Path) -> None:
    """Keras ignores the size that an input states, so a model without an operation on it trains on any batch."""
    path = write(spec("50", "", "", "{Dense: 3}"))
    assert not graphspec.validate(path).found
    assert len(graphspec.train(path, run_dir=files / "run").metrics) == 2


def test_recurrent_layers_that_keep_their_state(write: Write, files: Path) -> None:
    """The state of a `stateful` layer has the size of the batch."""
    path = write(spec("50", ", batch_size: 50", "", "{Reshape: [1, 2]}, {LSTM: {units: 3, stateful: true}}"))
    assert [each.rule.code for each in graphspec.validate(path).found] == ["GS620"]


def test_why_it_is_an_error() -> None:
    """Keras trains the whole batches, and fails at the last one."""
    x = keras.Input((2,), batch_size=50)
    model = keras.Model(x, keras.layers.Dense(1)(keras.ops.reshape(x, (50, 2))))
    model.compile("sgd", "mse")
    with pytest.raises(Exception, match=r"\[20,1\] vs. \[50,1\]"):
        model.fit(np.zeros((120, 2)), np.zeros((120, 1)), batch_size=50, verbose=0)
