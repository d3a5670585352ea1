"""What a run remembers of its data: hashes, files that change, and faults that arise while samples are gathered."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]

SPEC = """
graphspec: 1
inputs: {x: [2]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
training: {optimizer: sgd, epochs: EPOCHS, batch_size: 4}
data:
  train: {inputs: {x: "x-*.npy"}, outputs: {y: y.npy}}
  test: {inputs: {x: x-2.npy}, outputs: {y: test.npy}}
"""


@pytest.fixture
def spec(write: Write, tmp_path: Path) -> Path:
    """A spec whose input comes in two shards."""
    np.save(tmp_path / "x-1.npy", np.ones((6, 2)))
    np.save(tmp_path / "x-2.npy", np.zeros((6, 2)))
    np.save(tmp_path / "y.npy", np.ones(12))
    np.save(tmp_path / "test.npy", np.ones(6))
    return write(SPEC.replace("EPOCHS", "1"))


def test_a_run_records_size_and_hash_of_each_file(spec: Path, tmp_path: Path) -> None:
    """`lock.json` holds what the files were, by their path as seen from the run."""
    run = graphspec.train(spec, run_dir=tmp_path / "runs" / "one")
    recorded = run.lock["data"]
    assert set(recorded) == {"../../x-1.npy", "../../x-2.npy", "../../y.npy"}
    content = (tmp_path / "y.npy").read_bytes()
    assert recorded["../../y.npy"] == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_evaluate_warns_of_data_that_changed(spec: Path, tmp_path: Path) -> None:
    """Other content is told of, by the file's name; another time of change alone is not."""
    run = graphspec.train(spec, run_dir=tmp_path / "run")
    assert run.changed_data("train") == []
    os.utime(tmp_path / "y.npy", (1, 1))
    assert run.changed_data("train") == []
    np.save(tmp_path / "x-2.npy", np.full((6, 2), 7.0))
    assert run.changed_data("train") == ["../x-*.npy: x-2.npy"]
    done = CliRunner().invoke(main, ["evaluate", str(run.path), "--split", "train"])
    assert done.exit_code == 0
    assert "warning: ../x-*.npy: x-2.npy has changed since the run was trained" in done.stderr
    done = CliRunner().invoke(main, ["evaluate", str(run.path)])
    assert "x-2.npy has changed" in done.stderr
    assert "test.npy" not in done.stderr


def test_a_file_that_changes_during_training_is_named(
    write: Write, spec: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The epochs are then not of the same data, which the run says as well."""
    (tmp_path / "meddling.py").write_text(
        "import keras, numpy as np\n"
        "@keras.saving.register_keras_serializable('my')\n"
        "class Meddle(keras.callbacks.Callback):\n"
        "    def get_config(self): return {}\n"
        "    def on_epoch_begin(self, epoch, logs=None):\n"
        f"        if epoch == 1: np.save({str(tmp_path / 'y.npy')!r}, np.zeros(12))\n",
        encoding="utf-8",
    )
    text = SPEC.replace("EPOCHS", "3, callbacks: [my>Meddle]") + "plugins: [meddling]\n"
    run = graphspec.train(write(text), run_dir=tmp_path / "run")
    assert run.record["data_changed"] == ["y.npy"]
    assert capfd.readouterr().err.count("warning: y.npy has changed since the training began") == 1


def test_a_word_that_comes_up_in_training_is_told_at_its_place(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only reading tells is found before the training; of large data it ends one, as a finding of that source."""
    rows = ["kind,y", *["cat,1"] * 20, "dgo,2"]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    path = write(
        """
        graphspec: 1
        inputs: {kind: {shape: [1], dtype: int32}}
        outputs: {y: {from: kind, apply: [{Embedding: {input_dim: 2, output_dim: 2}}, Flatten, {Dense: 1}], loss: mse}}
        training: {optimizer: sgd}
        data:
          train:
            inputs: {kind: {file: t.csv, column: kind, vocabulary: [cat, dog]}}
            outputs: {y: {file: t.csv, column: y}}
        """
    )
    with pytest.raises(SpecError, match="which is not in the vocabulary"):
        graphspec.train(path, run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr("graphspec.datasets.samples.MAX_SCANNED", 0)
    with pytest.raises(SpecError) as refused:
        graphspec.train(path, run_dir=tmp_path / "run")
    (finding,) = refused.value.report
    assert finding.rule.code == "GS602"
    assert "t.csv holds `dgo`, which is not in the vocabulary" in finding.message
    assert finding.span is not None
    assert finding.span.text == "[cat, dog]"
    assert "did you mean `dog`?" in finding.help
    assert graphspec.Run.at(tmp_path / "run").record["status"] == "failed"
    assert [each.rule.code for each in graphspec.validate(path, values=True)] == ["GS602"]


def test_vocabularies_are_kept_with_the_run(write: Write, tmp_path: Path) -> None:
    """`vocabulary: auto` is that of the training split when the run is evaluated, whatever the file says by then."""
    (tmp_path / "pyproject.toml").touch()  # what belongs to the project of a run may be quoted
    (tmp_path / "t.csv").write_text("x,kind\n" + "1,b\n2,c\n3,b\n4,c\n", encoding="utf-8")
    path = write(
        """
        graphspec: 1
        inputs: {x: [1]}
        outputs:
          kind: {from: x, apply: {Dense: {units: 2, activation: softmax}}, loss: sparse_categorical_crossentropy}
        training: {optimizer: sgd}
        data:
          train:
            file: t.csv
            inputs: {x: {column: x}}
            outputs: {kind: {column: kind, vocabulary: auto}}
        """
    )
    run = graphspec.train(path, run_dir=tmp_path / "run")
    assert run.vocabularies == {"outputs.kind": ("b", "c")}
    before = run.evaluate("train")["loss"]
    (tmp_path / "t.csv").write_text("x,kind\n" + "1,b\n2,c\n3,b\n4,a\n", encoding="utf-8")
    with pytest.raises(SpecError, match="holds `a`, which is not in the vocabulary"):
        run.evaluate("train")
    (tmp_path / "t.csv").write_text("x,kind\n" + "1,b\n2,c\n3,b\n4,c\n", encoding="utf-8")
    assert run.evaluate("train")["loss"] == pytest.approx(before)


def test_a_series_is_trained_on_by_windows(write: Write, tmp_path: Path) -> None:
    """Input and target of a time series come from one file; the split holds as many samples as there are windows."""
    np.save(tmp_path / "series.npy", np.sin(np.arange(200) / 5))
    path = write(
        """
        graphspec: 1
        inputs: {past: [24]}
        outputs: {next: {from: past, apply: {Dense: 1}, loss: mse}}
        training: {optimizer: {Adam: 0.05}, epochs: 15, batch_size: 8}
        data:
          train:
            file: series.npy
            inputs: {past: {window: {size: 24, horizon: 2}}}
            outputs: {next: {window: {size: 24, horizon: 2}}}
          validation: {split: 0.2}
        """
    )
    assert len(graphspec.validate(path)) == 0
    run = graphspec.train(path, run_dir=tmp_path / "run")
    assert run.record["samples"] == {"train": 140, "validation": 35}
    assert run.history["val_loss"][-1] < 0.01


def test_a_vocabulary_that_cannot_be_read_is_a_finding(write: Write, tmp_path: Path) -> None:
    """A broken row is named, though it is met while words are collected."""
    (tmp_path / "t.csv").write_text("x,kind\n1,b\n2,c,d\n", encoding="utf-8")
    path = write(
        """
        graphspec: 1
        inputs: {x: [1]}
        outputs:
          kind: {from: x, apply: {Dense: {units: 2, activation: softmax}}, loss: sparse_categorical_crossentropy}
        training: {optimizer: sgd}
        data:
          train: {file: t.csv, inputs: {x: {column: x}}, outputs: {kind: {column: kind, vocabulary: auto}}}
        """
    )
    with pytest.raises(SpecError) as refused:
        graphspec.train(path, run_dir=tmp_path / "run")
    assert [each.rule.code for each in refused.value.report] == ["GS602"]
    assert "t.csv line 3 has 3 fields where its header has 2" in str(refused.value)


def test_samples_that_are_left_out_are_named(write: Write, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`on_error: skip` leaves out the samples of broken images from every source, and says so."""
    from PIL import Image

    (tmp_path / "img").mkdir()
    for number in range(6):
        Image.new("L", (4, 4), number).save(tmp_path / "img" / f"{number}.png")
    (tmp_path / "img" / "2.png").write_bytes(b"no picture")
    np.save(tmp_path / "y.npy", np.arange(6.0))
    path = write(
        """
        graphspec: 1
        inputs: {image: [4, 4, 1]}
        outputs: {y: {from: image, apply: [Flatten, {Dense: 1}], loss: mse}}
        training: {optimizer: sgd}
        data:
          train:
            inputs: {image: {files: "img/*.png", decode: image, size: [4, 4], channels: 1, on_error: ON_ERROR}}
            outputs: {y: y.npy}
        """.replace("ON_ERROR", "skip")
    )
    run = graphspec.train(path, run_dir=tmp_path / "run")
    assert run.record["samples"]["train"] == 5
    assert run.record["left_out"] == ["img/2.png"]
    assert "1 samples of train are left out because their files cannot be read: img/2.png" in capfd.readouterr().err
    path.write_text(path.read_text(encoding="utf-8").replace("skip", "fail"), encoding="utf-8")
    with pytest.raises(SpecError, match=r"img/2\.png"):
        graphspec.train(path, run_dir=tmp_path / "again")


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused_and_not_waited_for(spec: Path, tmp_path: Path, kind: str) -> None:
    """A pipe would be waited for without end."""
    (tmp_path / "y.npy").unlink()
    if kind == "pipe":
        os.mkfifo(tmp_path / "y.npy")
    else:
        (tmp_path / "y.npy").mkdir()
    report = graphspec.validate(spec)
    assert [each.rule.code for each in report] == ["GS602"]
    assert ("named pipe" if kind == "pipe" else "y.npy is no file") in str(report.errors[0].message)


FLATS = """
graphspec: 1
inputs: {city: {shape: [1], dtype: int32}, size: [2]}
graph: {place: {from: city, apply: [{Embedding: {input_dim: 2, output_dim: 2}}, Flatten]}}
outputs:
  rating:
    from: [place, size]
    merge: concat
    apply: {Dense: {units: 2, activation: softmax}}
    loss: sparse_categorical_crossentropy
training: {optimizer: sgd}
data:
  train:
    file: flats.csv
    inputs: {city: {column: city, vocabulary: auto}, size: {columns: [rooms, area]}}
    outputs: {rating: {column: rating, vocabulary: auto}}
  test:
    file: new.csv
    inputs: {city: {column: city, vocabulary: auto}, size: {columns: [rooms, area]}}
    outputs: {rating: {column: rating, vocabulary: auto}}
"""


@pytest.mark.parametrize(
    ("was", "becomes", "codes"),
    [
        ("rooms", "rooms", []),
        ("flats.csv", "flat.csv", ["GS601"]),
        ("{units: 2, activation: softmax}", "{units: 1, activation: sigmoid}", ["GS502"]),
        ("size: [2]", "size: [3]", ["GS605", "GS605"]),
        ("input_dim: 2", "input_dim: 1", ["GS612", "GS612"]),
        ("area]", "ara]", ["GS603", "GS603"]),
    ],
)
def test_one_mistake_in_the_data_is_one_finding(
    write: Write, tmp_path: Path, was: str, becomes: str, codes: list[str]
) -> None:
    """What headers tell is not told again of the values, nor what cannot be known without a file that is missing."""
    rows = "city,rooms,area,rating\nOslo,2,30,low\nBergen,3,50,high\n"
    (tmp_path / "flats.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "new.csv").write_text(rows, encoding="utf-8")
    report = graphspec.validate(write(FLATS.replace(was, becomes)), values=True)
    assert [each.rule.code for each in report] == codes
