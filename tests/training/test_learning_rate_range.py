"""`train --find-learning-rate`: a curve and a suggestion, and a training as without it, to the bit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.cli._verify_resume import differences
from graphspec.diagnostics import SpecError
from graphspec.run_directory import read_json, write_json
from graphspec.runs.report.write import report_page
from graphspec.training.learning_rate_range import suggestion

Write = Callable[..., Path]

SPEC = """
    graphspec: 1
    inputs: {x: [3]}
    outputs:
      y: {from: x, apply: [{Dense: 4}, BatchNormalization, {Dropout: 0.1}, {Dense: 1}], loss: mse, metrics: [mae]}
    training: {optimizer: adam, epochs: 2, batch_size: 4, checkpoint: {every: 1 steps, keep: 99}}
    data:
      train: {inputs: {x: x.npy}, outputs: {y: y.npy}}
    """


@pytest.fixture
def spec(write: Write, tmp_path: Path) -> Path:
    """The spec above with its data: 10 samples."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(10, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", x.sum(axis=1, keepdims=True) + 3)
    return write(SPEC)


@pytest.mark.slow
def test_training_is_as_without_the_test(spec: Path, tmp_path: Path) -> None:
    """Weights, states, the optimizer and random numbers are put back; the curve lies in the run and in its report."""
    whole = ["training.batch_size=10"]
    tested = graphspec.train(spec, overrides=whole, run_dir=tmp_path / "tested", find_learning_rate=True)
    plain = graphspec.train(spec, overrides=whole, run_dir=tmp_path / "plain")
    assert list(differences(plain.path, tested.path)) == []
    found = json.loads((tested.path / "learning_rates.json").read_text(encoding="utf-8"))
    assert found["rates"][0] == pytest.approx(1e-7)
    assert found["rates"] == sorted(found["rates"])
    assert len(found["losses"]) == len(found["rates"]) > 60
    assert 1e-4 < found["suggestion"] < 1
    assert f"learning rate: {found['suggestion']:g} is suggested" in (tested.path / "log.txt").read_text("utf-8")
    page = report_page(tested)
    assert f"The loss falls steepest at a learning rate of {found['suggestion']:g}" in page
    assert "Learning rates" not in report_page(plain)

    write_json(tested.path / "learning_rates.json", {**found, "losses": [1.0]})
    assert "does not hold a loss for each rate" in report_page(tested)
    write_json(tested.path / "learning_rates.json", {**read_json(tested.path / "learning_rates.json"), "rates": "<b>"})
    assert "The test of learning rates cannot be read." in report_page(tested)


@pytest.mark.slow
def test_command_prints_the_suggestion(spec: Path, tmp_path: Path) -> None:
    """The command trains as ever, after a line with the rate to try; a run that is resumed is not tested."""
    arguments = ["train", str(spec), "--run-dir", str(tmp_path / "run"), "--find-learning-rate"]
    result = CliRunner().invoke(main, [*arguments, "--set", "training.epochs=1"])
    assert result.exit_code == 0, result.output
    assert "is suggested, where the loss falls steepest in" in result.output
    refused = CliRunner().invoke(main, ["train", "--resume", str(tmp_path / "run"), "--find-learning-rate"])
    assert refused.exit_code == 2
    assert "excludes --resume" in refused.output


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("training.optimizer={LossScaleOptimizer: {inner_optimizer: {Adam: 0.01}}}", "has no learning rate of its own"),
        ("training.distribute=mirrored", "learning rates are tested on one device"),
    ],
)
def test_what_cannot_be_tested_is_said(spec: Path, tmp_path: Path, override: str, said: str) -> None:
    """The error says what to change."""
    overrides = [override, "outputs.y.apply=[{Dense: 1}]"]
    with pytest.raises(SpecError, match=said):
        graphspec.train(spec, overrides=overrides, run_dir=tmp_path / "run", find_learning_rate=True)


RATES = [10 ** (each / 10 - 5) for each in range(40)]
CURVES: list[tuple[Any, float | None]] = [
    ([1.0 - 0.5 / (1 + math.exp(-(each - 20))) for each in range(40)], RATES[20]),
    ([1.0] * 40, None),
    ([1.0 + each for each in range(40)], None),
    ([1.0 - each / 10_000 for each in range(40)], None),
    ([None] * 40, None),
    ([1.0] * 10 + [None] * 30, None),
    ([0.0] * 40, None),
    ([1.0, *(-each * 1.0 for each in range(19)), *[100.0] * 20], RATES[15]),
]


@pytest.mark.parametrize(("losses", "expected"), CURVES)
def test_suggestion_is_where_the_loss_falls_steepest(losses: list[float | None], expected: float | None) -> None:
    """Before its lowest value; none where it falls nowhere, hardly, or is not finite."""
    found = suggestion(RATES, losses)
    assert found == (pytest.approx(expected, rel=0.3) if expected is not None else None)
