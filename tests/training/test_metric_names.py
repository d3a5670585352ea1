"""The names of metrics that monitors know, against those of a real training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

import graphspec

Write = Callable[..., Path]


def test_metrics_are_reported_under_the_names_that_monitors_know(write: Write, tmp_path: Path) -> None:
    """Every log key of a real run is among those that `monitors.reported` foretells, and the other way round."""
    from graphspec.training.monitors import reported

    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((12, 2)))
    np.save(tmp_path / "y.npy", np.arange(12) % 2)
    path = write(
        """
        graphspec: 1
        inputs: {x: [2]}
        outputs:
          a: {from: x, apply: {Dense: {units: 1, activation: sigmoid}}, loss: bce, weighted_metrics: [mae, MSE],
              metrics: [acc, AUC, {AUC: {curve: PR}}, {Precision: {name: p}}, f1_score, binary_accuracy]}
          b: {from: x, apply: {Dense: 1}, loss: {MeanSquaredError: {reduction: sum}}, metrics: r2_score}
          c: {from: x, loss: null}
        training: {optimizer: sgd, epochs: 1}
        data: {train: {inputs: {x: x.npy}, outputs: {a: y.npy, b: y.npy}}, validation: {split: 0.5}}
        """
    )
    run = graphspec.train(path, run_dir=tmp_path / "run")
    modes = reported(run.spec, validates=True)
    assert isinstance(run.history["a_f1_score"][0], list), "a metric of several values is kept as a list"
    assert set(modes) == set(run.history) - {"epoch"}
    assert modes["a_acc"] == modes["val_a_auc"] == modes["a_p"] == "max"
    assert modes["a_loss"] == modes["a_mae"] == modes["loss"] == "min"
