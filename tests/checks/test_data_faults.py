"""What `validate --data` knows of the data, `train` says as well, before there is any TensorFlow."""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphspec
from graphspec.datasets import samples
from graphspec.diagnostics import SpecError
from graphspec.predicting.input_files import Files
from graphspec.predicting.predictor import Predictor

pa = pytest.importorskip("pyarrow")
pa_feather = pytest.importorskip("pyarrow.feather")
pa_parquet = pytest.importorskip("pyarrow.parquet")
tf = pytest.importorskip("tensorflow")

Write = Callable[..., Path]
NAN, INF = float("nan"), float("inf")
DAYS = [datetime.date(2020, 1, day) for day in range(1, 5)]

# What the rows hold → the codes that it may be found with, as class indices, as numbers, as weights, as an input of
# numbers and as one of indices; nothing where it is sound there, `?` where some formats hold something else.
FAULTS: dict[str, tuple[Any, ...]] = {
    "nothing wrong": ([0, 1, 2, 1], "", "", "", "", ""),
    "truths": ([True, False, True, True], *["602 ?"] * 5),
    "NaN": ([0, 1, NAN, 2], "610", "610", "610", "610", "606"),
    "only NaN": ([NAN] * 4, "610", "610", "610", "610", "606"),
    "infinity": ([0, INF, 1, 2], "610", "610", "610", "610", "606"),
    "minus infinity": ([0, 1, 2, -INF], "610", "610", "610", "610", "606"),
    "a negative number": ([0, -1, 1, 2], "609", "", "609", "", "612"),
    "a number too large": ([0, 1, 2, 3], "609", "", "", "", "612"),
    "fractions": ([0.0, 1.5, 1.0, 2.0], "609", "", "", "", "606"),
    "beyond float32": ([0.0, 1.0, 1e300, 2.0], "609 610", "606 610", "606 610", "606 610", "606 610"),
    "beyond int64": ([0, 1, 2**63, 2], "609", "606 ?", "", "", "606 612"),
    "only zeros": ([0, 0, 0, 0], "", "", "505", "", ""),
    "words": (["a", "b", "c", "a"], "602 606", "602 606", "602 606", "602 606", "602 606"),
    "a word among numbers": ([0, 1, "a", 2], "602 606", "602 606", "602 606", "602 606", "602 606"),
    "bytes that are no text": ([b"a", b"\xff", b"c", b"d"], "602 606", "602 606", "602 606", "602 606", "602 606"),
    "nothing in the middle": ([0, 1, None, 2], "602 604", "602 604", "602 604", "602 604", "602 604"),
    "nothing at all": ([None] * 4, *["602 603 604 606"] * 5),
    "dates": (DAYS, "602", "602", "602", "602", "602"),
    "complex numbers": ([1j, 2, 3, 4], "602", "602", "602", "602", "602"),
    "objects": ([{"a": 1}, 2, 3, 4], "602", "602", "602", "602", "602"),
    "lists": ([[0, 1], [1, 2], [2, 0], [1, 1]], "503 602", "503 602", "602 605", "602 605", "602 605"),
    "lists of several lengths": ([[0], [1, 2], [2], [1]], "602", "602", "602", "602", "602"),
    "no rows": ([], "602 604", "602 604", "602 604", "602 604", "602 604 606"),
    "a row too few": ([0, 1, 2], "604", "604", "604", "604", "604"),
}  # fmt: skip


def _array(rows: list[Any]) -> np.ndarray[Any, Any]:
    if any(isinstance(row, dict) or row is None for row in rows) or len({type(row) is str for row in rows}) > 1:
        return np.array([*rows, None], object)[:-1]
    if any(isinstance(row, list) for row in rows) and len({len(row) for row in rows}) > 1:
        return np.array([*rows, None], object)[:-1]
    if any(isinstance(row, int) and row >= 2**63 for row in rows):
        return np.array(rows, np.uint64)
    return np.array(rows, "datetime64[D]") if rows == DAYS else np.array(rows)


def write_npy(path: Path, rows: list[Any]) -> None:
    np.save(path, _array(rows))


def write_npz(path: Path, rows: list[Any]) -> None:
    np.savez(path, part=_array(rows))


def write_csv(path: Path, rows: list[Any]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["part"], *([row] for row in rows)])


def write_json_lines(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps({"part": row}, default=str) + "\n" for row in rows), encoding="utf-8")


def write_parquet(path: Path, rows: list[Any]) -> None:
    pa_parquet.write_table(_table(rows), path)


def write_feather(path: Path, rows: list[Any]) -> None:
    pa_feather.write_feather(_table(rows), str(path))


def _table(rows: list[Any]) -> Any:
    return pa.table({"part": pa.array(rows, pa.uint64() if 2**63 in rows else None)})


