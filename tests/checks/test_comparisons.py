"""Losses and metrics against the shapes that they compare: what Keras refuses in a training, `validate` says before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import graphspec
from graphspec.catalog.comparisons import form_of, forms_taken, row_of
from graphspec.diagnostics import SpecError

from ..catalog.test_catalog import same_keras
from ..scripts import SCRIPTS, load_script

Write = Callable[..., Path]


@same_keras
def test_what_is_known_of_comparisons_is_not_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured again, losses and metrics take the shapes that the file says; every one of Keras stands in it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    script = load_script(SCRIPTS / "make_comparisons.py")
    for kind in ("losses", "metrics"):
        assert all(forms_taken(kind, name, ()) is not None for name in script.names(kind))
    some = [("losses", "CTC"), ("losses", "circle"), ("metrics", "AUC"), ("metrics", "F1Score"), ("metrics", "MeanIoU")]
    for kind, name in some:
        rows = script.measured(kind, name)
        assert {row_of(each): forms_taken(kind, name, each) for each in script.OUTPUTS} == rows, name


@pytest.mark.parametrize(
    ("target", "output", "form"),
    [((3,), (3,), "="), ((), (3,), "-"), ((1,), (3,), "1"), ((7,), (3,), "s"), ((7, 2), (3,), ""), ((), (), "=")],
)
def test_forms_of_targets(target: tuple[int, ...], output: tuple[int, ...], form: str) -> None:
    """The form of a target says how its shape is made of that of the output."""
    assert form_of(target, output) == form


def spec(output: str, inputs: str = "[4]", data: str = "") -> str:
    return f"""
        graphspec: 1
        inputs: {{x: {inputs}}}
        outputs: {{y: {{from: x, {output}}}}}
        training: {{optimizer: sgd}}
        {data}
        """


SOFTMAX = "apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy"
UNFIT: list[tuple[str, str, str]] = [
    ("[4]", "apply: {Dense: 3}, loss: circle", ""),
    (
        "[4, 4]",
        "apply: {Dense: 3}, loss: circle",
        "GS502 the loss of `y` does not fit: `circle` does not accept an output",
    ),
    ("[4]", "apply: {Dense: 3}, loss: {Circle: {gamma: 2}}", ""),
    ("[4, 4]", "apply: {Dense: 3}, loss: {Circle: {gamma: 2}}", "GS502"),
    ("[4, 4]", "apply: {Dense: 3}, loss: ctc", ""),
    (
        "[4]",
        "apply: {Dense: 3}, loss: ctc",
        "GS502 the loss of `y` does not fit: `ctc` does not accept an output of shape [3]",
    ),
    ("[4, 4, 2]", "apply: {Dense: 3}, loss: CTC", "GS502"),
    ("[4]", "apply: {Dense: 3}, loss: mse, metrics: [mean_io_u]", "GS203 `MeanIoU` needs `num_classes`"),
    ("[4]", "apply: {Dense: 3}, loss: mse, metrics: [io_u]", "GS203 `IoU` needs"),
    ("[4]", "apply: {Dense: 3}, loss: mse, weighted_metrics: [precision_at_recall]", "GS203"),
    ("[4]", f"{SOFTMAX}, metrics: [accuracy, sparse_categorical_accuracy]", ""),
    ("[4]", f"{SOFTMAX}, metrics: [auc]", "GS502 the metric `auc` of `y` does not fit"),
    ("[4]", f"{SOFTMAX}, metrics: [{{MeanIoU: 3}}]", "GS502 the metric `MeanIoU` of `y` does not fit"),
    ("[4]", f"{SOFTMAX}, metrics: [{{MeanIoU: {{num_classes: 3, sparse_y_pred: false}}}}]", ""),
    ("[4]", f"{SOFTMAX}, weighted_metrics: [Precision]", "GS502 the metric `Precision` of `y` does not fit"),
    ("[4]", "apply: {Dense: 3}, loss: mse, metrics: [sparse_categorical_accuracy]", "GS502"),
    ("[4, 2]", "apply: {Dense: 3}, loss: mse, metrics: [F1Score]", "GS502 the metric `F1Score`"),
    ("[4]", "apply: {Dense: 3}, loss: mse, metrics: [F1Score, mae, AUC]", ""),
    ("[null, 4]", f"{SOFTMAX}, metrics: [AUC]", "GS502"),
    ("[4]", "apply: {Dense: 3}, loss: lab>mine, metrics: [sparse_categorical_accuracy]", "GS211"),
]


@pytest.mark.parametrize(("inputs", "output", "said"), UNFIT)
def test_losses_and_metrics_that_compare_nothing_are_found(inputs: str, output: str, said: str, write: Write) -> None:
    """A loss or metric that refuses every target of its output is a finding before anything is built."""
    found = [f"{each.rule.code} {each.message}" for each in graphspec.validate(write(spec(output, inputs))).found]
    assert len(found) == (1 if said else 0), found
    assert not said or found[0].startswith(said)


def test_keras_refuses_what_is_found() -> None:
    """Plain Keras fails at the first step with some of these, and with none of the others."""
    x, labels = np.zeros((4, 4), np.float32), np.zeros(4)
    for metrics, fails in (([keras.metrics.AUC()], True), (["sparse_categorical_accuracy"], False)):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=metrics)
        if not fails:
            model.fit(x, labels, verbose=0)
            continue
        with pytest.raises(Exception, match=r"segment_ids|incompatible"):
            model.fit(x, labels, verbose=0)


DATA = "data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}"


@pytest.mark.parametrize(
    ("output", "shape", "code"),
    [
        ("apply: {Dense: 3}, loss: circle", (4,), ""),
        ("apply: {Dense: 3}, loss: circle", (4, 1), ""),
        ("apply: {Dense: 3}, loss: circle", (4, 3), "GS503"),
        ("apply: {Dense: 3}, loss: circle", (4, 2), "GS503"),
        (f"{SOFTMAX}, metrics: [F1Score]", (4, 1), ""),
        (f"{SOFTMAX}, metrics: [F1Score]", (4,), "GS502"),
        ("apply: {Dense: 1}, loss: mse, metrics: [AUC, R2Score]", (4,), ""),
    ],
)
def test_targets_of_a_file_against_losses_and_metrics(
    output: str, shape: tuple[int, ...], code: str, write: Write, tmp_path: Path
) -> None:
    """The header of a file says which shape the targets have; `train` says it before TensorFlow."""
    np.save(tmp_path / "x.npy", np.zeros((4, 4), np.float32))
    np.save(tmp_path / "y.npy", np.zeros(shape, np.int64))
    path = write(spec(output, data=DATA))
    assert [each.rule.code for each in graphspec.validate(path, values=True).found] == ([code] if code else [])
    if code:
        with pytest.raises(SpecError) as refused:
            graphspec.train(path, run_dir=tmp_path / "run")
        assert [each.rule.code for each in refused.value.report.errors] == [code]
    elif "circle" not in output:
        graphspec.train(path, run_dir=tmp_path / "run")


def test_targets_of_ctc(write: Write, tmp_path: Path) -> None:
    """One list of labels a sample, of any length; no more and no less."""
    np.save(tmp_path / "x.npy", np.zeros((4, 5, 4), np.float32))
    path = write(spec("apply: {Dense: 3}, loss: ctc", "[5, 4]", DATA))
    for shape, is_right in (((4, 2), True), ((4, 5), True), ((4,), False), ((4, 5, 3), False), ((4, 5, 1), False)):
        np.save(tmp_path / "y.npy", np.ones(shape, np.int64))
        assert [each.rule.code for each in graphspec.validate(path).found] == ([] if is_right else ["GS503"]), shape
