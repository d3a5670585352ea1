"""A run keeps what its preprocessing layers have learnt, and predicts from raw rows."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError
from graphspec.runs.run import Run

from .preprocessing import NUMBERS, SAID, TEXTS, changed, one_layer, table

ROOT = Path(__file__).resolve().parents[2]


WHOLE_SPEC = """
graphspec: 1
name: whole
layers: {words: {TextVectorization: {max_tokens: 40, output_sequence_length: 4}}}
models:
  place:
    inputs: {city: {shape: [1], dtype: string}}
    outputs: {code: {from: city, apply: [StringLookup, {Embedding: {input_dim: 30, output_dim: 2}}, Flatten]}}
inputs:
  text: {shape: [1], dtype: string}
  reply: {shape: [], dtype: string}
  city: {shape: [1], dtype: string}
  size: {shape: [1], dtype: int64}
  numbers: [2]
graph:
  said: {from: text, apply: [words, {Embedding: {input_dim: 40, output_dim: 3}}, GlobalAveragePooling1D]}
  replied: {from: reply, apply: [words, {Embedding: {input_dim: 40, output_dim: 3}}, GlobalAveragePooling1D]}
  from_where: {from: city, apply: place}
  sized: {from: size, apply: {IntegerLookup: {max_tokens: 5, pad_to_max_tokens: true, output_mode: multi_hot}}}
  scaled: {from: numbers, apply: Normalization}
  cut: {from: numbers, apply: [{Discretization: {num_bins: 4}}, {Rescaling: 0.25}]}
outputs:
  kind: {from: [said, replied, from_where, sized, scaled, cut], merge: concat,
         apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy, metrics: [accuracy]}
training:
  optimizer: adam
  epochs: 2
  batch_size: 16
  seed: 5
  checkpoint: {every: epoch}
  callbacks: [{ModelCheckpoint: {filepath: kept.keras}}]
