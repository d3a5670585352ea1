"""`graphspec predict`: from runs and model files, in every format, with Keras itself as the oracle."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError
from graphspec.predicting.columns import PredictionColumns
from graphspec.predicting.input_files import Files
from graphspec.predicting.labels import Labels
from graphspec.runs.run import Run

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


def call(*arguments: object) -> Result:
    """Run `graphspec` in this process."""
    return CliRunner().invoke(main, [str(each) for each in arguments])


def wrote(*arguments: object) -> None:
    """Run `graphspec predict`, which must succeed."""
    result = call("predict", *arguments)
    assert result.exit_code == 0, result.output


def refused(*arguments: object, code: int = 1) -> str:
    """What `graphspec predict` says; it must fail with that status, and without a traceback."""
    result = call("predict", *arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def saved(path: Path, inputs: Any, outputs: Any) -> Path:
    """A functional model of plain Keras in a file."""
    keras.Model(inputs, outputs).save(path)
    return path


def read_csv(path: Path) -> dict[str, list[str]]:
    """The columns of a table as text."""
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert len(set(header)) == len(header)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


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


@pytest.mark.parametrize("form", ["sequential", "list", "dict", "bare"])
def test_plain_keras_models_predict_by_name(tmp_path: Path, form: str) -> None:
    """A model that graphspec never saw, in each form that Keras has; its names are those of its layers or dicts."""
    x, z = np.random.default_rng(0).random((2, 11, 3), np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "z.npz", z=z, other=z)
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    path, given = tmp_path / "plain.keras", ["-i", f"a={tmp_path / 'x.npy'}", "-i", f"b={tmp_path / 'z.npz'}#z"]
    one, two = L.Dense(1, name="one")(L.Add()([a, b])), L.Dense(2, name="two")(b)
    inputs: Any = {"a": x, "b": z}
    match form:
        case "sequential":
            keras.Sequential([keras.Input((3,), name="a"), L.Dense(1, name="one")]).save(path)
            given, inputs = given[:2], x
        case "bare":
            saved(path, a, L.Dense(1, name="one")(a))
            given, inputs = given[:2], x
        case "list":
            saved(path, [b, a], [two, one])
            inputs = [z, x]
        case _:
            saved(path, {"a": a, "b": b}, {"uno": one, "due": two})
    by_hand = keras.saving.load_model(path).predict(inputs, verbose=0)
    if form == "dict":
        expected = by_hand
    elif form == "list":
        expected = {"two": by_hand[0], "one": by_hand[1]}
    else:
        expected = {"one": by_hand}
    wrote(path, *given, "-o", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as found:
        assert set(found) == {*expected, "sample"}
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)


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


def test_what_is_not_finite_is_told_and_kept(tmp_path: Path) -> None:
    """NaN in the data is NaN in the predictions: a warning, `nan` in a table, null in JSON."""
    x = np.ones((5, 3), np.float32)
    x[2, 1] = np.nan
    np.save(tmp_path / "x.npy", x)
    a = keras.Input((3,), name="a")
    path = saved(tmp_path / "m.keras", a, L.Dense(1, name="y")(a))
    for ending in (".csv", ".jsonl"):
        result = call("predict", path, "-i", f"a={tmp_path / 'x.npy'}", "-o", tmp_path / f"out{ending}")
        assert result.exit_code == 0, result.output
        assert "warning: 1 predictions of `y` are NaN" in result.stderr
    assert [each == "nan" for each in read_csv(tmp_path / "out.csv")["y"]] == [False, False, True, False, False]
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[2])["y"] is None


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
    """Stopped between two batches, nothing new lies in the folder, and what was to be replaced is as it was."""
    out = tmp_path / f"out{ending}"
    out.write_bytes(b"mine")
    predict: Callable[..., Any] = keras.Model.predict_on_batch
    calls = []

    def stopped(model: keras.Model, inputs: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return predict(model, inputs)

    monkeypatch.setattr(keras.Model, "predict_on_batch", stopped)
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


def test_what_the_model_cannot_take_is_no_traceback(tmp_path: Path) -> None:
    """An index that an `Embedding` does not have is found by TensorFlow alone, in the middle of the work."""
    np.save(tmp_path / "x.npy", np.array([[1], [99]]))
    a = keras.Input((1,), name="a", dtype="int32")
    path = saved(tmp_path / "m.keras", a, L.Flatten(name="y")(L.Embedding(3, 2)(a)))
    assert "cannot compute these samples" in refused(path, "-i", f"a={tmp_path / 'x.npy'}", "-o", tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()
    np.save(tmp_path / "wide.npy", np.zeros((2, 5), np.int32))
    assert "GS605" in refused(path, "-i", f"a={tmp_path / 'wide.npy'}")


def test_hostile_and_broken_model_files_are_refused(tmp_path: Path) -> None:
    """Junk, a truncated file, an archive that unpacks to gigabytes, code: each in one finding."""
    import zipfile

    np.save(tmp_path / "x.npy", np.zeros((2, 3), np.float32))
    given = ["-i", f"a={tmp_path / 'x.npy'}"]
    path = tmp_path / "m.keras"
    path.write_bytes(b"junk")
    assert "cannot be read as a model" in refused(path, *given)
    a = keras.Input((3,), name="a")
    saved(path, a, L.Dense(2)(a))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as a model" in refused(path, *given)
    path.write_bytes(whole)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/bomb", bytes(300 * 2**20))
    assert "would unpack to 300 MiB" in refused(path, *given)
    saved(path, a, L.Lambda(lambda x: x * 2)(a))
    assert "`lambda`, which carries code" in refused(path, *given).replace("Lambda", "lambda")
    assert "there is no file" in refused(tmp_path / "m.kera", *given).replace("no folder", "no file")
    (tmp_path / "model.h5").write_bytes(b"x")
    assert "cannot be read as a model" in refused(tmp_path / "model.h5", *given)


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


@pytest.mark.smoke
def test_images_are_decoded_as_in_training(tmp_path: Path) -> None:
    """A glob of images given by hand is decoded and scaled as the spec does it."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 5), np.uint8)
    (tmp_path / "new").mkdir()
    for index, each in enumerate(pixels):
        Image.fromarray(each).save(tmp_path / "new" / f"{index}.png")
    (tmp_path / "spec.yaml").write_text(
        """
graphspec: 1
inputs: {image: [5, 5, 1]}
outputs: {y: {from: image, apply: [Flatten, {Dense: 2}], loss: null}}
data: {train: {inputs: {image: {files: "old/*.png", decode: image, channels: 1, scale: 0.01}}}}
""",
        encoding="utf-8",
    )
    model = graphspec.build(tmp_path / "spec.yaml")
    model.save(tmp_path / "m.keras")
    given = ["--spec", tmp_path / "spec.yaml", "-i", f"image={tmp_path / 'new' / '*.png'}"]
    wrote(tmp_path / "m.keras", *given, "-o", tmp_path / "out.npz")
    expected = model.predict({"image": pixels[..., None].astype(np.float32) * np.float32(0.01)}, verbose=0)["y"]
    with np.load(tmp_path / "out.npz") as found:
        np.testing.assert_allclose(found["y"], expected, rtol=1e-5)


