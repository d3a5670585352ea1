"""Trainings that are killed at random moments, each end compared with that of one which was left alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from graphspec.cli import main
from graphspec.cli._verify_resume import KilledTraining, shortened, verify

from ..resuming.data import SPECS, specs_in


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The specs of `tests/resuming` by name, with their data beside them."""
    return {path.stem: path for path in specs_in(tmp_path_factory.mktemp("specs"))}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_trainings_end_as_if_they_had_never_been(specs: dict[str, Path], tmp_path: Path) -> None:
    """Processes killed at random moments, every other one while it writes, over three kinds of specs."""
    trials: list[KilledTraining] = []
    for number, name in enumerate(SPECS):
        (tmp_path / name).mkdir()
        kills = 1 if number else 2
        epochs = {"cnn": 4, "lstm": 3}.get(name)  # enough to end in another epoch; `heads` stops early by itself
        overrides = [f"training.epochs={epochs}"] if epochs else []
        trials += verify(specs[name], overrides, tmp_path / name, kills=kills, seed=number, on_stage=print)
    assert len(trials) == 4
    assert [trial for trial in trials if not trial.is_same] == []
    assert any(trial.step > 0 for trial in trials), "none was killed after its first steps"


@pytest.mark.slow
def test_verify_resume_command(specs: dict[str, Path], tmp_path: Path) -> None:
    """It trains a shortened spec, kills it, compares, and writes where it is told to alone."""
    before = sorted(specs["cnn"].parent.iterdir())
    words = ("verify-resume", specs["cnn"], "--kills", 1, "--epochs", 2, "--steps", 9, "--keep", tmp_path / "kept")
    done = CliRunner().invoke(main, [str(each) for each in words])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.endswith("1 of 1 gave the same result as without the interruption\n")
    assert sorted(specs["cnn"].parent.iterdir()) == before
    assert {each.name for each in (tmp_path / "kept").iterdir()} >= {"whole", "killed_000"}


def test_what_is_shortened(specs: dict[str, Path]) -> None:
    """No more epochs and steps than the spec has, and several checkpoints an epoch."""
    assert shortened(specs["heads"], ["training.seed=1"], epochs=3, steps=100) == [
        *("training.seed=1", "training.epochs=3", "training.checkpoint.every=3 steps")
    ]
    assert shortened(specs["heads"], (), epochs=99, steps=5) == [
        *("training.epochs=40", "training.steps_per_epoch=5", "training.checkpoint.every=1 steps")
    ]
