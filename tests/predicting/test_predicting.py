"""`graphspec predict`: from runs, in every format, with Keras itself as the oracle."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow.parquet as pq
import pytest

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.predicting.batch import Batch
from graphspec.predicting.input_files import Files
from graphspec.predicting.predictor import Predictor
from graphspec.runs.run import Run

from .predict_command import call, read_csv, refused, saved, wrote

L = keras.layers
Array = np.ndarray[Any, Any]

SPEC = """
graphspec: 1
name: four_heads
inputs: {numbers: [3], city: {shape: [1], dtype: int32}}
graph:
  place: {from: city, apply: [{Embedding: {input_dim: 3, output_dim: 2}}, Flatten]}
  joined: {from: [numbers, place], merge: concat, apply: {Dense: {units: 8, activation: relu}}}
outputs:
  kind: {from: joined, apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy}
  flag: {from: joined, apply: {Dense: {units: 1, activation: sigmoid}}, loss: binary_crossentropy}
  size: {from: joined, apply: {Dense: 1}, loss: mse, loss_weight: 0.3}
  pair: {from: joined, apply: {Dense: 2}, loss: mse}
training: {optimizer: {Adam: 0.05}, epochs: 2, batch_size: 16, seed: 5}
data:
  train:
    file: table.csv
    inputs: {numbers: {columns: [a, b, c], scale: 0.5}, city: {column: city, vocabulary: auto}}
    outputs: {kind: {column: kind, vocabulary: auto}, flag: {column: flag, vocabulary: [stay, leave]},
              size: {column: size}, pair: {columns: [a, b]}}
  validation: {split: 0.25}
  test: {file: table.csv, inputs: {numbers: {columns: [a, b, c], scale: 0.5}, city: {column: city, vocabulary: auto}}}
"""
CITIES, KINDS, FLAGS = ["Bonn", "Rome", "Wien"], ["maybe", "no", "yes"], ["stay", "leave"]
ROWS = 53


def table(path: Path, rows: int = ROWS, seed: int = 1) -> dict[str, list[Any]]:
    """A table of the columns that SPEC takes, and what it holds."""
    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {name: rng.normal(size=rows).round(4).tolist() for name in ("a", "b", "c", "size")}
    for name, words in (("city", CITIES), ("kind", KINDS), ("flag", FLAGS)):
        columns[name] = [words[index] for index in rng.integers(0, len(words), rows)]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return columns


def arrays(columns: dict[str, list[Any]]) -> dict[str, Array]:
    """The inputs of SPEC by hand."""
    numbers = np.array([columns[name] for name in ("a", "b", "c")]).T.astype(np.float32) * np.float32(0.5)
    return {"numbers": numbers, "city": np.array([[CITIES.index(each)] for each in columns["city"]], np.int32)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A trained run, with spec and table beside it."""
    folder = tmp_path_factory.mktemp("four_heads")
    table(folder / "table.csv")
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    return graphspec.train(folder / "spec.yaml", run_dir=folder / "run")


@pytest.fixture(scope="module")
def expected(run: Run) -> dict[str, Array]:
    """What plain Keras predicts of the table, in batches of the training's size."""
    inputs = arrays(table(run.path.parent / "same.csv"))
    # Compiled, it would compute several steps at a time, and TensorFlow fuses those into others by the last bit.
    model = keras.saving.load_model(run.path / "model.keras", compile=False)
    found: dict[str, Array] = model.predict(inputs, batch_size=16, verbose=0)
    return found


@pytest.mark.smoke
def test_npz_holds_what_keras_predicts_to_the_bit(run: Run, expected: dict[str, Array], tmp_path: Path) -> None:
    """Every output as it is, with the likeliest words and the row that each was predicted from."""
    out = tmp_path / "new" / "out.npz"
    wrote(run.path, "--rows", run.path.parent / "table.csv", "-o", out)
    with np.load(out) as found:
        assert set(found) == {*expected, "sample", "kind_label", "flag_label"}
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)
            assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found["sample"], np.arange(ROWS))
        assert found["kind_label"].tolist() == [KINDS[index] for index in expected["kind"].argmax(axis=1)]
        assert found["flag_label"].tolist() == [FLAGS[int(value > 0.5)] for value in expected["flag"][:, 0]]


NAMES = ["sample", "kind", "kind_maybe", "kind_no", "kind_yes", "flag", "flag_leave", "size", "pair_0", "pair_1"]


