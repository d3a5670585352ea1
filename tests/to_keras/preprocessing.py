"""A spec with one preprocessing layer, its data, and the layer adapted."""

from __future__ import annotations

import csv
import textwrap
from pathlib import Path
from typing import Any

import keras
import numpy as np

import graphspec
from graphspec.datasets.samples import read_training_data
from graphspec.to_keras import build_spec
from graphspec.to_keras.adapting import adapt

TEXTS = [
    "",
    "one",
    "one two",
    "Zwei, drei!",
    "naïve café",
    "雪 が 降る",
    "a\u2028b c",
    "x\x85y",
    "🙂 🙂",
    "two\nlines",
    "  ",
]
"""Texts with words that hold line breaks of other alphabets, and texts without a word."""


def table(path: Path, columns: dict[str, list[Any]]) -> None:
    """Write a CSV of these columns."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))


def learnt(path: Path) -> tuple[keras.Model, dict[str, np.ndarray[Any, Any]]]:
    """The model of a spec with its layers adapted, and the inputs of the training split as arrays."""
    spec = graphspec.load(path)
    train = read_training_data(spec).train
    built = build_spec(spec)
    adapt(spec, built, train)
    return built.model, {name: train.batch(column, np.arange(train.count)) for name, column in train.inputs.items()}


def changed(path: Path, old: str, new: str) -> Path:
    """The spec with one text replaced."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def one_layer(tmp_path: Path, layer: str, values: list[Any], dtype: str, *, shape: str = "[1]", more: str = "") -> Path:
    """A spec whose one input, from a CSV, goes through one preprocessing layer called `it`."""
    table(tmp_path / "t.csv", {"x": values, "y": [0.5] * len(values)})
    text = f"""
        graphspec: 1
        inputs: {{x: {{shape: {shape}, dtype: {dtype}}}}}
        graph:
          it: {{from: x, apply: {layer}}}
          numbers: {{from: it, apply: {{ops.cast: {{dtype: float32}}}}}}
          total: {{from: numbers, apply: {{ops.mean: {{axis: -1, keepdims: true}}}}}}
        outputs:
          y: {{from: total, apply: {{Dense: 1}}, loss: mse}}
        training: {{optimizer: sgd, epochs: 1, batch_size: 8, seed: 3}}
        data: {{train: {{file: t.csv, inputs: {{x: {{column: x}}}}, outputs: {{y: {{column: y}}}}}}{more}}}
        """
    path = tmp_path / "spec.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


NUMBERS = [float(number) for number in np.random.default_rng(2).gamma(2, 30, 500).round(3)]
WHOLE = [int(number) for number in np.random.default_rng(3).geometric(0.2, 500)]
SAID = [TEXTS[number % len(TEXTS)] for number in WHOLE]
