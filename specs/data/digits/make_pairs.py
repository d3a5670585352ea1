"""Make the archives of digit pairs that `specs/same_digit.yaml` learns from.

In: the 1,797 handwritten digits that scikit-learn bundles. Out: `train.npz`, `validation.npz` and `test.npz`
beside this file, each holding the arrays `a`, `b` and `same` (README.md says what is in them).
The images are split before pairs are drawn, so no split ever shows an image of another one.
Run it as `python make_pairs.py`; every run writes the same arrays.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.intp]
Arrays = dict[str, Bytes]

SEED = 1998
SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}
"""What share of each digit's images a split takes."""
PAIRS = {"train": 19200, "validation": 2000, "test": 4000}
"""How many pairs a split holds; half of them show the same digit twice."""


def load_images() -> tuple[Bytes, Bytes]:
    """Return the images, of shape (1797, 8, 8, 1) with values 0..16, and the digit each one shows."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images[..., np.newaxis].astype(np.uint8), digits.target.astype(np.uint8)


def split_images(digits: Bytes, random: np.random.RandomState) -> dict[str, Indices]:
    """Deal the images of each digit out to the splits, in the proportions of `SHARES`."""
    splits: dict[str, list[Indices]] = {name: [] for name in SHARES}
    for digit in np.unique(digits):
        shuffled = random.permutation(np.flatnonzero(digits == digit))
        ends = np.rint(np.cumsum(list(SHARES.values())) * len(shuffled)).astype(int)
        for name, part in zip(SHARES, np.split(shuffled, ends[:-1]), strict=True):
            splits[name].append(part)
    return {name: np.concatenate(parts) for name, parts in splits.items()}


def draw_pairs(images: Indices, digits: Bytes, count: int, random: np.random.RandomState) -> Indices:
    """Draw `count` distinct pairs of distinct images, half of one digit, as an array of shape (count, 2).

    (a, b) and (b, a) are the same pair. The rows are sorted by their first image: repeats then lie close
    together, and the archive packs them better. Training shuffles them anyway.
    """
    shuffled = random.permutation(images)
    pairs = shuffled[np.stack(np.triu_indices(len(images), k=1), axis=1)]
    same = digits[pairs[:, 0]] == digits[pairs[:, 1]]
    drawn = [random.permutation(np.flatnonzero(kind))[: count // 2] for kind in (same, ~same)]
    rows: Indices = pairs[np.sort(np.concatenate(drawn))]
    return rows


def make_pairs() -> dict[str, Arrays]:
    """Return the arrays `a`, `b` and `same` of every split."""
    images, digits = load_images()
    # RandomState and not default_rng: its stream is frozen, so that a later NumPy draws the same pairs.
    random = np.random.RandomState(SEED)
    splits: dict[str, Arrays] = {}
    for name, members in split_images(digits, random).items():
        first, second = draw_pairs(members, digits, PAIRS[name], random).T
        same = (digits[first] == digits[second]).astype(np.uint8)[:, np.newaxis]
        splits[name] = {"a": images[first], "b": images[second], "same": same}
    return splits


def write_archive(path: Path, arrays: Arrays) -> None:
    """Write `arrays` as a compressed .npz; unlike `np.savez_compressed` it stores no time of day."""
    with zipfile.ZipFile(path, "w") as archive:
        for key, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{key}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def main() -> None:
    """Write one archive a split, beside this file."""
    for name, arrays in make_pairs().items():
        write_archive(Path(__file__).with_name(f"{name}.npz"), arrays)


if __name__ == "__main__":
    main()
