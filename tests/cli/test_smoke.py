"""Every command once, one after the other, as a newcomer would: for every release of every dependency alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from graphspec.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
WINE = str(ROOT / "specs" / "wine.yaml")
TINY = ["--set", "training.epochs=2", "--set", "training.log=[tensorboard]"]


@pytest.mark.slow
@pytest.mark.smoke
def test_every_command_works(tmp_path: Path) -> None:
    """From `validate` to `report`, no command fails or warns of the releases that it is run with."""
    run, other = str(tmp_path / "runs" / "run"), str(tmp_path / "runs" / "other")
    commands = [
        ["validate", str(ROOT / "specs")],
        ["validate", "--deep", WINE],
        ["fmt", "--check", str(ROOT / "specs")],
        ["render", WINE, "-o", str(tmp_path / "rendered.yaml")],
        ["new", str(tmp_path / "new"), "--from-data", str(ROOT / "specs/data/wine/wine.csv"), "--target", "cultivar"],
        ["schema"],
        ["explain", "GS201"],
        ["layers", "Dense"],
        ["data", WINE],
        ["summary", WINE],
        ["plot", WINE, "-o", str(tmp_path / "graph.png")],
        ["train", WINE, "--run-dir", run, *TINY],
        ["train", "--resume", run, "--set", "training.epochs=3"],
        ["train", WINE, "--run-dir", other, *TINY, "--set", "training.precision=mixed_bfloat16"],
        ["runs", str(tmp_path / "runs")],
        ["runs", "compare", run, other],
        ["evaluate", run],
        ["predict", run, "--split", "validation", "-o", str(tmp_path / "predictions.csv")],
        ["export", run, "--to", "keras", "-o", str(tmp_path / "model.keras")],
        ["decompile", str(tmp_path / "model.keras"), "-o", str(tmp_path / "decompiled.yaml"), "--weights"],
        ["diff", WINE, run],
        ["report", run, "-o", str(tmp_path / "report.html")],
        ["tune", WINE, "--study-dir", str(tmp_path / "study"), "--trials", "1", "--set", "training.epochs=1"],
        ["cache", "--help"],
        ["verify-resume", "--help"],
        ["launch", WINE, "--workers", "2", "--emit", "slurm"],
        ["server", "--help"],
        ["doctor", "images"],
        ["completion", "bash"],
    ]
    assert {command[0] for command in commands} == set(COMMANDS)
    for command in commands:
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, f"{command}: {result.output}\n{result.exception!r}"
        assert "warning" not in result.output.lower()
    status = json.loads((tmp_path / "runs" / "run" / "run.json").read_text(encoding="utf-8"))
    assert status["status"] == "finished"
    assert (tmp_path / "report.html").stat().st_size > 10_000
