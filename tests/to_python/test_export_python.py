"""`graphspec export --to python`: files, training on the data of a spec, and what a run has learned."""

from __future__ import annotations

import csv
import json
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.datasets.samples import read_training_data

from .processes import found_by, start

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs"
Write = Callable[..., Path]


def export(*arguments: object, stdin: str | None = None) -> Result:
    """The result of the command."""
    return CliRunner().invoke(main, ["export", *map(str, arguments)], input=stdin)


# --- Files ------------------------------------------------------------------------------------------------------


def test_module_lies_beside_the_spec(write: Write) -> None:
    """Without `-o`, the module has the name of the spec and lies beside it; the name is said."""
    spec = write((SPECS / "mlp.yaml").read_text(encoding="utf-8"), "my.model.yaml")
    result = export(spec, "--to", "python")
    assert result.exit_code == 0
    assert result.stdout == f"Wrote {spec.with_suffix('.py')}\n"
    assert "def build_model():" in spec.with_suffix(".py").read_text(encoding="utf-8")


def test_nothing_is_overwritten_by_surprise(write: Write) -> None:
    """What is there is kept, and so it is with a wrong extension; `--force` replaces it."""
    spec = write((SPECS / "mlp.yaml").read_text(encoding="utf-8"), "mlp.yaml")
    module = spec.with_suffix(".py")
    module.write_text("mine", encoding="utf-8")
    result = export(spec, "--to", "python")
    assert result.exit_code == 1
    assert "GS904" in result.stderr
    assert module.read_text(encoding="utf-8") == "mine"
    for name in ("mlp.yaml", "mlp", "mlp.txt"):
        before = spec.read_text(encoding="utf-8")
        refused = export(spec, "--to", "python", "-o", spec.parent / name, "--force")
        assert (refused.exit_code, "GS608" in refused.stderr) == (1, True)
        assert spec.read_text(encoding="utf-8") == before
    assert export(spec, "--to", "python", "--force").exit_code == 0
    assert module.read_text(encoding="utf-8") != "mine"


def test_standard_streams(write: Write) -> None:
    """`-` reads a spec from standard input and writes its module to standard output."""
    text = (SPECS / "mlp.yaml").read_text(encoding="utf-8")
    written = export(SPECS / "mlp.yaml", "--to", "python", "-o", "-")
    assert written.stdout == graphspec.python_source(graphspec.load(SPECS / "mlp.yaml"), SPECS)
    assert export("-", "--to", "python", stdin=text).stdout == written.stdout


def test_json_names_the_files(write: Write) -> None:
    """`--json` prints one object with the files."""
    spec = write((SPECS / "mlp.yaml").read_text(encoding="utf-8"), "mlp.yaml")
    result = export(spec, "--to", "python", "--json")
    assert json.loads(result.stdout) == {"to": "python", "files": [str(spec.with_suffix(".py"))]}


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("missing.yaml",), 1, "GS0"),
        (("model.keras",), 2, "a spec or a run"),
        ((SPECS / "mlp.yaml", "--checkpoint", "best"), 2, "is a spec"),
        ((SPECS / "mlp.yaml", "-i", "x=y.npy"), 2, "--input"),
        ((SPECS / "mlp.yaml", "-o", "/proc/nowhere/made.py"), 1, "GS904"),
        ((ROOT / "tests",), 1, "GS903"),
        ((ROOT / "tests" / "rules" / "GS101" / "bad.yaml",), 1, "GS101"),
    ],
)
def test_mistakes(arguments: tuple[object, ...], status: int, says: str, tmp_path: Path) -> None:
    """A mistake of the caller is a finding or a usage error, without a traceback, and nothing is written."""
    result = export(*arguments, "--to", "python")
    assert result.exit_code == status, result.output
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


# --- Training ---------------------------------------------------------------------------------------------------

DRIVER = """
import json, sys
import numpy as np
sys.path.insert(0, {folder!r})
import {name} as made

def trained():
    model = made.train(epochs=2)
    return sorted(model.history.history), [float(each[-1]) for each in model.history.history.values()]
"""

SMALL = """
graphspec: 1
inputs: {x: [3], word: {shape: [1], dtype: string}, table: [2]}
graph:
  scaled: {from: x, apply: [{Dense: 4}, Normalization]}
  looked: {from: word, apply: [{StringLookup: }, {Embedding: {input_dim: 9, output_dim: 2}}, Flatten]}
outputs:
  kind:
    from: [scaled, looked, table]
    merge: concat
    apply: {Dense: {units: 3, activation: softmax}}
    loss: categorical_crossentropy
    class_weight: {0: 2.0}
  size: {from: scaled, apply: {Dense: 1}, loss: mse}
training: {optimizer: adam, epochs: 3, batch_size: 4, callbacks: [{EarlyStopping: {monitor: val_size_loss}}]}
data:
  train:
    inputs:
      x: {file: x.npy, scale: 0.5}
      word: {file: t.csv, column: word}
      table: {file: t.csv, columns: [a, b]}
    outputs: {kind: {file: t.csv, column: kind, vocabulary: [no, yes, maybe], one_hot: 3}, size: {file: z.npz, key: s}}
    sample_weights: {size: {file: z.npz, key: w}}
  validation: {split: 0.25}
  test:
    inputs:
      x: {file: x.npy, scale: 0.5}
      word: {file: t.csv, column: word}
      table: {file: t.csv, columns: [a, b]}
    outputs: {kind: {file: t.csv, column: kind, vocabulary: [no, yes, maybe], one_hot: 3}, size: {file: z.npz, key: s}}
"""


