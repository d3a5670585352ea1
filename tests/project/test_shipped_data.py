"""The shipped data is what its README says, and can be made again."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..scripts import load_script

DATA = Path(__file__).resolve().parents[2] / "specs" / "data"
SPLITS = ("train", "validation", "test")


def split(name: str) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of one split of the digit pairs."""
    with np.load(DATA / "digits" / f"{name}.npz") as archive:
        return dict(archive)


def test_no_image_is_shared_between_splits() -> None:
    """Test pairs are of images that training and validation never show."""
    images = {name: {image.tobytes() for key in ("a", "b") for image in split(name)[key]} for name in SPLITS}
    assert not images["train"] & images["test"]
    assert not images["train"] & images["validation"]
    assert not images["validation"] & images["test"]


@pytest.mark.parametrize("name", SPLITS)
def test_pairs_are_balanced_and_distinct(name: str) -> None:
    """Half of the pairs are of one digit; no pair is of one image or occurs twice."""
    arrays = split(name)
    assert arrays["a"].shape == arrays["b"].shape == (len(arrays["same"]), 8, 8, 1)
    assert arrays["a"].dtype == np.uint8
    assert arrays["a"].max() <= 16
    assert arrays["same"].mean() == 0.5
    pairs = {frozenset((a.tobytes(), b.tobytes())) for a, b in zip(arrays["a"], arrays["b"], strict=True)}
    assert len(pairs) == len(arrays["same"])
    assert all(len(pair) == 2 for pair in pairs)


def test_pairs_can_be_made_again() -> None:
    """The script gives the shipped arrays, labels included, from scikit-learn's images."""
    pytest.importorskip("sklearn")
    made = load_script(DATA / "digits" / "make_pairs.py").make_pairs()
    for name in SPLITS:
        for key, array in split(name).items():
            np.testing.assert_array_equal(array, made[name][key])


def test_wine_can_be_made_again() -> None:
    """The script gives the shipped table, and its rows are scikit-learn's in another order."""
    datasets = pytest.importorskip("sklearn.datasets")
    rows = load_script(DATA / "wine" / "make_csv.py").make_rows()
    text = (DATA / "wine" / "wine.csv").read_text(encoding="utf-8")
    assert text == "".join(",".join(row) + "\n" for row in rows)
    wine = datasets.load_wine()
    original = np.column_stack([wine.data, wine.target])
    shipped = np.array(rows[1:], dtype=float)
    assert sorted(map(tuple, shipped)) == sorted(map(tuple, original))


def test_characters_can_be_made_again() -> None:
    """The script gives the shipped table, under the version of Unicode that it was made with."""
    made = load_script(DATA / "characters" / "make_csv.py")
    if unicodedata.unidata_version != made.UNICODE:
        pytest.skip(f"this Python knows Unicode {unicodedata.unidata_version}")
    with open(DATA / "characters" / "characters.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == made.make_rows()
