"""`losses`: numbers that the graph computes and training adds to the total, reported by name, without targets."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import graphspec

Write = Callable[..., Path]

ROWS = 12

SPEC = """
graphspec: 1
inputs: {x: [4], y: [2]}
graph:
  code: {from: x, apply: {Dense: {units: 2, kernel_initializer: ones}}}
  gap: {from: [code, y], merge: sub, apply: ops.square}
outputs: {answer: {from: code, loss: null}}
losses:
  rows: {from: gap, apply: [{ops.mean: {axis: 1}}, {ops.subtract: 9.0}], weight: 2.0}
  whole: {from: gap, apply: ops.mean, weight: 0.5}
training: {optimizer: {SGD: 0.1}, batch_size: 12}
data: {train: {inputs: {x: x.npy, y: y.npy}}}
"""


@pytest.fixture
def arrays(tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Write the data of the spec."""
    draw = np.random.default_rng(0)
    x, y = draw.random((ROWS, 4)).astype("float32"), draw.random((ROWS, 2)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    return x, y


def test_losses_train_what_they_depend_on(write: Write, arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    """A step follows the gradient of the weighted sum, of one number a sample, of one a batch, and of negative ones."""
    x, y = arrays
    run = graphspec.train(write(SPEC), run_dir=tmp_path / "run")
    gap = x @ np.ones((4, 2)) - y
    squares = float(np.mean(gap**2))
    assert run.history["rows_loss"] == pytest.approx([squares - 9.0], rel=1e-5)
    assert run.history["whole_loss"] == pytest.approx([squares], rel=1e-5)
    assert run.history["loss"] == pytest.approx([2.0 * (squares - 9.0) + 0.5 * squares], rel=1e-5)
    model = keras.saving.load_model(run.path / "model.keras")
    expected = np.ones((4, 2)) - 0.1 * 2.5 * 2 * x.T @ gap / gap.size
    np.testing.assert_allclose(model.get_layer("code").kernel, expected, rtol=1e-5)
    assert list(run.predict("train")) == ["answer"]


BESIDE = (
    SPEC.replace("loss: null", "loss: mse, metrics: [mae]")
    .replace("{inputs: {x: x.npy, y: y.npy}}", "{inputs: {x: x.npy, y: y.npy}, outputs: {answer: y.npy}}")
    .replace("batch_size: 12", "batch_size: 5, epochs: 3")
    .replace(", {ops.subtract: 9.0}", "")
)


def test_losses_weigh_in_beside_those_of_outputs(
    write: Write, arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    """Each mean is over samples, the last batch of two among them; plain Keras and `evaluate` see the same total."""
    x, y = arrays
    path = write(BESIDE)
    run = graphspec.train(path, run_dir=tmp_path / "run")
    history = run.history
    for number in range(3):
        parts = {name: history[f"{name}_loss"][number] for name in ("answer", "rows", "whole")}
        assert history["loss"][number] == pytest.approx(parts["answer"] + 2.0 * parts["rows"] + 0.5 * parts["whole"])
    found = run.evaluate("train")
    answer = run.predict("train")["answer"]
    assert found["rows_loss"] == pytest.approx(found["answer_loss"]) == pytest.approx(np.mean((answer - y) ** 2))
    model = keras.saving.load_model(run.path / "model.keras")
    values = model.evaluate({"x": x, "y": y}, {"answer": y}, batch_size=5, verbose=0, return_dict=True)
    assert values["loss"] == pytest.approx(found["loss"])
    with zipfile.ZipFile(run.path / "model.keras") as file, h5py.File(file.open("model.weights.h5")) as weights:
        assert set(weights) <= {"layers", "optimizer", "vars", "metrics"}, "nothing of a report is saved"
    assert {key for key in run.metrics[-1] if key.startswith("share/")} == {"share/answer", "share/rows", "share/whole"}


def test_training_with_losses_resumes_to_the_bit(
    write: Write, arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    """A run that is stopped and resumed ends in the history and the weights of one that went through."""
    path = write(BESIDE)
    whole = graphspec.train(path, run_dir=tmp_path / "whole")
    graphspec.train(path, overrides=["training.epochs=1"], run_dir=tmp_path / "parts")
    parts = graphspec.resume(tmp_path / "parts", epochs=3)
    assert parts.history == whole.history
    kernels = [keras.saving.load_model(run.path / "model.keras").get_layer("code").kernel for run in (whole, parts)]
    np.testing.assert_array_equal(*kernels)


def test_losses_show_in_every_view(write: Write, arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    """The difference of two specs names a loss and its weight; a monitor may watch one."""
    write(SPEC.replace("weight: 0.5", "weight: 0.25"), "other.yaml")
    path = write(SPEC.replace("batch_size: 12", "batch_size: 12, callbacks: [{EarlyStopping: {monitor: whole_loss}}]"))
    assert list(graphspec.validate(path)) == []
    (changed,) = graphspec.diff(path, tmp_path / "other.yaml").of_part("losses")
    assert changed.name == "whole"
    assert [(each.before, each.after) for each in changed.changes] == [(0.5, 0.25)]


@pytest.mark.parametrize(
    ("written", "code", "words"),
    [
        ("{from: gap}", "GS440", "(batch, 2)"),
        ("{from: gap, apply: {ops.mean: {axis: 0}}}", "GS440", "shape (2)"),
        ("{from: gap, apply: {ops.argmax: {axis: 1}}}", "GS436", "whole numbers"),
        ("{from: gap, apply: ops.mean, weight: 0}", "GS104", "weight"),
        ("{from: gap, apply: ops.mean, weight: -1.0}", "GS104", "weight"),
        ("{from: gap, apply: ops.mean, weight: 1e39}", "GS104", "weight"),
        ("{from: gap, apply: ops.mean, weigth: 1.0}", "GS101", "weight"),
        ("{from: gap, apply: ops.mean, loss: mse}", "GS101", "loss"),
        ("{apply: ops.mean}", "GS102", "from"),
        ("{from: gapp, apply: ops.mean}", "GS301", "did you mean `gap`?"),
        ("3", "GS103", "a mapping"),
    ],
)
def test_mistakes_in_losses_are_found(write: Write, written: str, code: str, words: str) -> None:
    """A loss of the wrong shape or dtype, a weight that is none, and unknown keys and names are findings."""
    before = SPEC.partition("  whole:")[0] + f"  whole: {written}\n"
    found = list(graphspec.validate(write(before + "training: {optimizer: sgd}\n")))
    assert [each.rule.code for each in found] == [code]
    assert words in f"{found[0].message} {found[0].expected} {found[0].help}"


def test_names_of_losses_are_their_own(write: Write) -> None:
    """A loss bears the name of no input, node or output, and data have no targets for it."""
    (clash,) = graphspec.validate(write(SPEC.partition("training:")[0].replace("whole:", "gap:")))
    assert "a node and a loss" in clash.message
    text = SPEC.replace("y: y.npy}}", "y: y.npy}, outputs: {whole: y.npy}}")
    assert "GS607" in [each.rule.code for each in graphspec.validate(write(text))]
