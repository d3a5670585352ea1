"""The columns of predictions in a table: their names, their words and their shapes."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pyarrow.parquet as pq
import pytest

from graphspec.predicting.columns import PredictionColumns
from graphspec.predicting.labels import Labels

from .predict_command import read_csv, refused, saved, wrote

L = keras.layers


def test_names_that_collide_are_told_apart(tmp_path: Path) -> None:
    """Each output keeps its own name; what would bear the same gets further underscores."""
    np.save(tmp_path / "x.npy", np.zeros((2, 3), np.float32))
    a = keras.Input((3,), name="a")
    outputs = {"y": L.Dense(2)(a), "y_1": L.Dense(1)(a), "sample": L.Dense(1)(a), "y__0": L.Dense(2)(a)}
    path = saved(tmp_path / "m.keras", {"a": a}, outputs)
    wrote(path, "-i", f"a={tmp_path / 'x.npy'}", "-o", tmp_path / "out.csv")
    names = set(read_csv(tmp_path / "out.csv"))
    assert names == {"sample_", "sample", "y_1", "y___0", "y___1", "y__0_0", "y__0_1"}


@pytest.mark.parametrize(
    ("shape", "labels", "names"),
    [
        ((2,), Labels(("a b", "=1+1")), ["sample", "y", "y_a b", "y_=1+1"]),
        ((3,), Labels(("a", "b")), ["sample", "y_0", "y_1", "y_2"]),
        ((1,), Labels(("a", "b", "c")), ["sample", "y"]),
        ((1001,), Labels(tuple(map(str, range(1001)))), ["sample", "y", "y_likeliest"]),
        ((4, 2), Labels(("a", "b")), ["sample", "y", "y_values"]),
        ((4, 2), None, ["sample", "y"]),
        ((), None, ["sample", "y"]),
    ],
)
def test_columns_follow_shape_and_words(shape: tuple[int, ...], labels: Labels | None, names: list[str]) -> None:
    """Words count only where there is a number for each of them, or one unit for two."""
    table = PredictionColumns({"y": shape}, {"y": labels} if labels is not None else {})
    values = np.random.default_rng(0).random((6, *shape)).astype(np.float32)
    found = table.of(np.arange(6), {"y": values})
    assert list(found) == table.names == names
    assert all(len(each) == 6 for each in found.values())


def test_labels_are_undecided_where_predictions_are_not_finite() -> None:
    """NaN is no reason to choose a word; logits are decided at 0."""
    words = Labels(("no", "yes"))
    assert words.of(np.array([[0.2], [np.nan], [0.7]])).tolist() == ["no", None, "yes"]
    assert words.of(np.array([[0.2, 0.1], [np.nan, 1], [0.1, 0.2]])).tolist() == ["no", None, "yes"]
    assert Labels(("no", "yes"), threshold=0.0).of(np.array([[0.2], [-0.2]])).tolist() == ["yes", "no"]


def test_further_axes_are_nested_lists_and_no_csv(tmp_path: Path) -> None:
    """Parquet and JSON lines hold lists of lists, with text of a model as text; a .csv file says where to go."""
    x = np.random.default_rng(0).random((5, 4, 3), np.float32)
    np.save(tmp_path / "x.npy", x)
    a = keras.Input((None, 3), name="a")
    path = saved(tmp_path / "m.keras", a, L.Dense(2, name="y")(a))
    given = [path, "-i", f"a={tmp_path / 'x.npy'}", "--batch-size", 2, "-o"]
    expected = keras.saving.load_model(path).predict(x, batch_size=2, verbose=0)
    wrote(*given, tmp_path / "out.parquet")
    wrote(*given, tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    for found in (pq.read_table(tmp_path / "out.parquet").to_pydict()["y"], [line["y"] for line in lines]):
        np.testing.assert_array_equal(np.array(found, np.float32), expected)
    said = refused(*given, tmp_path / "out.csv")
    assert "cannot hold `y`, of shape [4, 2]" in said
    assert not (tmp_path / "out.csv").exists()