@pytest.mark.slow
def test_modules_train_on_the_data_of_their_specs(tmp_path: Path) -> None:
    """`train` reads the files, lets layers adapt, holds out samples and fits, and reports what graphspec does."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.standard_normal((16, 3)))
    np.savez(tmp_path / "z.npz", s=rng.standard_normal(16), w=np.ones(16))
    rows = [f"{'abcd'[index % 4]},{index},{index % 3},{('no', 'yes', 'maybe')[index % 3]}" for index in range(16)]
    (tmp_path / "t.csv").write_text("\n".join(["word,a,b,kind", *rows, ""]), encoding="utf-8")
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    specs = [tmp_path / "small.yaml", *(SPECS / f"{name}.yaml" for name in ("wine", "characters"))]
    jobs = []
    for path in specs:
        assert export(path, "--to", "python", "-o", tmp_path / f"{path.stem}.py").exit_code == 0
        driver = tmp_path / f"run_{path.stem}.py"
        driver.write_text(DRIVER.format(folder=str(tmp_path), name=path.stem), encoding="utf-8")
        jobs.append({"module": str(driver), "run": "trained"})
    process = start(jobs, tmp_path)
    reported = [set(graphspec.load(path).graph.outputs) for path in specs]
    for path, outputs, found in zip(specs, reported, found_by(process), strict=True):
        assert "error" not in found, found.get("error")
        keys, values = found["value"]
        assert {"loss", "val_loss"} <= set(keys), path
        assert all(any(name in key for key in keys) for name in outputs) or len(outputs) == 1
        assert np.isfinite(values).all()


def test_held_out_samples_are_those_of_graphspec(tmp_path: Path) -> None:
    """The samples that the module of wine validates on are those that graphspec holds out."""
    spec = graphspec.load(SPECS / "wine.yaml")
    data = read_training_data(spec)
    assert data.validation is not None
    source = graphspec.python_source(spec, SPECS)
    start_of_train = source.index("    count = len(")
    body = textwrap.dedent(source[start_of_train : source.index("    inputs = {name: values[kept]")])
    count = data.train.count + data.validation.count
    names = {"inputs": {"chemistry": np.arange(count)}, "targets": {"alcohol": np.arange(count)}, "np": np}
    exec(body, names)
    held = names["validation_data"][0]["chemistry"]  # type: ignore[index]
    assert data.validation.rows is not None
    np.testing.assert_array_equal(np.sort(held), data.validation.rows)


# --- Runs -------------------------------------------------------------------------------------------------------

LOADED = """
import sys
import numpy as np
sys.path.insert(0, {folder!r})
import made

def predicted():
    model = made.load_trained()
    inputs, targets = made.load_train()
    inputs = made.as_tensors({{name: values[:20] for name, values in inputs.items()}})
    return [np.asarray(model(inputs, training=False)["kind"]).tolist()]
"""


@pytest.mark.slow
def test_run_is_loaded_with_what_it_has_learned(tmp_path: Path) -> None:
    """The module of a run predicts what the run does: its weights and vocabularies lie beside it."""
    run = graphspec.train(SPECS / "characters.yaml", overrides=["training.epochs=1"], run_dir=tmp_path / "run")
    result = export(run.path, "--to", "python", "-o", tmp_path / "out" / "made.py")
    assert result.exit_code == 0, result.output
    names = ["made.learned.json", "made.py", "made.weights.h5"]
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == names
    driver = tmp_path / "driver.py"
    driver.write_text(LOADED.format(folder=str(tmp_path / "out")), encoding="utf-8")
    (found,) = found_by(start([{"module": str(driver), "run": "predicted"}], tmp_path))
    assert "error" not in found, found.get("error")
    with open(SPECS / "data" / "characters" / "characters.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:20]
    batch = {name: tf.constant([[row[name]] for row in rows]) for name in ("name", "direction", "width")}
    numbers = [[float(row[column]) for column in ("code_point", "utf8_bytes", "parts")] for row in rows]
    expected = run.model()({**batch, "numbers": tf.constant(numbers)}, training=False)["kind"]
    np.testing.assert_allclose(np.array(found["value"][0]), np.asarray(expected), atol=1e-6)
    again = export(run.path, "--to", "python", "-o", tmp_path / "out" / "made.py")
    assert (again.exit_code, "already exists" in again.stderr) == (1, True)
    (run.path / "best.keras").write_bytes(b"no model")
    refused = export(run.path, "--to", "python", "-o", tmp_path / "other.py", "--checkpoint", "best")
    assert (refused.exit_code, "GS903" in refused.stderr) == (1, True)
    assert not (tmp_path / "other.py").exists()
