"""`drop_remainder` leaves out the last batch of a pass in training, and in nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import graphspec
from graphspec.cli._verify_resume import differences, shortened
from graphspec.datasets.order import Order
from graphspec.diagnostics import SpecError

from ..killed import killed_at

Write = Callable[..., Path]

SPEC = """
    graphspec: 1
    inputs: {x: [2]}
    outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
    training: {optimizer: sgd, epochs: 2, batch_size: 4, drop_remainder: true, checkpoint: {every: 1 steps, keep: 99}}
    data:
      train: {inputs: {x: x.npy}, outputs: {y: y.npy}}
      validation: {inputs: {x: vx.npy}, outputs: {y: vy.npy}}
    """


@pytest.fixture
def spec(write: Write, tmp_path: Path) -> Path:
    """A spec with 11 samples in batches of 4."""
    rng = np.random.default_rng(0)
    for part in ("", "v"):
        np.save(tmp_path / f"{part}x.npy", rng.normal(size=(11, 2)).astype(np.float32))
        np.save(tmp_path / f"{part}y.npy", rng.normal(size=(11, 1)).astype(np.float32))
    return write(SPEC)


@pytest.mark.slow
def test_training_is_that_of_whole_batches_and_resumes_exactly(spec: Path, tmp_path: Path) -> None:
    """Weights are those of Keras over the whole batches of each pass; validation has all samples; each kill resumes."""
    run = graphspec.train(spec, run_dir=tmp_path / "run")
    assert [row["step"] for row in run.metrics] == [2, 4]

    keras.utils.set_random_seed(0)
    model = graphspec.build(spec)
    model.compile("sgd", "mse")
    x, y = np.load(tmp_path / "x.npy"), np.load(tmp_path / "y.npy")
    for epoch in range(2):
        for step in range(2):
            at = Order(11, 4).indices(epoch, step, step + 1)
            model.train_on_batch({"x": x[at]}, {"y": y[at]})
    trained = keras.saving.load_model(run.path / "model.keras")
    for one, other in zip(trained.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    validation = {"x": np.load(tmp_path / "vx.npy")}, {"y": np.load(tmp_path / "vy.npy")}
    assert run.metrics[-1]["val_loss"] == pytest.approx(model.evaluate(*validation, verbose=0), rel=1e-6)

    for step in range(5):
        killed = killed_at(run, step, tmp_path / f"killed{step}")
        graphspec.resume(killed)
        assert list(differences(run.path, killed)) == []


def test_another_run_is_not_resumed_with_it(spec: Path, tmp_path: Path) -> None:
    """A run without `drop_remainder` has other steps, so the spec of the run cannot gain it."""
    run = graphspec.train(spec, overrides=["training.drop_remainder=false"], run_dir=tmp_path / "run")
    assert [row["step"] for row in run.metrics] == [3, 6]
    text = (run.path / "spec.yaml").read_text(encoding="utf-8")
    (run.path / "spec.yaml").write_text(text.replace("drop_remainder: false", "drop_remainder: true"), encoding="utf-8")
    with pytest.raises(SpecError, match=r"training.drop_remainder"):
        graphspec.resume(run.path, epochs=3)


def test_nothing_whole_is_found_by_validate_and_train_alike(spec: Path, tmp_path: Path) -> None:
    """With fewer samples than a batch there is nothing to train on, and no run."""
    overrides = ["training.batch_size=12"]
    (found,) = graphspec.validate(spec, overrides).found
    assert found.rule.code == "GS520"
    with pytest.raises(SpecError) as refused:
        graphspec.train(spec, overrides=overrides, run_dir=tmp_path / "run")
    assert [each.message for each in refused.value.report] == [found.message]
    assert not (tmp_path / "run").exists()


def test_verify_resume_counts_the_same_steps(spec: Path) -> None:
    """An epoch has two steps, so nothing shortens it to two."""
    assert "training.steps_per_epoch=2" not in shortened(spec, [], epochs=2, steps=2)


def test_exported_python_has_whole_batches(spec: Path, tmp_path: Path) -> None:
    """The code trains by a data set without the last batch, and validates on all samples."""
    source = graphspec.python_source(graphspec.load(spec), tmp_path)
    assert "shuffle(samples.cardinality()).batch(4, drop_remainder=True)" in source
    names = {"__name__": "exported", "__file__": str(tmp_path / "exported.py")}
    exec(compile(source, "exported", "exec"), names)
    model = names["train"](epochs=1)  # type: ignore[operator]
    assert int(model.optimizer.iterations) == 2