@pytest.mark.smoke
@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_tables_have_named_columns(run: Run, expected: dict[str, Array], tmp_path: Path, ending: str) -> None:
    """A word where there is a vocabulary, numbers by word or by index else; they read back as they are."""
    out = tmp_path / f"out{ending}"
    wrote(run.path, "--rows", run.path.parent / "table.csv", "-o", out)
    if ending == ".csv":
        columns: dict[str, list[Any]] = dict(read_csv(out))
    elif ending == ".jsonl":
        lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        columns = {name: [line[name] for line in lines] for name in lines[0]}
    else:
        columns = pq.read_table(out).to_pydict()
        assert str(pq.read_schema(out).field("size").type) == "float"
    assert list(columns) == NAMES
    assert [int(each) for each in columns["sample"]] == list(range(ROWS))
    assert columns["kind"] == [KINDS[index] for index in expected["kind"].argmax(axis=1)]
    assert columns["flag"] == [FLAGS[int(value > 0.5)] for value in expected["flag"][:, 0]]
    for name, values in (
        ("kind_no", expected["kind"][:, 1]),
        ("flag_leave", expected["flag"][:, 0]),
        ("size", expected["size"][:, 0]),
        ("pair_1", expected["pair"][:, 1]),
    ):
        np.testing.assert_array_equal(np.array(columns[name]).astype(np.float32), values)


def test_samples_of_a_held_out_share_are_rows_of_the_file(run: Run, expected: dict[str, Array], tmp_path: Path) -> None:
    """`sample` joins with the table, whichever of its rows were predicted."""
    out = tmp_path / "out.csv"
    wrote(run.path, "--split", "validation", "-o", out)
    found = read_csv(out)
    at = [int(each) for each in found["sample"]]
    assert len(set(at)) == round(ROWS / 4)
    assert at != list(range(len(at)))
    np.testing.assert_allclose(np.array(found["size"], float), expected["size"][at, 0], rtol=1e-5)


def test_batches_are_those_of_predict(run: Run, expected: dict[str, Array]) -> None:
    """`predict_batches` gives a batch at a time what `predict` gives as a whole; a split needs no targets for it."""
    batches = list(run.predict_batches("test"))
    assert [len(batch["size"]) for batch in batches] == [16, 16, 16, 5]
    np.testing.assert_array_equal(np.concatenate([batch["size"] for batch in batches]), expected["size"])
    whole = run.predict(Files(rows=run.path.parent / "table.csv"), batch_size=7, rows=slice(3, 12))
    np.testing.assert_allclose(whole["pair"], expected["pair"][3:12], rtol=1e-5)


def test_files_by_name_are_read_as_in_training(run: Run, expected: dict[str, Array]) -> None:
    """`name=file#columns` goes through the scale and the vocabulary of the training."""
    file = run.path.parent / "table.csv"
    found = run.predict(Files({"numbers": f"{file}#a,b,c", "city": f"{file}#city"}))
    np.testing.assert_array_equal(found["kind"], expected["kind"])


def test_best_checkpoint_is_another_model(run: Run, expected: dict[str, Array], tmp_path: Path) -> None:
    """`--checkpoint best` predicts with best.keras; a run that keeps none says what would keep one."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("run.json", "spec.yaml", "model.keras", "vocabularies.json"):
        (folder / name).write_bytes((run.path / name).read_bytes())
    assert "checkpoint: {monitor: loss}" in refused(folder, "--rows", "t.csv", "--checkpoint", "best")
    model = Run(folder).model()
    model.set_weights([weight + 1 for weight in model.get_weights()])
    model.save(folder / "best.keras")
    data = Files(rows=run.path.parent / "table.csv")
    by_hand = model.predict(arrays(table(tmp_path / "t.csv")), batch_size=16, verbose=0)
    np.testing.assert_array_equal(Run(folder).predict(data, checkpoint="best")["pair"], by_hand["pair"])
    np.testing.assert_array_equal(Run(folder).predict(data)["pair"], expected["pair"])
    with pytest.raises(ValueError, match="`last`, `best`"):
        Run(folder).predict(data, checkpoint="worst")


def test_model_file_with_a_spec_predicts_like_its_run(run: Run, expected: dict[str, Array], tmp_path: Path) -> None:
    """`--spec` tells how data is read; the vocabularies of the run beside it hold, whatever the table says by now."""
    out = tmp_path / "out.npz"
    only = tmp_path / "rome.csv"
    columns = table(only)
    wrote(run.path / "model.keras", "--spec", run.path / "spec.yaml", "--rows", only, "-o", out)
    with np.load(out) as found:
        np.testing.assert_array_equal(found["pair"], expected["pair"])
        assert "kind_label" in found
    assert len(columns["city"]) == ROWS


def test_npy_holds_one_output_and_refuses_two(run: Run, tmp_path: Path) -> None:
    """An .npy file is one array; several outputs need another format."""
    x = np.random.default_rng(0).random((5, 3), np.float32)
    np.save(tmp_path / "x.npy", x)
    a = keras.Input((3,), name="a")
    path = saved(tmp_path / "m.keras", a, L.Dense(2)(a))
    wrote(path, "-i", f"a={tmp_path / 'x.npy'}", "-o", tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), keras.saving.load_model(path).predict(x, verbose=0))
    assert "holds one array" in refused(run.path, "--split", "test", "-o", tmp_path / "two.npy")
    assert not (tmp_path / "two.npy").exists()


def test_nothing_is_written_over_without_force(run: Run, tmp_path: Path) -> None:
    """A file that is there stays, unless --force says so; data and folders stay even then."""
    data = tmp_path / "rows.csv"
    table(data)
    before = data.read_bytes()
    out = tmp_path / "out.csv"
    out.write_text("mine", encoding="utf-8")
    assert "--force" in refused(run.path, "--rows", data, "-o", out)
    assert out.read_text(encoding="utf-8") == "mine"
    (tmp_path / "link.csv").symlink_to(data)
    for same in (data, tmp_path / "." / "rows.csv", tmp_path / "link.csv"):
        assert "it is an input of the predictions" in refused(run.path, "--rows", data, "-o", same, "--force")
    assert data.read_bytes() == before
    (tmp_path / "folder.csv").mkdir()
    assert "it is a folder" in refused(run.path, "--rows", data, "-o", tmp_path / "folder.csv", "--force")
    assert "is not a folder" in refused(run.path, "--rows", data, "-o", data / "out.csv")
    assert "too long" in refused(run.path, "--rows", data, "-o", tmp_path / f"{'x' * 300}.csv")
    assert "extensions" in refused(run.path, "--rows", data, "-o", tmp_path / "out.xls")
    wrote(run.path, "--rows", data, "-o", out, "--force")
    assert len(read_csv(out)["size"]) == ROWS


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_cannot_be_written_is_refused(run: Run, tmp_path: Path) -> None:
    """A read-only folder is a finding before anything is predicted."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert "permission denied" in refused(run.path, "--split", "test", "-o", closed / "out.csv")


