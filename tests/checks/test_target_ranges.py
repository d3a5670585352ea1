"""Targets that their loss makes nothing of: Keras computes with any number, graphspec says which one is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import graphspec
from graphspec import catalog
from graphspec.catalog.losses import (
    BINARY,
    CATEGORICAL,
    OF_CLASS_INDICES,
    OF_NUMBERS,
    TARGET_RANGES,
)
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]
GRID = np.linspace(0.001, 0.999, 9).astype(np.float32)
ONE_UNIT = "{Dense: {units: 1, activation: ACTIVATION}}"


def least(loss: str, target: float) -> tuple[float, float]:
    """The least that Keras makes of any output for one target, or for it beside zeros; and the output's first unit."""
    compare = keras.losses.get(loss)
    is_row = "categorical" in loss.lower()
    outputs = np.stack([GRID, 1 - GRID], axis=1) if is_row else GRID[:, None]
    targets = np.array([[target, 0.0] if is_row else [target]], np.float32)
    found = [float(np.mean(compare(targets, output[None]))) for output in outputs]
    at = int(np.argmin(found))
    return found[at], float(outputs[at][0])


def is_meaningless(loss: str, target: float) -> bool:
    """Whether Keras does with a target what no training wants.

    The loss falls below that of every right answer, or is that of another target.
    """
    wanted = TARGET_RANGES[loss]
    right = [0.0, 0.25, 0.5, 0.75, 1.0] if not wanted.values else [0.0, 1.0]
    value, at = least(loss, target)
    if value < min(least(loss, each)[0] for each in right) - 0.1:
        return True
    cut_off = [least(loss, each) for each in (0.0, 1.0)]
    return any(np.allclose((value, at), each, atol=1e-3) for each in cut_off)


@pytest.mark.parametrize("loss", sorted(TARGET_RANGES))
def test_keras_makes_nothing_of_targets_beyond_the_range(loss: str) -> None:
    """Each end of each range is there because of what Keras does beyond it."""
    wanted = TARGET_RANGES[loss]
    if "ategorical" in loss and "inge" in loss:
        assert least(loss, 255)[1] < 0.9 < least(loss, 1)[1]  # the greater class is no longer asked for
        return
    if wanted.low == 0:
        assert is_meaningless(loss, -1)
        assert is_meaningless(loss, -0.5)
    if wanted.high == 1 and not wanted.values:
        assert is_meaningless(loss, 2)
        assert is_meaningless(loss, 255)
    if wanted.values:
        compare = keras.losses.get(loss)
        mixed = np.array([[0.0], [2.0]], np.float32)
        alike = [float(np.mean(compare(mixed, np.array([[each], [0.5]], np.float32)))) for each in (-1.0, 0.0, 1.0)]
        assert len(set(alike)) == 1  # beside a 2, or a -1, a 0 asks for nothing


def test_every_loss_of_keras_is_known_here() -> None:
    """A loss that a new Keras brings is put into one of the tables, or named as one of its own."""
    known = {*catalog.names("losses"), *catalog.identifiers("losses")} - {"Loss"}
    of_their_own = {"CTC", "ctc", "Circle", "circle"}
    tables = {*OF_CLASS_INDICES, *OF_NUMBERS, *TARGET_RANGES, *BINARY, *CATEGORICAL, *of_their_own}
    assert tables == known


def spec(loss: str, activation: str = "sigmoid", units: int = 1, source: str = "y.npy", more: str = "") -> str:
    return f"""
        graphspec: 1
        inputs: {{x: [2]}}
        outputs:
          y: {{from: x, apply: {{Dense: {{units: {units}, activation: {activation}}}}}, loss: {loss}}}
        training: {{optimizer: sgd}}
        data:
          train: {{inputs: {{x: x.npy}}, outputs: {{y: {source}}}{more}}}
        """


CASES: list[tuple[str, list[float], str]] = [
    ("binary_crossentropy", [0, 1, 1, 0], ""),
    ("binary_crossentropy", [0, 0.3, 0.7, 1], ""),
    ("binary_crossentropy", [0, 1.00001, 1, -0.00001], ""),
    ("binary_crossentropy", [0, 1, -1, 1], "sample 2 of y.npy has the target -1"),
    ("bce", [0, 1, 2, 1], "sample 2 of y.npy has the target 2"),
    ("BinaryCrossentropy", [0, 255, 255, 0], "scale: 0.0039"),
    ("{BinaryFocalCrossentropy: {gamma: 3}}", [0, 1, 1, 2.0**62], "has the target 4.61169e+18"),
    ("binary_focal_crossentropy", [-0.5, 0, 1, 1], "sample 0"),
    ("hinge", [0, 1, 1, 0], ""),
    ("hinge", [-1, 1, 1, -1], ""),
    ("hinge", [1, 1, 1, 1], ""),
    ("hinge", [-1, 1, 0, 1], "sample 2 of y.npy has the target 0"),
    ("squared_hinge", [0, 1, 2, 1], "has the target 2"),
    ("SquaredHinge", [0, 0.5, 1, 1], "has the target 0.5"),
    ("dice", [0, 255, 1, 1], "has the target 255"),
    ("{Tversky: {alpha: 0.3}}", [0, -1, 1, 1], "has the target -1"),
    ("poisson", [0, 7, 3, 1.5], ""),
    ("poisson", [0, 7, -3, 1], "has the target -3"),
    ("msle", [0, 7, -3, 1], "has the target -3"),
    ("kl_divergence", [0, 0.5, 1, 7], "has the target 7"),
    ("mse", [-255, 2.0**62, -1, 0], ""),
    ("mae", [-255, 7, -1, 0], ""),
]


