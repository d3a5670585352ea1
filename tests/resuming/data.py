"""The data that the specs beside this file name, made from a seed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
SPECS = ("cnn", "lstm", "heads")


def specs_in(folder: Path) -> list[Path]:
    """The specs, copied to `folder` together with their data."""
    rng = np.random.default_rng(11)
    digits = load_digits()
    np.savez(folder / "digits.npz", image=digits.images[:403, :, :, None] / 16.0, label=digits.target[:403])
    words = rng.integers(1, 30, (403, 12)) * (np.arange(12) < rng.integers(1, 13, (403, 1)))
    np.savez(folder / "words.npz", words=words, sum=words.sum(axis=1) / 100.0)
    numbers, word = rng.normal(3.0, 2.0, (203, 6)), rng.integers(0, 10, (203, 3))
    kind = (numbers[:, 0] > 3).astype(int) + (word[:, 1] > 5)
    np.savez(folder / "heads.npz", numbers=numbers, word=word, kind=kind, size=numbers[:, 2] + word[:, 0])
    return [Path(shutil.copy(HERE / f"{name}.yaml", folder)) for name in SPECS]