MEASURE = """
import resource, sys
from graphspec.cli import main
for out in sys.argv[2:]:
    main(["predict", sys.argv[1], "-i", f"a={out}.npy", "--batch-size", "1024", "-o", out], standalone_mode=False)
    print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_samples(tmp_path: Path) -> None:
    """Ten times the samples, and predictions of 100 MiB in the place of 10, take no more memory by half of that."""
    a = keras.Input((4,), name="a")
    path = saved(tmp_path / "m.keras", a, L.Dense(256, name="y")(a))
    outs = [tmp_path / f"{rows}{ending}" for ending in (".npz", ".parquet") for rows in (10_000, 100_000)]
    for out in outs:
        np.save(f"{out}.npy", np.ones((int(out.stem), 4), np.float32))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), *map(str, outs)], capture_output=True, text=True, check=True
    )
    peaks = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("PEAK")]
    assert peaks[1] - peaks[0] < 50, peaks
    assert peaks[3] - peaks[2] < 50, peaks
    with np.load(outs[1]) as found:
        assert found["y"].shape == (100_000, 256)
    assert pq.read_metadata(outs[3]).num_row_groups < 10


def test_predicting_nothing_is_refused(run: Run) -> None:
    """An empty slice of the samples is told as such."""
    with pytest.raises(SpecError, match="no samples"):
        run.predict("test", rows=slice(0))