@pytest.mark.parametrize("ending", [".csv", ".npz", ".parquet"])
def test_ctrl_c_leaves_no_half_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """Stopped after the first predictions, nothing new lies in the folder, and the file to be replaced is as it was."""
    out = tmp_path / f"out{ending}"
    out.write_bytes(b"mine")
    pieces = Predictor.pieces

    def stopped(predictor: Predictor, *arguments: Any) -> Iterator[Batch]:
        for piece in pieces(predictor, *arguments):
            yield piece
            raise KeyboardInterrupt

    monkeypatch.setattr(Predictor, "pieces", stopped)
    result = call("predict", run.path, "--split", "test", "-o", out, "--force")
    assert result.exit_code == 130
    assert "Traceback" not in result.output
    assert out.read_bytes() == b"mine"
    assert [each.name for each in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "rows.csv"),
        ("a,b,c,city\n", "no samples"),
        ("a,b,city\n1,2,Rome\n", "has no column `c`"),
        ("a,b,c,city\n1,2,three,Rome\n", "line 2 column `c` holds `three`"),
        ("a,b,c,city\n1,2,3,Roma\n", "did you mean `Rome`?"),
        ("a,b,c,city\n1,2,3\n", "line 2"),
    ],
)
def test_bad_tables_are_refused_with_their_place(run: Run, tmp_path: Path, text: str, said: str) -> None:
    """Each is told in words, and no file is left behind."""
    rows = tmp_path / "rows.csv"
    rows.write_text(text, encoding="utf-8")
    assert said in refused(run.path, "--rows", rows, "-o", tmp_path / "out.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["rows.csv"]


def test_missing_inputs_are_named_with_their_option(run: Run) -> None:
    """What no option gives is named as the option would."""
    said = refused(run.path, "-i", f"numbers={run.path.parent / 'table.csv'}#a,b,c")
    assert "the input `city` has no file" in said
    assert "`--input city=FILE`" in said


def test_wrong_usage_of_model_files(run: Run, tmp_path: Path) -> None:
    """A file has no checkpoints and names no data, and a spec of other inputs does not go with it."""
    path = run.path / "model.keras"
    assert "is a file" in refused(path, "--split", "test", "--checkpoint", "best", code=2)
    assert "--spec" in refused(path, "--split", "test")
    other = tmp_path / "other.yaml"
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    other.write_text(
        "graphspec: 1\ninputs: {x: [3]}\noutputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}\n", encoding="utf-8"
    )
    for model in (path, run.path):
        said = refused(model, "--spec", other, "-i", f"x={tmp_path / 'x.npy'}")
        assert "has the inputs `city`, `numbers`" in said or "has the inputs `numbers`, `city`" in said


def test_predicting_nothing_is_refused(run: Run) -> None:
    """An empty slice of the samples is told as such."""
    with pytest.raises(SpecError, match="no samples"):
        run.predict("test", rows=slice(0))
