"""Exports, run as those who serve them run them, against the numbers of the model that they come from."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.exporting import FORMATS
from graphspec.exporting.formats import FormatModule, LoadedExport
from graphspec.runs.run import Run

from .exports import call, is_close, refusal

SPECS = Path(__file__).resolve().parents[2] / "specs"
Arrays = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two inputs and two outputs, trained for an epoch."""
    folder = tmp_path_factory.mktemp("wine")
    return graphspec.train(SPECS / "wine.yaml", overrides=["training.epochs=1"], run_dir=folder / "run")


@pytest.fixture(scope="module")
def characters(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that takes text, and whose layers have learnt from data."""
    folder = tmp_path_factory.mktemp("characters")
    return graphspec.train(SPECS / "characters.yaml", overrides=["training.epochs=1"], run_dir=folder / "run")


@pytest.fixture(scope="module")
def bottles(wine: Run) -> Arrays:
    """The inputs of the wine data as arrays, read without graphspec."""
    train = wine.spec.data.train if wine.spec.data is not None else None
    assert train is not None
    with open(SPECS / "data" / "wine" / "wine.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        name: np.array([[row[column] for column in source.columns or ()] for row in rows], np.float32)
        for name, source in train.inputs.items()
    }


SERVE_TEXT = """
import csv, json, sys
sys.modules["keras"] = sys.modules["graphspec"] = None
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
rows = list(csv.DictReader(open(sys.argv[2], encoding="utf-8")))[:20]
text = {name: tf.constant([[row[name]] for row in rows]) for name in ("name", "direction", "width")}
numbers = [[float(row[name]) for name in ("code_point", "utf8_bytes", "parts")] for row in rows]
given = serve(**text, numbers=tf.constant(numbers))
print(json.dumps({name: values.numpy().tolist() for name, values in given.items()}))
"""

LOAD_TEXT = """
import csv, json, sys
sys.modules["graphspec"] = None
import numpy as np, keras
model = keras.saving.load_model(sys.argv[1])
assert not model.compiled
rows = list(csv.DictReader(open(sys.argv[2], encoding="utf-8")))[:20]
words = {name: [[row[name]] for row in rows] for name in ("name", "direction", "width")}
text = {name: keras.ops.convert_to_tensor(values, "string") for name, values in words.items()}
numbers = [[float(row[name]) for name in ("code_point", "utf8_bytes", "parts")] for row in rows]
given = model({**text, "numbers": keras.ops.convert_to_tensor(numbers)}, training=False)
print(json.dumps({name: np.asarray(values).tolist() for name, values in given.items()}))
"""


@pytest.mark.slow
@pytest.mark.smoke
@pytest.mark.parametrize(("to", "code"), [("saved-model", SERVE_TEXT), ("keras", LOAD_TEXT)])
def test_raw_text_is_served_without_graphspec(characters: Run, tmp_path: Path, to: str, code: str) -> None:
    """In a fresh process, from raw rows: a SavedModel by its signature, where Keras is not, and a file by Keras."""
    done = graphspec.export(characters, to, tmp_path / f"text{FORMATS[to].ending}")
    table = SPECS / "data" / "characters" / "characters.csv"
    command = [sys.executable, "-c", code, str(done.path), str(table)]
    served = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert served.returncode == 0, served.stderr
    expected = characters.predict(characters.rows(table), rows=slice(20))
    assert is_close(json.loads(served.stdout.splitlines()[-1]), expected)


@pytest.mark.smoke
def test_onnx_runs_by_the_names_of_the_spec(wine: Run, bottles: Arrays, tmp_path: Path) -> None:
    """ONNX Runtime knows the spec's inputs and outputs, takes any number of samples, and gives the model's numbers."""
    done = graphspec.export(wine, "onnx", tmp_path / "wine.onnx")
    session = onnxruntime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    assert {each.name: each.shape for each in session.get_inputs()} == {
        "chemistry": ["batch", 10],
        "appearance": ["batch", 2],
    }
    names = [each.name for each in session.get_outputs()]
    assert set(names) == {"cultivar", "alcohol"}
    model = wine.model()
    for count in (1, 7, 178):
        inputs = {name: values[:count] for name, values in bottles.items()}
        found = dict(zip(names, session.run(names, inputs), strict=True))
        assert is_close(found, model.predict(inputs, verbose=0))


@pytest.mark.smoke
def test_litert_runs_by_its_signature(wine: Run, bottles: Arrays, tmp_path: Path) -> None:
    """The signature runner takes and gives the spec's names, for any number of samples, with the model's numbers."""
    done = graphspec.export(wine, "litert", tmp_path / "wine.tflite")
    run = Interpreter(model_path=str(done.path)).get_signature_runner()
    assert done.batch_size is None
    model = wine.model()
    for count in (1, 7, 178):
        inputs = {name: values[:count] for name, values in bottles.items()}
        assert is_close(run(**inputs), model.predict(inputs, verbose=0))


@pytest.mark.parametrize("to", FORMATS)
def test_export_lies_beside_the_run_and_tells_of_itself(wine: Run, to: str) -> None:
    """Without a path it is put into the run's folder; it tells names, shapes, samples, and differences by output."""
    done = graphspec.export(wine.path.parent, to)
    assert done.path == wine.path / "export" / f"wine{FORMATS[to].ending}"
    assert done.path.exists()
    assert done.inputs == {"chemistry": ((None, 10), "float32"), "appearance": ((None, 2), "float32")}
    assert done.outputs == {"cultivar": ((None, 3), "float32"), "alcohol": ((None, 1), "float32")}
    assert (done.samples, done.compared_on) == (36, "of the validation split")
    assert set(done.differences) == {"cultivar", "alcohol"}
    assert all(each.relative <= done.tolerance for each in done.differences.values())
    assert not list(done.path.parent.glob(".writing-*"))


@pytest.mark.parametrize("to", FORMATS)
def test_other_numbers_are_caught_and_nothing_is_left(
    wine: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    """One output that is off by three thousandths is refused by name, and its folder is as empty as it was."""
    module = FORMATS[to].module
    load = module.load

    def off(path: Path) -> LoadedExport:
        found = load(path)
        return LoadedExport(
            found.inputs,
            found.outputs,
            lambda inputs: {
                name: values * (1.003 if name == "alcohol" else 1) for name, values in found.call(inputs).items()
            },
        )

    monkeypatch.setattr(module, "load", off)
    code, text = refusal(wine, to, tmp_path / "new" / f"wine{FORMATS[to].ending}")
    assert code == "GS908"
    assert "differs from the model in the output `alcohol`" in text
    assert "0.003 of its maximum" in text
    assert list(tmp_path.iterdir()) == []


def test_lost_names_are_caught(wine: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export whose outputs bear other names than the spec's is refused."""
    module = FORMATS["onnx"].module
    monkeypatch.setattr(module, "load", lambda path: LoadedExport({"chemistry", "appearance"}, {"a", "b"}, dict))
    code, text = refusal(wine, "onnx", tmp_path / "wine.onnx")
    assert code == "GS908"
    assert "its outputs would be" in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", ["onnx", "litert"])
def test_tables_of_words_are_refused_before_any_work(
    characters: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    """Formats without text say which layers they have no place for, all at once, and convert nothing."""
    module: FormatModule = FORMATS[to].module
    monkeypatch.setattr(module, "convert", lambda *_: pytest.fail("it was converted"))
    code, text = refusal(characters, to, tmp_path / f"it{FORMATS[to].ending}")
    assert code == "GS908"
    for layer in ("`words_text_vectorization` (TextVectorization)", "`written` (StringLookup)"):
        assert layer in text
    assert "numbers" not in text
    assert list(tmp_path.iterdir()) == []


def test_samples_are_those_given_or_random_where_there_are_none(wine: Run, bottles: Arrays, tmp_path: Path) -> None:
    """A bare file is compared on random values unless files are given; it says which, and faulty ones are findings."""
    path = tmp_path / "m.keras"
    path.write_bytes((wine.path / "model.keras").read_bytes())
    assert graphspec.export(path, "keras").compared_on == "of random values, since no data is known"
    for name, values in bottles.items():
        np.save(tmp_path / f"{name}.npy", values[:5])
    files = {name: str(tmp_path / f"{name}.npy") for name in bottles}
    done = graphspec.export(path, "keras", inputs=files, force=True)
    assert (done.samples, done.compared_on) == (5, "of the input files")
    assert refusal(path, "keras", force=True, inputs={**files, "appearance": files["chemistry"]})[0] == "GS605"
    result = call(path, "--to", "onnx", "-i", f"chemistry={files['chemistry']}")
    assert result.exit_code == 1
    assert "GS607" in result.stderr


@pytest.mark.parametrize("to", ["saved-model", "onnx"])
def test_what_is_there_is_not_replaced_unasked(wine: Run, tmp_path: Path, to: str) -> None:
    """A second export to the same path is refused, and replaces the first with --force."""
    path = tmp_path / f"it{FORMATS[to].ending}"
    graphspec.export(wine, to, path)
    before = path.stat().st_ino
    assert refusal(wine, to, path)[0] == "GS904"
    assert path.stat().st_ino == before
    graphspec.export(wine, to, path, force=True)
    assert path.stat().st_ino != before
    assert list(tmp_path.iterdir()) == [path]


def test_failure_keeps_an_earlier_export(wine: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --force too: what is there gives way only to what was compared. So it is when Ctrl-C ends it."""
    path = tmp_path / "it.onnx"
    graphspec.export(wine, "onnx", path)
    before = path.read_bytes()
    module = FORMATS["onnx"].module
    for error in (ValueError("broken"), KeyboardInterrupt()):

        def fail(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(module, "convert", fail)
        with pytest.raises((SpecError, KeyboardInterrupt)):
            graphspec.export(wine, "onnx", path, force=True)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]


def test_force_replaces_nothing_but_exports(wine: Run, tmp_path: Path) -> None:
    """A folder that is no SavedModel, a folder where a file is to be, and the model itself stay as they are."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "it.onnx").mkdir()
    cases = [("saved-model", tmp_path / "mine"), ("onnx", tmp_path / "it.onnx"), ("keras", wine.path / "model.keras")]
    for to, path in cases:
        assert refusal(wine, to, path, force=True)[0] == "GS904"
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "mine"
    assert wine.model().count_params() > 0


def test_path_that_cannot_be_written_is_refused_before_the_work(
    wine: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder below a file, and an ending of another format, are findings before anything is converted."""
    monkeypatch.setattr(FORMATS["onnx"].module, "convert", lambda *_: pytest.fail("it was converted"))
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert refusal(wine, "onnx", tmp_path / "file" / "deep" / "it.onnx")[0] == "GS904"
    assert refusal(wine, "onnx", tmp_path / "it.keras")[0] == "GS608"
    assert refusal(wine, "saved-model", tmp_path / "it.keras")[0] == "GS608"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_bad_run_is_a_finding(tmp_path: Path) -> None:
    """No folder, no run in it, no file, and a file that is no model."""
    (tmp_path / "empty").mkdir()
    for name in ("junk.keras", "junk.h5"):
        (tmp_path / name).write_bytes(b"junk" * 99)
    for name, said in (
        ("nowhere", "there is no folder"),
        ("empty", "there is no run"),
        ("missing.keras", "there is no file"),
        ("junk.keras", "cannot be read"),
        ("junk.h5", "cannot be read as a model"),
    ):
        result = call(tmp_path / name, "--to", "onnx")
        assert result.exit_code == 1, result.output
        assert said in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["x"],
        ["x", "--to", "onx"],
        ["x", "--to", "onnx", "-i", "a"],
        ["x", "--to", "onnx", "-i", "a=b", "-i", "a=c"],
        ["x.keras", "--to", "onnx", "--checkpoint", "best"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    """What click refuses exits with 2."""
    assert call(*arguments).exit_code == 2


def test_unknown_format_of_the_python_api(wine: Run) -> None:
    """The nearest name is told."""
    code, text = refusal(wine, "onx")
    assert code == "GS608"
    assert "did you mean `onnx`?" in text


@pytest.mark.parametrize(
    ("to", "module", "extra"),
    [("onnx", "tf2onnx", "graphspec[onnx]"), ("litert", "ai_edge_litert", "graphspec[litert]")],
)
def test_missing_extra_is_one_line_to_run(
    wine: Run, monkeypatch: pytest.MonkeyPatch, to: str, module: str, extra: str
) -> None:
    """Without the packages of a format it is said what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    code, text = refusal(wine, to)
    assert code == "GS901"
    assert f"pip install '{extra}'" in text


def test_command_tells_what_it_wrote(wine: Run, tmp_path: Path) -> None:
    """On standard output what was written and how it compares, on standard error the steps; or one JSON object."""
    result = call(wine.path, "--to", "onnx", "-o", tmp_path / "wine.onnx")
    assert result.exit_code == 0, result.output
    assert f"Wrote {tmp_path / 'wine.onnx'}" in result.stdout
    assert "takes  chemistry  (batch, 10) float32" in result.stdout
    assert "Compared with the model on 36 samples of the validation split" in result.stdout
    assert "converting it to ONNX" in result.stderr
    result = call(wine.path, "--to", "keras", "-o", tmp_path / "wine.keras", "--json")
    found = json.loads(result.stdout)
    assert found["path"] == str(tmp_path / "wine.keras")
    assert found["differences"]["cultivar"]["relative"] <= found["tolerance"]