@pytest.mark.parametrize(("loss", "targets", "said"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_targets_beyond_the_range_of_their_loss_are_found(
    loss: str, targets: list[float], said: str, dtype: Any, write: Write, tmp_path: Path
) -> None:
    """`validate --data` says it with value, place and mend, and `train` says the same before TensorFlow."""
    if dtype is np.int64 and any(each != int(each) for each in targets):
        return
    np.save(tmp_path / "x.npy", np.ones((4, 2), np.float32))
    np.save(tmp_path / "y.npy", np.array(targets, dtype))
    path = write(spec(loss, "softplus" if said == "" and loss == "poisson" else "sigmoid"))
    found = graphspec.validate(path, values=True).found
    assert [each.rule.code for each in found] == (["GS609"] if said else [])
    if said:
        assert said in f"{found[0].message} {found[0].help}"
        assert found[0].help
        assert found[0].span is not None
        assert found[0].span.text == "y.npy"
        with pytest.raises(SpecError) as refused:
            graphspec.train(path, run_dir=tmp_path / "run")
        assert [each.message for each in refused.value.report.errors] == [found[0].message]
        assert not (tmp_path / "run").exists()
        assert not graphspec.validate(path).found


@pytest.mark.parametrize(("rows", "said"), [([[0, 2], [1, 1]] * 2, ""), ([[0, 1], [-1, 1]] * 2, "sample 1")])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "CategoricalFocalCrossentropy"])
def test_rows_of_classes(loss: str, rows: Any, said: str, write: Write, tmp_path: Path) -> None:
    """Counts of classes are a likelihood; what is below zero is none."""
    np.save(tmp_path / "x.npy", np.ones((4, 2), np.float32))
    np.save(tmp_path / "y.npy", np.array(rows, np.float32))
    found = graphspec.validate(write(spec(loss, "softmax", 2)), values=True).found
    assert [each.rule.code for each in found] == (["GS609"] if said else [])
    assert not said or said in found[0].message


def test_shards_and_images_are_named(write: Write, tmp_path: Path) -> None:
    """A wrong target is named with its file where a source has several; a mask of 0 and 255 is told its scale."""
    np.save(tmp_path / "x.npy", np.ones((4, 2), np.float32))
    for name, values in (("y0", [0, 1]), ("y1", [1, 7])):
        np.save(tmp_path / f"{name}.npy", np.array(values))
    found = graphspec.validate(write(spec("bce", source='"y?.npy"')), values=True).found
    assert [each.message.split(" of ")[0] for each in found] == ["sample 3, which y1.npy holds"]

    masks = """
        graphspec: 1
        inputs: {x: [4, 4, 1]}
        outputs: {y: {from: x, apply: {Conv2D: {filters: 1, kernel_size: 1, activation: sigmoid}}, loss: bce}}
        training: {optimizer: sgd}
        data:
          train:
            inputs: {x: {files: "m*.png", decode: image}}
            outputs: {y: {files: "m*.png", decode: imageSCALE}}
        """
    for number, grey in enumerate((0, 255)):
        Image.fromarray(np.full((4, 4), grey, np.uint8)).save(tmp_path / f"m{number}.png")
    found = graphspec.validate(write(masks.replace("SCALE", "")), values=True).found
    assert [each.rule.code for each in found] == ["GS609"]
    assert "sample 1, m1.png" in found[0].message
    scale = found[0].help.split("`")[1]
    assert scale.startswith("scale: ")
    assert not graphspec.validate(write(masks.replace("SCALE", f", {scale}")), values=True).found


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_negative_sample_weights_are_found(dtype: Any, write: Write, tmp_path: Path) -> None:
    """A negative weight trains away from its target: Keras' loss of such a sample is below zero."""
    one = np.ones((1, 1), np.float32)
    assert float(keras.losses.MeanSquaredError()(one, one * 3, sample_weight=np.array([-1.0]))) < 0
    np.save(tmp_path / "x.npy", np.ones((4, 2), np.float32))
    np.save(tmp_path / "y.npy", np.ones(4, np.float32))
    path = write(spec("mse", "linear", more=", sample_weights: {y: w.npy}"))
    np.save(tmp_path / "w.npy", np.array([0, 1, 2, 1], dtype))
    assert not graphspec.validate(path, values=True).found
    np.save(tmp_path / "w.npy", np.array([0, 1, -2, 1], dtype))
    found = graphspec.validate(path, values=True).found
    assert [(each.rule.code, each.message.split(",")[0]) for each in found] == [
        ("GS609", "sample 2 of w.npy has the weight -2")
    ]
    with pytest.raises(SpecError):
        graphspec.train(path, run_dir=tmp_path / "run")


def test_generalised_crossentropy_takes_class_indices(write: Write, tmp_path: Path) -> None:
    """It compares each sample with all of its batch where an index stands in a list of its own; that is refused."""
    outputs = np.array([[0.2, 0.7, 0.1], [0.6, 0.1, 0.3]], np.float32)
    by_hand = keras.losses.CategoricalGeneralizedCrossEntropy(0.5, reduction=None)
    assert by_hand(np.array([1, 0]), outputs).shape == (2,)
    assert by_hand(np.array([[1], [0]]), outputs).shape == (2, 2)
    path = write(spec("{CategoricalGeneralizedCrossEntropy: 0.5}", "softmax", 3))
    np.save(tmp_path / "x.npy", np.ones((4, 2), np.float32))
    for targets, code in (([0, 1, 2, 1], ""), ([0, 1, 3, 1], "GS609"), ([[0], [1], [2], [1]], "GS503")):
        np.save(tmp_path / "y.npy", np.array(targets))
        assert [each.rule.code for each in graphspec.validate(path, values=True).found] == ([code] if code else [])
