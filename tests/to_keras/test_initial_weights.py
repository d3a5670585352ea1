"""`training: initial_weights:` with files that Keras itself wrote: matched by name and shape, or told why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]
L = keras.layers

SPEC = """
graphspec: 1
inputs: {x: [3, 4]}
models:
  encoder:
    inputs: {v: [4]}
    outputs: {code: {from: v, apply: [{Dense: 5}, BatchNormalization, {Dense: 2}]}}
graph:
  read: {from: x, apply: [{TimeDistributed: encoder}, {Dropout: 0.5}, {Bidirectional: {layer: {GRU: 3}}}]}
  wide: {from: read, apply: {Dense: 4}}
outputs:
  y: {from: wide, apply: {Dense: 1}, loss: mse}
training: {optimizer: {SGD: 0.0}, epochs: 1, batch_size: 8, seed: 3, initial_weights: WEIGHTS}
data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}
"""


def spec(write: Write, weights: str, text: str = SPEC) -> Path:
    """The spec above, starting from `weights`, with its data."""
    path = write(text.replace("WEIGHTS", weights))
    rng = np.random.default_rng(0)
    np.save(path.parent / "x.npy", rng.normal(size=(8, 3, 4)))
    np.save(path.parent / "y.npy", rng.normal(size=(8, 1)))
    return path


def by_hand(last: str = "y", units: int = 4) -> keras.Model:
    """The same model in plain Keras, built in another order and with other random weights."""
    keras.utils.set_random_seed(99)
    v, x = keras.Input((4,), name="v"), keras.Input((3, 4), name="x")
    code = L.Dense(2, name="code")(L.BatchNormalization(name="code_batch_normalization")(
        L.Dense(5, name="code_dense")(v)))  # fmt: skip
    encoder = keras.Model(v, code, name="encoder")
    seen = L.TimeDistributed(encoder, name="read_time_distributed")(x)
    read = L.Bidirectional(L.GRU(3, name="gru"), name="read")(seen)
    wide = L.Dense(units, name="wide")(read)
    return keras.Model({"x": x}, {"y": L.Dense(1, name=last)(wide)})


def values(model: keras.Model) -> dict[str, np.ndarray[Any, Any]]:
    """Every weight by its path, moving statistics left out, which a training changes."""
    return {each.path: each.numpy() for each in model.weights if "moving" not in each.path}


def refusal(path: Path) -> tuple[str, str]:
    """The code and the text of the one finding that training `path` gives."""
    with pytest.raises(SpecError) as refused:
        graphspec.train(path, run_dir=path.parent / "refused")
    (found,) = refused.value.report
    assert found.span is not None
    assert not (path.parent / "refused").exists()
    return found.rule.code, str(refused.value)


@pytest.mark.parametrize("name", ["start.weights.h5", "start.keras"])
def test_training_starts_from_the_file(write: Write, tmp_path: Path, name: str) -> None:
    """At a learning rate of zero the trained weights are those of the file, nested and wrapped layers included."""
    start = by_hand()
    start.compile("adam", "mse", metrics=["mae"])
    (start.save_weights if name.endswith("h5") else start.save)(tmp_path / name)
    run = graphspec.train(spec(write, name), run_dir=tmp_path / "run")
    expected, found = values(start), values(run.model())
    assert len(found) == len(expected) == 16
    for path, value in expected.items():
        np.testing.assert_array_equal(found[path], value)
    assert run.record["initial_weights"]["matched"] == 18
    assert len(graphspec.validate(run.path / "spec.yaml")) == 0


@pytest.mark.long
def test_a_run_continues_from_another(write: Write, tmp_path: Path) -> None:
    """The `model.keras` of a run is a file of weights for the same spec."""
    (by_hand()).save(tmp_path / "start.keras")
    first = graphspec.train(spec(write, "start.keras"), run_dir=tmp_path / "first")
    second = graphspec.train(spec(write, "first/model.keras"), run_dir=tmp_path / "second")
    for path, value in values(first.model()).items():
        np.testing.assert_array_equal(values(second.model())[path], value)


def test_wrong_names_and_shapes_are_listed(write: Write, tmp_path: Path) -> None:
    """Below a full match nothing is loaded: what is missing, unexpected and of other shape is listed, both shapes."""
    by_hand("head", 6).save_weights(tmp_path / "start.weights.h5")
    code, text = refusal(spec(write, "start.weights.h5"))
    assert code == "GS510"
    assert "14 of the model's 18 weights match" in text
    assert "missing in the file: `y` (4, 1), (1,)" in text
    assert "`wide` is (6, 6) in the file and (6, 4) here" in text
    assert "unexpected in the file: `head` (6, 1), (1,)" in text
    assert "partial: true" in text


def test_keras_itself_loads_by_order(tmp_path: Path) -> None:
    """Keras takes a file whose layers have other names: the guard that names decide has something to guard."""
    by_hand("head").save_weights(tmp_path / "start.weights.h5")
    by_hand("y").load_weights(tmp_path / "start.weights.h5")


@pytest.mark.parametrize("width", [2, 6])
def test_partial_loads_what_matches_and_reports_it(width: int, write: Write, tmp_path: Path) -> None:
    """`partial: true` loads the rest, keeps what is not in the file, and tells both on the terminal and in the run."""
    start = by_hand("head", width)
    start.save_weights(tmp_path / "start.weights.h5")
    path = spec(write, "{file: start.weights.h5, partial: true}")
    result = CliRunner().invoke(main, ["train", str(path), "--run-dir", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "start.weights.h5: 14 of the model's 18 weights match" in result.stderr
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["initial_weights"]
    assert (record["matched"], record["missing"]) == (14, ["y (4, 1)", "y (1,)"])
    found, expected = values(graphspec.Run.at(tmp_path / "run").model()), values(start)
    keras.utils.set_random_seed(3)
    fresh = values(graphspec.build(path))
    for name, value in found.items():
        same = fresh if name.startswith(("y/", "wide/")) else expected
        np.testing.assert_array_equal(value, same[name])


def test_partial_needs_something_that_matches(write: Write, tmp_path: Path) -> None:
    """A file that has nothing of the model is an error all the same."""
    x = keras.Input((7,))
    keras.Model(x, L.Dense(2, name="other")(x)).save_weights(tmp_path / "start.weights.h5")
    code, text = refusal(spec(write, "{file: start.weights.h5, partial: true}"))
    assert code == "GS510"
    assert "0 of the model's 18" in text


@pytest.mark.parametrize("name", ["start.weights.h5", "start.keras"])
@pytest.mark.parametrize("damage", ["empty", "truncated", "text"])
def test_damaged_files_are_findings(write: Write, tmp_path: Path, name: str, damage: str) -> None:
    """A file that is not a weights file, or half of one, is a finding at its name."""
    start = by_hand()
    (start.save_weights if name.endswith("h5") else start.save)(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes({"empty": b"", "truncated": whole[: len(whole) // 2], "text": b"weights"}[damage])
    code, text = refusal(spec(write, name))
    assert code == "GS602"
    assert f"{name} cannot be read" in text


def test_links_out_of_the_file_are_not_followed(write: Write, tmp_path: Path) -> None:
    """A file of weights that points into another file is refused."""
    by_hand().save_weights(tmp_path / "start.weights.h5")
    with h5py.File(tmp_path / "start.weights.h5", "r+") as file:
        del file["layers/dense"]
        file["layers/dense"] = h5py.ExternalLink("elsewhere.h5", "/")
    code, text = refusal(spec(write, "start.weights.h5"))
    assert code == "GS602"
    assert "is a link" in text


def test_missing_file_is_found_before_training(write: Write, tmp_path: Path) -> None:
    """Validation and training find a file that is not there, and name the one that may be meant."""
    (tmp_path / "start.weights.h5").write_bytes(b"")
    path = spec(write, "strat.weights.h5")
    (found,) = graphspec.validate(path)
    assert (found.rule.code, found.help) == ("GS601", "did you mean `start.weights.h5`?")
    assert refusal(path)[0] == "GS601"
