"""`graphspec data`: what the data of a spec holds, as the model gets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main

Write = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[2]

DATA = """
graphspec: 1
inputs: {image: [4, 4, 1], age: [1]}
graph: {both: {from: {x1: image, x2: age}, apply: ops.multiply}, flat: {from: both, apply: Flatten}}
outputs: {kind: {from: flat, apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy}}
training: {optimizer: sgd}
data:
  train:
    inputs: {image: {file: images.npy, scale: 0.5}, age: {file: t.csv, column: age}}
    outputs: {kind: {file: t.csv, column: kind, vocabulary: auto}}
"""


@pytest.fixture
def spec(write: Write, tmp_path: Path) -> Path:
    """A spec with images, numbers and labels."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", rng.integers(0, 16, (6, 4, 4, 1)).astype("uint8"))
    rows = ["age,kind", "3,dog", "4,cat", "5.5,dog", "6,cow", "7,dog", "nan,dog"]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return write(DATA)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["data", *arguments])


def test_sources_are_shown_as_the_model_gets_them(spec: Path) -> None:
    """Each source has its samples, shape, dtype, range, balance and first samples, after its transforms."""
    done = run(str(spec))
    assert done.exit_code == 0, done.output
    assert "train.inputs.image  6 samples of [4, 4, 1] float32" in done.output
    assert "images.npy; scale" in done.output
    assert "3 to 7, mean 5.1" in done.output
    assert "1 values are NaN or infinite" in done.output
    assert "3 different: dog 66.7 %, cat 16.7 %, cow 16.7 %" in done.output
    assert "first: 2, 0, 2" in done.output


def test_headers_alone_read_nothing(spec: Path, tmp_path: Path) -> None:
    """`--headers` tells what headers do, also of a table whose values are broken."""
    (tmp_path / "t.csv").write_text("age,kind\nold,dog\n", encoding="utf-8")
    done = run(str(spec), "--headers")
    assert "train.inputs.age  ? samples of [] numbers" in done.output
    assert "mean" not in done.output
    assert run(str(spec), "--headers", "--all").exit_code == 2


def test_json_is_one_object_a_source(spec: Path) -> None:
    """What scripts read has the same numbers."""
    shown = [json.loads(line) for line in run(str(spec), "--json").stdout.splitlines()]
    assert [(each["part"], each["name"]) for each in shown] == [
        ("inputs", "image"),
        ("inputs", "age"),
        ("outputs", "kind"),
    ]
    assert shown[2]["counts"] == {"dog": 4, "cat": 1, "cow": 1}
    assert (shown[1]["lowest"], shown[1]["highest"], shown[1]["not_finite"]) == (3.0, 7.0, 1)


def test_faults_of_the_data_are_findings(spec: Path, tmp_path: Path) -> None:
    """What cannot be read is told at its place, and the rest is shown all the same."""
    (tmp_path / "t.csv").write_text("age,kind\nold,dog\n", encoding="utf-8")
    done = run(str(spec))
    assert done.exit_code == 1
    assert "t.csv line 2 column `age` holds `old`, not a number" in done.output
    assert "train.inputs.image" in done.output
    (tmp_path / "images.npy").unlink()
    done = run(str(spec))
    assert done.exit_code == 1
    assert "GS601" in done.output


def test_a_spec_without_data_is_told(write: Write) -> None:
    """There is nothing to show, and the command says what to add."""
    done = run(str(write("graphspec: 1\ninputs: {x: [1]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n")))
    assert done.exit_code == 1
    assert "GS505" in done.output
    assert "data: {train:" in done.output


def test_images_are_drawn_as_a_contact_sheet(spec: Path, tmp_path: Path) -> None:
    """`-o` writes a picture in which every image is found again, enlarged without smoothing."""
    from PIL import Image

    target = tmp_path / "sheet.png"
    done = run(str(spec), "-o", str(target))
    assert done.exit_code == 0, done.output
    assert "Wrote the first 6 samples of train" in done.output
    sheet = np.asarray(Image.open(target).convert("L"))
    pixels = np.load(tmp_path / "images.npy")[0, :, :, 0]
    tile = sheet[8 + 14 : 8 + 14 + 96, 8 : 8 + 96]
    found = tile.reshape(4, 24, 4, 24).mean(axis=(1, 3))
    np.testing.assert_allclose(found, pixels * 255.0 / np.load(tmp_path / "images.npy").max(), atol=1.0)
    assert run(str(spec), "-o", str(tmp_path / "none" / "sheet.png")).exit_code == 1
    assert "GS904" in run(str(spec), "-o", str(tmp_path / "sheet.xyz")).output


def test_shipped_specs_with_data_are_shown() -> None:
    """The command needs no TensorFlow, and shows the data of the shipped specs."""
    done = run(str(ROOT / "specs" / "wine.yaml"))
    assert done.exit_code == 0
    assert "3 different: 1 39.9 %, 0 33.1 %, 2 27.0 %" in done.output
