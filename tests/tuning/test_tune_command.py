"""`graphspec tune` as a command: what it prints, what it refuses, and trials that fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import graphspec
from graphspec.run_directory import read_rows
from graphspec.tuning import Study

from .searches import SPEC, call, write_spec


@pytest.mark.slow
def test_failed_trials_are_told_and_passed_over(tmp_path: Path) -> None:
    """Values that training fails with are a failed trial with its reason; the study goes on to a better one."""
    text = SPEC.replace("{float: {low: 1.0e-4, high: 0.1, log: true}}", "[0.01, 1.0e+30]")
    text = text.replace("sampler: {TPESampler: {seed: 1, n_startup_trials: 3}}", "sampler: BruteForceSampler")
    text = text.replace("    vars.hidden: {int: {low: 4, high: 32, step: 4}}\n", "")
    text = text.replace("    outputs.y.apply[0].Dense.activation: [relu, tanh]\n", "")
    result = call("tune", write_spec(tmp_path, text), "--study-dir", tmp_path / "study")
    assert result.exit_code == 0, result.output
    study = Study(tmp_path / "study")
    assert sorted(trial.state for trial in study.trials) == ["complete", "failed"]  # and then all choices are tried
    (failed,) = (trial for trial in study.trials if trial.state == "failed")
    assert failed.reason.startswith("the loss of `y` is nan")
    assert failed.value is None
    assert study.best.values == {"training.optimizer.Adam.learning_rate": 0.01}
    assert f"failed: {failed.reason}" in result.stderr
    assert "2 trials: 1 complete, 0 pruned, 1 failed" in result.stderr


@pytest.mark.slow
def test_all_failed_is_a_failure(tmp_path: Path) -> None:
    """Where no trial comes to anything, the command says why the first did not."""
    text = SPEC.replace("{float: {low: 1.0e-4, high: 0.1, log: true}}", "[1.0e+30, 1.0e+31]")
    result = call("tune", write_spec(tmp_path, text), "--study-dir", tmp_path / "study", "--trials", "2")
    assert result.exit_code == 1
    assert "all 2 trials failed; the first: " in result.stderr
    assert not (tmp_path / "study" / "best.yaml").exists()


@pytest.mark.slow
def test_command_prints_what_was_found(spec: Path) -> None:
    """A line a trial and the best of them on standard error; the best run and what is next on standard output."""
    result = call("tune", spec, "--trials", 2, "--study-dir", spec.parent / "study", "--set", "training.epochs=1")
    assert result.exit_code == 0, result.output
    study = Study(spec.parent / "study")
    for trial in study.trials:
        assert f"trial {trial.number} ({trial.number + 1} of 2): val_loss {trial.value:.4g} at epoch 1" in result.stderr
        assert f"hidden {trial.values['vars.hidden']}" in result.stderr
    assert str(study.best.run) in result.stdout
    assert f"Next: graphspec train {study.best_spec}" in result.stdout
    assert study.spec.model.training is not None
    assert study.spec.model.training.epochs == 1
    again = call("tune", "--resume", spec.parent, "--json")
    found = json.loads(again.stdout)
    assert again.stderr == ""
    assert [trial["value"] for trial in found["trials"]] == [trial.value for trial in study.trials]
    assert (found["best"], found["monitor"]) == (study.best.number, "val_loss")
    assert call("tune", "--resume", spec.parent, "--quiet").stdout == f"{spec.parent / 'study'}\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("sampler: {TPESampler:", "sampler: {TPESamplr:"), "did you mean `TPESampler`?"),
        (("n_startup_trials: 3}}\n  pruner", "startup: 3}}\n  pruner"), "`TPESampler` has no argument `startup`"),
        (("{TPESampler: {seed: 1, n_startup_trials: 3}}", "{TPESampler: {gamma: 3}}"), "a spec carries no code"),
        (("{TPESampler: {seed: 1, n_startup_trials: 3}}", "BaseSampler"), "has no sampler `BaseSampler`"),
        (
            ("{MedianPruner: {n_startup_trials: 3,", "{MedianPruner: {n_startup_trials: -3,"),
            "optuna refused `MedianPruner`",
        ),
        (("\nsearch:", "\nvars_: 1\nsearch:"), "there is no key `vars_`"),
        (
            ("{MedianPruner: {n_startup_trials: 3, n", "{PatientPruner: {wrapped_pruner: {MedianPruner: 3}, n"),
            "is a mapping",
        ),
        (("vars.hidden:", "vars.hiden:"), "did you mean `hidden`?"),
        (("low: 4,", "low: 0,"), "the spec is not valid with `0` for `vars.hidden`"),
        (("  trials: 6", "  trials: 6\n  monitor: val_lss"), "did you mean `val_loss`?"),
        (("d.npz", "gone.npz"), "gone.npz"),
    ],
)
def test_what_cannot_be_searched_is_refused_at_once(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    """A mistake in the search, the spec or the data is a finding at its place, before anything is written."""
    path = write_spec(tmp_path, SPEC.replace(*change))
    result = call("tune", path, "--study-dir", tmp_path / "study")
    assert result.exit_code == 1, result.output
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "study").exists()


def test_spec_without_search_is_refused(tmp_path: Path) -> None:
    """There is nothing to search for, which is said."""
    head, _, tail = SPEC.partition("search:")
    path = write_spec(tmp_path, head + tail[tail.index("data:") :])
    result = call("tune", path)
    assert result.exit_code == 1
    assert "has no `search`" in result.stderr


def test_time_is_a_budget(spec: Path) -> None:
    """No trial is begun after the time is spent, and the first one is finished."""
    study = graphspec.tune(spec, timeout=0.001, overrides=["training.epochs=1"], study_dir=spec.parent / "study")
    assert [trial.state for trial in study.trials] == ["complete"]


def test_missing_optuna_is_one_line_to_run(spec: Path) -> None:
    """Without optuna the command says what to install."""
    code = "import sys; sys.modules['optuna'] = None\nfrom graphspec.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "tune", str(spec)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'graphspec[sweep]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_metrics_that_rise_are_maximised(tmp_path: Path) -> None:
    """The direction follows from the metric; here the best trial is that with the greatest value."""
    text = SPEC.replace("loss: mse", "loss: mse\n    metrics: [r2_score]").replace(
        "  trials: 6", "  trials: 2\n  monitor: val_r2_score"
    )
    study = graphspec.tune(write_spec(tmp_path, text), overrides=["training.epochs=2"], study_dir=tmp_path / "study")
    assert study.record["direction"] == "maximize"
    assert study.best.value == max(row["val_r2_score"] for trial in study.trials for row in read_rows(trial.run))
