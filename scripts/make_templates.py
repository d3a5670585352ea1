"""Write the data of the templates of `graphspec new`: `python scripts/make_templates.py`.

Real data are those that scikit-learn bundles, and the names of characters in Python's `unicodedata`; the series is
generated. The weights of `fine_tuning` are trained by graphspec itself, on the digits 0 to 4.
"""

from __future__ import annotations

import csv
import math
import random
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

TEMPLATES = Path(__file__).resolve().parents[1] / "graphspec/starters/template_folders"
SEED = 1


def write_table(path: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    (TEMPLATES / path).parent.mkdir(parents=True, exist_ok=True)
    with open(TEMPLATES / path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


def write_arrays(path: str, **arrays: np.ndarray[Any, Any]) -> None:
    (TEMPLATES / path).parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TEMPLATES / path, allow_pickle=False, **arrays)


def iris() -> None:
    bunch = datasets.load_iris()
    names = [name.removesuffix(" (cm)").replace(" ", "_") for name in bunch.feature_names]
    rows = [[*map(float, each), bunch.target_names[kind]] for each, kind in zip(bunch.data, bunch.target, strict=True)]
    random.Random(SEED).shuffle(rows)
    write_table("mlp/iris.csv", [*names, "species"], rows)


def diabetes() -> None:
    bunch = datasets.load_diabetes(scaled=False)
    rows = [
        [*(float(f"{each:g}") for each in row[:1]), int(row[1]), *(float(f"{each:g}") for each in row[2:]), int(target)]
        for row, target in zip(bunch.data, bunch.target, strict=True)
    ]
    write_table("table/diabetes.csv", [*bunch.feature_names, "progression"], rows)


def wine() -> None:
    bunch = datasets.load_wine()
    rows = [[*map(float, row), int(kind)] for row, kind in zip(bunch.data, bunch.target, strict=True)]
    random.Random(SEED).shuffle(rows)
    names = [name.replace("/", "_") for name in bunch.feature_names]
    write_table("two_inputs_two_outputs/wine.csv", [*names, "cultivar"], rows)


def characters() -> None:
    kinds = {"Lu": "letter", "Ll": "letter", "Nd": "digit", "Mn": "mark", "Sm": "sign", "So": "sign"}
    signs = map(chr, range(0x20, 0x3000))
    every = [(unicodedata.name(sign, "").lower(), kinds.get(unicodedata.category(sign))) for sign in signs]
    every = [(name, kind) for name, kind in every if name and kind]
    write_table("text/characters.csv", ["name", "kind"], random.Random(SEED).sample(every, 400))


def series() -> None:
    noise, turn = random.Random(SEED), 2 * math.pi
    days, weeks = ([math.sin(step * turn / hours) for step in range(600)] for hours in (24, 168))
    loads = [10 + 3 * day + 2 * week + noise.gauss(0, 0.3) for day, week in zip(days, weeks, strict=True)]
    write_table("time_series/series.csv", ["load"], [[f"{load:.2f}"] for load in loads])


def digits() -> None:
    bunch = datasets.load_digits()
    images, labels = bunch.images.astype(np.uint8)[..., None], bunch.target.astype(np.uint8)
    write_arrays("image_classes/digits.npz", images=images[:600], labels=labels[:600])
    order = np.random.default_rng(SEED)
    first = order.integers(0, 600, 800)
    second = np.array([order.choice(np.flatnonzero((labels[:600] == labels[each]) == bool(number % 2)))
                       for number, each in enumerate(first)])  # fmt: skip
    same = (labels[first] == labels[second]).astype(np.uint8)
    write_arrays("shared_towers/pairs.npz", first=images[first], second=images[second], same=same)
    high = labels >= 5
    write_arrays("fine_tuning/digits_5_to_9.npz", images=images[high][:200], labels=labels[high][:200] - 5)
    train_base(images[~high], labels[~high])


def train_base(images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> None:
    """Train the layers of `fine_tuning` on other digits, and write their weights."""
    import graphspec

    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "low.npz", images=images, labels=labels)
        text = (TEMPLATES / "fine_tuning/spec.yaml").read_text(encoding="utf-8")
        graph = text[text.index("inputs:") : text.index("outputs:")]
        spec = Path(folder) / "spec.yaml"
        spec.write_text(
            f"graphspec: 1\nname: base\n{graph}\n"
            "outputs:\n  low: {from: code, apply: {Dense: {units: 5, activation: softmax}},"
            " loss: sparse_categorical_crossentropy}\n"
            "training: {optimizer: adam, epochs: 30, seed: 1}\n"
            "data:\n  train:\n    file: low.npz\n    inputs: {image: {key: images}}\n"
            "    outputs: {low: {key: labels}}\n",
            encoding="utf-8",
        )
        run = graphspec.train(spec, run_dir=Path(folder) / "run", progress=False)
        run.model().save_weights(TEMPLATES / "fine_tuning/digits_0_to_4.weights.h5")


def main() -> None:
    for write in (iris, diabetes, wine, characters, series, digits):
        write()


if __name__ == "__main__":
    main()