def write_records(path: Path, rows: list[Any]) -> None:
    if any(isinstance(row, float) for row in rows):
        rows = [float(row) if isinstance(row, int) else row for row in rows]

    def feature(row: Any) -> Any:
        values = [
            each.encode() if isinstance(each, str) else each for each in (row if isinstance(row, list) else [row])
        ]
        if isinstance(values[0], bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        if isinstance(values[0], int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    examples = [tf.train.Features(feature={} if row is None else {"part": feature(row)}) for row in rows]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for each in examples:
            writer.write(tf.train.Example(features=each).SerializeToString())


FORMATS: dict[str, tuple[Callable[[Path, list[Any]], None], str]] = {
    ".npy": (write_npy, ""),
    ".npz": (write_npz, ", key: part"),
    ".csv": (write_csv, ", column: part"),
    ".jsonl": (write_json_lines, ", column: part"),
    ".parquet": (write_parquet, ", column: part"),
    ".feather": (write_feather, ", column: part"),
    ".tfrecord": (write_records, ", feature: part"),
}
NUMBER = "{x: [2]}", "{from: x, apply: {Dense: 1}, loss: mse}"
LOOKED_UP = "[{Embedding: {input_dim: 3, output_dim: 2}}, Flatten, {Dense: 1}]"
# The inputs, the output, and the sources of a split in which PART is at fault.
USES: dict[str, tuple[str, str, str]] = {
    "classes": (
        "{x: [2]}",
        "{from: x, apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy}",
        "inputs: {x: x.npy}, outputs: {y: PART}",
    ),
    "targets": (*NUMBER, "inputs: {x: x.npy}, outputs: {y: PART}"),
    "weights": (*NUMBER, "inputs: {x: x.npy}, outputs: {y: y.npy}, sample_weights: {y: PART}"),
    "numbers": ("{x: [1]}", NUMBER[1], "inputs: {x: PART}, outputs: {y: y.npy}"),
    "indices": (
        "{x: {shape: [1], dtype: int32}}",
        f"{{from: x, apply: {LOOKED_UP}, loss: mse}}",
        "inputs: {x: PART}, outputs: {y: y.npy}",
    ),
}


class Reached(Exception):  # noqa: N818 - no error: what is to be asserted
    """The work has come to what needs TensorFlow."""


@pytest.fixture(autouse=True)
def _no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    def reach(*_: object) -> None:
        raise Reached

    monkeypatch.setattr("graphspec.api.require_tensorflow", reach)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", np.ones((4, 2), np.float32))
    np.save(tmp_path / "x1.npy", np.ones((4, 1), np.int32))
    np.save(tmp_path / "y.npy", np.array([0.0, 1.0, 2.0, 1.0]))
    return tmp_path


def outcome(work: Callable[[], object]) -> set[str]:
    """The codes that the work ends with; none where it comes to TensorFlow."""
    with pytest.raises((Reached, SpecError)) as ended:
        work()
    error = ended.value
    if not isinstance(error, SpecError):
        return set()
    assert all(each.span is not None for each in error.report)
    return {each.rule.code.removeprefix("GS") for each in error.report.errors}


def _spec(use: str, split: str, part: str) -> str:
    inputs, output, sources = USES[use]
    good = sources.replace("PART", "x1.npy" if "x: PART" in sources else "y.npy")
    train = sources.replace("PART", part) if split == "train" else good
    rest = f", {split}: {{{sources.replace('PART', part)}}}" if split != "train" else ""
    return (
        f"graphspec: 1\ninputs: {inputs}\noutputs: {{y: {output}}}\ntraining: {{optimizer: sgd}}\n"
        f"data: {{train: {{{train}}}{rest}}}\n"
    )


def _files(folder: Path, what: str) -> Iterator[str]:
    """The fault as a source in each format that can hold it."""
    for ending, (write_rows, keys) in FORMATS.items():
        path = folder / f"part{ending}"
        try:
            write_rows(path, FAULTS[what][0])
        except (TypeError, ValueError, OverflowError, pa.ArrowException):
            continue  # no such file can be
        yield f"{{file: {path.name}{keys}}}"


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("what", FAULTS)
def test_train_says_what_validation_knows(what: str, use: str, folder: Path, write: Write) -> None:
    """Every fault in every format and part ends in a finding before TensorFlow; the same that `validate` finds."""
    allowed = set(FAULTS[what][1 + list(USES).index(use)].split())
    tried = 0
    for part in _files(folder, what):
        tried += 1
        path = write(_spec(use, "train", part))
        found = outcome(partial(graphspec.train, path, run_dir=folder / "run"))
        assert found <= allowed, part
        assert bool(found) == bool(allowed) or "?" in allowed, part
        by_validation = {each.rule.code.removeprefix("GS") for each in graphspec.validate(path, values=True).errors}
        assert found <= by_validation, part
        assert bool(by_validation) == bool(found), part
        assert not (folder / "run").exists()
    assert tried


@pytest.mark.parametrize("what", ["NaN", "words", "a number too large", "nothing in the middle", "beyond int64"])
def test_validation_data_is_looked_at_as_well(what: str, folder: Path, write: Write) -> None:
    """A fault in the validation split is found before the training, not after its first epoch."""
    for part in _files(folder, what):
        path = write(_spec("classes", "validation", part))
        assert outcome(partial(graphspec.train, path, run_dir=folder / "run")), part


def test_large_columns_are_not_read_before_the_training(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is larger than a bound is left to the training, which ends in a finding too."""
    np.save(folder / "part.npy", np.array([[NAN]] * 4))
    path = write(_spec("numbers", "train", "part.npy"))
    assert outcome(lambda: graphspec.train(path, run_dir=folder / "run")) == {"610"}
    monkeypatch.setattr(samples, "MAX_SCANNED", 8)
    assert outcome(lambda: graphspec.train(path, run_dir=folder / "run")) == set()
    monkeypatch.undo()
    monkeypatch.setattr(samples, "MAX_SCANNED", 8)
    np.save(folder / "part.npy", np.array([0, NAN, 1, 2]))
    for use, code in (("numbers", "512"), ("classes", "610"), ("targets", "512")):
        path = write(_spec(use, "train", "part.npy"))
        assert outcome(partial(graphspec.train, path, run_dir=folder / use)) == {code}


def test_targets_of_another_shape_are_found_before_tensorflow(folder: Path, write: Write) -> None:
    """The shapes that are inferred say it; the built model need not."""
    np.save(folder / "part.npy", np.zeros((4, 3)))
    path = write(_spec("targets", "train", "part.npy"))
    assert outcome(lambda: graphspec.train(path, run_dir=folder / "run")) == {"503"}


def test_masks_of_wrong_classes_are_found_before_tensorflow(folder: Path, write: Write) -> None:
    """Images as class indices are read and looked through like any labels, and a broken one is named."""
    image = pytest.importorskip("PIL.Image")
    for number in range(2):
        image.fromarray(np.full((4, 4), 7 * number, np.uint8)).save(folder / f"m{number}.png")
    np.save(folder / "pixels.npy", np.zeros((2, 4, 4, 1), np.float32))
    text = """
        graphspec: 1
        inputs: {x: [4, 4, 1]}
        outputs:
          y: {from: x, apply: {Conv2D: [3, 1]}, loss: {SparseCategoricalCrossentropy: {from_logits: true}}}
        training: {optimizer: sgd}
        data: {train: {inputs: {x: pixels.npy}, outputs: {y: {files: "m*.png", decode: image}}}}
        """
    path = write(text.replace("{Conv2D: [3, 1]}", "{Conv2D: {filters: 3, kernel_size: 1}}"))
    assert outcome(lambda: graphspec.train(path, run_dir=folder / "run")) == {"609"}
    (folder / "m1.png").write_bytes((folder / "m1.png").read_bytes()[:40])
    assert outcome(lambda: graphspec.train(path, run_dir=folder / "run")) == {"602"}


def test_evaluate_and_predict_say_it_as_well(folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given to a trained model is looked at as what it was trained on, before the model is loaded."""
    monkeypatch.undo()
    inputs = "{file: t.csv, column: a}"
    (folder / "t.csv").write_text("a,y\n0,1\n1,2\n2,0\n", encoding="utf-8")
    path = write(
        _spec("classes", "train", "{file: t.csv, column: y}")
        .replace("{x: [2]}", "{x: [1]}")
        .replace("x: x.npy", f"x: {inputs}")
    )
    run = graphspec.train(path, run_dir=folder / "run")

    def reach(_: object) -> None:
        raise Reached

    monkeypatch.setattr(Predictor, "model", property(reach))
    rows = folder / "rows.csv"
    rows.write_text("a,y\n0,1\n", encoding="utf-8")
    assert outcome(lambda: run.evaluate(Files(rows=rows))) == set()
    for content, by_evaluate, by_predict in (
        ("0,7", {"609"}, set()),
        ("0,-1", {"609"}, set()),
        ("0,nan", {"610"}, set()),
        ("0,a", {"602"}, set()),
        ("nan,1", {"610"}, set()),  # NaN in a prediction, with a warning
        ("1e300,1", {"606"}, {"606"}),
        ("a,1", {"602"}, {"602"}),
        ("inf,1", {"610"}, set()),
    ):
        rows.write_text(f"a,y\n0,1\n{content}\n", encoding="utf-8")
        found = outcome(lambda: run.evaluate(Files(rows=rows)))
        assert found <= by_evaluate, content
        assert bool(found) == bool(by_evaluate), content
        found = outcome(lambda: run.predict(Files(rows=rows)))
        assert found <= by_predict, content
        assert bool(found) == bool(by_predict), content