data:
  train:
    file: t.csv
    inputs: {text: {column: text}, reply: {column: reply}, city: {column: city}, size: {column: size},
             numbers: {columns: [age, pay]}}
    outputs: {kind: {column: kind, vocabulary: auto}}
  validation: {split: 0.25}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a spec with all five layers on raw rows of one CSV."""
    folder = tmp_path_factory.mktemp("whole")
    rng = np.random.default_rng(8)
    columns = {
        "text": [TEXTS[number] for number in rng.integers(0, len(TEXTS), 200)],
        "reply": [TEXTS[number] for number in rng.integers(0, len(TEXTS), 200)],
        "city": [["Köln", "", "New York", "大阪"][number] for number in rng.integers(0, 4, 200)],
        "size": list(rng.integers(0, 6, 200)),
        "age": list(rng.integers(1, 90, 200)),
        "pay": list(rng.normal(3000, 400, 200).round(2)),
        "kind": [["yes", "no", "maybe"][number] for number in rng.integers(0, 3, 200)],
    }
    table(folder / "t.csv", columns)
    (folder / "spec.yaml").write_text(WHOLE_SPEC, encoding="utf-8")
    return graphspec.train(folder / "spec.yaml", run_dir=folder / "run")


@pytest.mark.slow
def test_a_fresh_process_predicts_the_same_from_raw_rows(whole: Run, tmp_path: Path) -> None:
    """`predict --rows` in another process gives what the trained model gives of the same rows, to the bit."""
    out = tmp_path / "out.npz"
    data = whole.path.parent / "t.csv"
    subprocess.run(
        [sys.executable, "-m", "graphspec", "predict", str(whole.path), "--rows", str(data), "-o", str(out)],
        check=True,
        cwd=ROOT,
    )
    with np.load(out) as written:
        np.testing.assert_array_equal(written["kind"], whole.predict(whole.rows(data))["kind"])
    last = {name: values[-1] for name, values in whole.history.items()}
    measured = whole.evaluate("validation")
    assert measured["accuracy"] == pytest.approx(last["val_accuracy"])
    assert measured["loss"] == pytest.approx(last["val_loss"], rel=1e-5)


@pytest.mark.parametrize("file", ["model.keras", "kept.keras", "best.keras"])
def test_whole_models_load_in_plain_keras_with_their_state(whole: Run, file: str) -> None:
    """The model, the best one and those of a callback predict alike, without graphspec."""
    with open(whole.path.parent / "t.csv", encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    strings = {name: np.array([row[name] for row in table], object) for name in ("text", "reply", "city")}
    inputs = {
        "text": keras.ops.convert_to_tensor(strings["text"][:, None], dtype="string"),
        "reply": keras.ops.convert_to_tensor(strings["reply"], dtype="string"),
        "city": keras.ops.convert_to_tensor(strings["city"][:, None], dtype="string"),
        "size": np.array([[int(row["size"])] for row in table]),
        "numbers": np.array([[float(row["age"]), float(row["pay"])] for row in table], np.float32),
    }
    predicted = keras.saving.load_model(whole.path / file).predict(inputs, verbose=0)
    ours = whole.predict(whole.rows(whole.path.parent / "t.csv"))
    np.testing.assert_allclose(predicted["kind"], ours["kind"], rtol=1e-5)


def test_predict_takes_inputs_one_by_one_as_well(whole: Run) -> None:
    """`-i name=file#column` beside `--rows`: both name the same columns here."""
    data = whole.path.parent / "t.csv"
    result = CliRunner().invoke(
        main, ["predict", str(whole.path), "--rows", str(data), "-i", f"text={data}#text", "--limit", "2"]
    )
    assert result.exit_code == 0, result.output
    assert len(re.findall(r"\b(?:maybe|yes|no)  [01]", result.output)) == 2


def test_rows_that_do_not_fit_are_refused_by_name(whole: Run, tmp_path: Path) -> None:
    """A column that is missing is named with the nearest there is; text for a number with its line and column."""
    other = tmp_path / "rows.csv"
    for header, size, says in (
        ("text,replies,city,size,age,pay", 3, ["no column `reply`", "`replies`"]),
        ("text,reply,city,size,years,pay", 3, ["no column `age`"]),
        ("text,reply,city,size,age,pay", "many", ["line 3 column `size` holds `many`"]),
    ):
        other.write_text(f"{header}\na,b,c,1,2,3\na,b,c,{size},2,3\n", encoding="utf-8")
        with pytest.raises(SpecError) as refused:
            whole.predict(whole.rows(other))
        assert all(each in str(refused.value) for each in says), str(refused.value)
    with pytest.raises(SpecError, match="is not a table"):
        whole.rows("rows.npy")


def test_rows_need_inputs_that_came_from_a_table(tmp_path: Path) -> None:
    """A run on arrays has no columns to look for."""
    path = one_layer(tmp_path, "Normalization", NUMBERS, "float32")
    np.save(tmp_path / "x.npy", np.array(NUMBERS))
    changed(path, "x: {column: x}", "x: {file: x.npy}")
    run = graphspec.train(path, run_dir=tmp_path / "run")
    with pytest.raises(SpecError, match="read no input from a table"):
        run.rows("t.csv")


def test_a_model_file_without_the_state_is_refused(tmp_path: Path) -> None:
    """A run whose model does not say what a layer has learnt would predict nonsense."""
    run = graphspec.train(one_layer(tmp_path, "StringLookup", SAID, "string"), run_dir=tmp_path / "run")
    file = run.path / "model.keras"
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    (lookup,) = [each for each in config["config"]["layers"] if each["class_name"] == "StringLookup"]
    for wrong, says in ((None, "does not hold the adapted state of `it`"), ({}, "is no list"), ([1], "is no word")):
        lookup["config"]["vocabulary"] = wrong
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in {**parts, "config.json": json.dumps(config).encode()}.items():
                archive.writestr(name, content)
        with pytest.raises(SpecError, match=says):
            run.model()
