"""`class_weight` weighs samples by their one class; elsewhere Keras makes up a class, and graphspec says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

import graphspec
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]


def test_keras_makes_up_classes() -> None:
    """Numbers are rounded, of several labels the first one counts, and pixels are refused."""
    weights = {0: 3.0, 1: 5.0}
    assert list(class_weight_to_sample_weights(np.array([0.4, 1.4, -0.2]), weights)) == [3, 5, 3]
    assert list(class_weight_to_sample_weights(np.array([[1, 1], [0, 0]]), weights)) == [3, 3]
    with pytest.raises(TypeError):
        class_weight_to_sample_weights(np.zeros((2, 3, 3)), weights)


def spec(inputs: str, layer: str, loss: str, weights: str) -> str:
    return f"""
        graphspec: 1
        inputs: {{x: {inputs}}}
        outputs: {{y: {{from: x, apply: {{{layer}}}, loss: {loss}, class_weight: {weights}}}}}
        training: {{optimizer: sgd}}
        data: {{train: {{inputs: {{x: x.npy}}, outputs: {{y: y.npy}}}}}}
        """


def dense(units: int, activation: str) -> str:
    return f"Dense: {{units: {units}, activation: {activation}}}"


SOFTMAX, SIGMOID = dense(3, "softmax"), dense(1, "sigmoid")
WEIGHTS = '{"0": 1, "1": 5}'
STATIC: list[tuple[str, str, str, str, str]] = [
    ("[2]", SOFTMAX, "sparse_categorical_crossentropy", WEIGHTS, ""),
    ("[2]", SOFTMAX, "categorical_crossentropy", '{"2": 3}', ""),
    ("[2]", SIGMOID, "binary_crossentropy", WEIGHTS, ""),
    ("[2]", SIGMOID, "mse", WEIGHTS, ""),
    ("[2]", "Dense: 1", "hinge", WEIGHTS, ""),
    ("[2]", "Dense: 3", "mse", WEIGHTS, ""),
    ("[2]", "Dense: 1", "mse", WEIGHTS, "compares numbers"),
    ("[2]", dense(1, "relu"), "mae", WEIGHTS, "compares numbers"),
    ("[2]", "Dense: 1", "{Huber: {delta: 2}}", WEIGHTS, "compares numbers"),
    ("[2]", dense(1, "softplus"), "poisson", WEIGHTS, "compares numbers"),
    ("[2]", SOFTMAX, "sparse_categorical_crossentropy", '{"0": 1, "3": 5}', "there is no class 3 among its 3"),
    ("[2]", SIGMOID, "bce", '{"2": 5}', "there is no class 2 among its 2"),
    ("[4, 2]", SOFTMAX, "sparse_categorical_crossentropy", WEIGHTS, "more than one class"),
    ("[8, 8, 2]", SIGMOID, "bce", WEIGHTS, "more than one class"),
    ("[4, 2]", "Dense: 3", "ctc", WEIGHTS, "compares sequences"),
]


@pytest.mark.parametrize(("inputs", "layer", "loss", "weights", "said"), STATIC)
def test_weights_of_classes_that_are_none(
    inputs: str, layer: str, loss: str, weights: str, said: str, write: Write
) -> None:
    """Where the spec alone says that no class is weighed, `validate` says it, without data."""
    path = write(spec(inputs, layer, loss, weights))
    path.write_text(path.read_text().partition("data:")[0])
    found = graphspec.validate(path).found
    assert [each.rule.code for each in found] == (["GS506"] if said else [])
    if said:
        assert said in found[0].message
        assert found[0].span is not None
        assert found[0].span.text == "class_weight"


TARGETS: list[tuple[str, str, Any, str]] = [
    (SIGMOID, "bce", [0, 1, 1, 0], ""),
    (SIGMOID, "bce", [0, 1, 0.5, 0], "sample 2 of y.npy is not a class: 0.5"),
    (SIGMOID, "mse", [0, 1, 1.5, 0], "sample 2 of y.npy is not a class: 1.5"),
    ("Dense: 1", "hinge", [0, 1, 1, 0], ""),
    ("Dense: 1", "hinge", [-1, 1, 1, -1], "sample 0 of y.npy is not a class: -1"),
    (SOFTMAX, "categorical_crossentropy", [[0, 0, 1], [1, 0, 0]] * 2, ""),
    (SOFTMAX, "categorical_crossentropy", [[0, 0.2, 0.8], [0.9, 0.1, 0]] * 2, ""),
    (SOFTMAX, "categorical_crossentropy", [[0, 0, 1], [1, 1, 0]] * 2, "sample 1 of y.npy does not have one class"),
    (dense(3, "sigmoid"), "bce", [[0, 0, 1], [1, 0, 1]] * 2, "sample 1 of y.npy does not have one class"),
    (dense(3, "sigmoid"), "bce", [[0, 0, 1], [0, 0, 0]] * 2, "sample 1 of y.npy does not have one class"),
    ("Dense: 3", "mse", [[0, 0, 1], [1, 0, 0]] * 2, ""),
    ("Dense: 3", "mse", [[0, 0, 1], [1.5, 0, 0]] * 2, "sample 1 of y.npy does not have one class"),
    (SOFTMAX, "sparse_categorical_crossentropy", [0, 1, 2, 1], ""),
]


@pytest.mark.parametrize(("layer", "loss", "targets", "said"), TARGETS)
def test_targets_of_no_class_where_classes_are_weighed(
    layer: str, loss: str, targets: Any, said: str, write: Write, tmp_path: Path
) -> None:
    """`validate --data` and `train` find the first target whose class Keras would make up."""
    np.save(tmp_path / "x.npy", np.zeros((4, 2), np.float32))
    np.save(tmp_path / "y.npy", np.array(targets))
    path = write(spec("[2]", layer, loss, WEIGHTS))
    found = graphspec.validate(path, values=True).found
    assert [each.rule.code for each in found] == (["GS506"] if said else [])
    if said:
        assert said in found[0].message
        with pytest.raises(SpecError) as refused:
            graphspec.train(path, run_dir=tmp_path / "run")
        assert [each.message for each in refused.value.report.errors] == [found[0].message]
