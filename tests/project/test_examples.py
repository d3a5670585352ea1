"""The shipped examples on real data learn what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphspec

SPECS = Path(__file__).resolve().parents[2] / "specs"


@pytest.mark.long
def test_same_digit_reaches_98_percent_on_images_it_never_saw(tmp_path: Path) -> None:
    """A shared vision model tells equal digits from different ones."""
    run = graphspec.train(SPECS / "same_digit.yaml", run_dir=tmp_path / "run")
    assert run.evaluate("test")["accuracy"] >= 0.98


@pytest.mark.slow
def test_linear_head_of_the_seed_stays_at_chance(tmp_path: Path) -> None:
    """Why `same_digit` multiplies: over concatenated codes one linear unit cannot tell equality."""
    overrides = [
        "outputs.same.merge=concat",
        "outputs.same.apply=[{Dense: {units: 1, activation: sigmoid}}]",
        "models.vision.outputs.code.apply=[{Rescaling: 0.0625}, Flatten, {Dense: 16}]",
        "training.epochs=2",
    ]
    run = graphspec.train(SPECS / "same_digit.yaml", overrides=overrides, run_dir=tmp_path / "run")
    assert run.evaluate("test")["accuracy"] < 0.6


@pytest.mark.long
def test_wine_learns_both_outputs(tmp_path: Path) -> None:
    """From one CSV: the cultivar is found, and the alcohol is nearer than its mean would be (0.69 on average)."""
    run = graphspec.train(SPECS / "wine.yaml", run_dir=tmp_path / "run")
    measured = run.evaluate("validation")
    assert measured["cultivar_accuracy"] > 0.9
    assert measured["alcohol_mae"] < 0.6


@pytest.mark.slow
def test_characters_learns_from_text_categories_and_numbers(tmp_path: Path) -> None:
    """Raw rows of one CSV: far better than the most frequent kind, which is that of one character in seven."""
    run = graphspec.train(SPECS / "characters.yaml", run_dir=tmp_path / "run")
    assert run.evaluate("validation")["accuracy"] > 0.88
