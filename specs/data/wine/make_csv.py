"""Make `wine.csv` from the wine data that scikit-learn bundles.

The original is sorted by cultivar; the rows are shuffled once, with a fixed seed, so that any share of them is a fair
one. Run it as `python make_csv.py`; every run writes the same bytes.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

SEED = 1991
RENAMED = {"od280/od315_of_diluted_wines": "od280_od315", "target": "cultivar"}
"""Columns whose original names are not plain words."""


def make_rows() -> list[list[str]]:
    """Return the header and 178 rows: 13 measurements, then the cultivar 0, 1 or 2."""
    from sklearn.datasets import load_wine

    wine = load_wine()
    header = [RENAMED.get(name, name) for name in (*wine.feature_names, "target")]
    # RandomState and not default_rng: its stream is frozen, so that a later NumPy gives the same order.
    order = np.random.RandomState(SEED).permutation(len(wine.target))
    rows = [[f"{value:.10g}" for value in wine.data[row]] + [str(wine.target[row])] for row in order]
    return [header, *rows]


def main() -> None:
    """Write `wine.csv` beside this file."""
    with open(Path(__file__).with_name("wine.csv"), "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(make_rows())


if __name__ == "__main__":
    main()
