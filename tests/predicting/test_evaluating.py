"""`graphspec evaluate`: on splits and on files, by run and by model file, with Keras and NumPy as the oracles."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError
from graphspec.predicting.input_files import Files
from graphspec.runs.run import Run

L = keras.layers
Array = np.ndarray[Any, Any]
ROWS = 37

SPEC = """
graphspec: 1
name: two_heads
inputs: {x: [2]}
outputs:
  kind: {from: x, apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy,
         metrics: [accuracy]}
  size: {from: x, apply: {Dense: {units: 1, kernel_regularizer: l2}}, loss: mse, loss_weight: 0.3, metrics: [mae]}
training: {optimizer: {Adam: 0.05}, epochs: 2, batch_size: 8, seed: 5}
data:
  train:
    file: table.csv
    inputs: {x: {columns: [a, b]}}
    outputs: {kind: {column: kind, vocabulary: auto}, size: {column: size, scale: 0.1}}
  test:
    file: table.csv
    inputs: {x: {columns: [a, b]}}
    outputs: {kind: {column: kind, vocabulary: auto}, size: {column: size, scale: 0.1}}
    sample_weights: {size: {column: weight}}
"""
KINDS = ["maybe", "no", "yes"]


def table(path: Path, seed: int = 1) -> dict[str, Array]:
    """A table of the columns that SPEC takes, and what it holds."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(size=ROWS).round(4) for name in ("a", "b", "size")}
    columns["weight"] = rng.uniform(0.5, 2, ROWS).round(3)
    columns["kind"] = np.array(KINDS)[rng.integers(0, 3, ROWS)]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(each.tolist() for each in columns.values()), strict=True))
    return columns


def targets(columns: dict[str, Array]) -> tuple[Array, Array]:
    """The targets of SPEC by hand: indices of words, and a tenth of the size."""
    return np.array([KINDS.index(each) for each in columns["kind"]]), (columns["size"] * 0.1)[:, None]


def inputs(columns: dict[str, Array]) -> Array:
    """The input of SPEC by hand."""
    return np.stack([columns["a"], columns["b"]], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A trained run, with spec and table beside it."""
    folder = tmp_path_factory.mktemp("two_heads")
    table(folder / "table.csv")
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    return graphspec.train(folder / "spec.yaml", run_dir=folder / "run")


def call(*arguments: object) -> Result:
    """Run `graphspec evaluate` in this process."""
    return CliRunner().invoke(main, ["evaluate", *(str(each) for each in arguments)])


def measured(*arguments: object) -> dict[str, Any]:
    """What `graphspec evaluate --json` says, which must succeed."""
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(*arguments: object, code: int = 1) -> str:
    """What `graphspec evaluate` says; it must fail with that status, and without a traceback."""
    result = call(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def by_hand(model: Any, columns: dict[str, Array], weights: Array | float = 1.0) -> dict[str, float]:
    """Losses and metrics of SPEC, as means over all samples. weights: those of `size`."""
    predicted = model.predict({"x": inputs(columns)}, verbose=0)
    kind, size = targets(columns)
    errors = predicted["size"][:, 0] - size[:, 0]
    kernel = model.get_layer("size").kernel.numpy()
    found = {
        "kind_loss": float(-np.log(predicted["kind"][np.arange(ROWS), kind]).mean()),
        "size_loss": float((errors**2 * weights).mean()),
        "kind_accuracy": float((predicted["kind"].argmax(axis=1) == kind).mean()),
        "size_mae": float(np.abs(errors).mean()),
    }
    found["loss"] = found["kind_loss"] + 0.3 * found["size_loss"] + 0.01 * float((kernel**2).sum())
    return found


def test_json_holds_metrics_shares_samples_and_time(run: Run) -> None:
    """The metrics are those of NumPy, on partial batches and with weights; shares are of the whole, L2 included."""
    found = measured(run.path, "--split", "train")
    expected = by_hand(run.model(), table(run.path.parent / "same.csv"))
    assert found.pop("data/samples") == ROWS
    assert found.pop("time/seconds") >= 0
    shares = {name: found.pop(f"share/{name}") for name in ("kind", "size")}
    assert found == pytest.approx(expected, rel=1e-4)
    assert shares["kind"] == pytest.approx(found["kind_loss"] / found["loss"])
    assert shares["size"] == pytest.approx(0.3 * found["size_loss"] / found["loss"])
    assert 0.5 < sum(shares.values()) < 1
    columns = table(run.path.parent / "same.csv")
    weighted = measured(run.path)
    assert weighted["size_loss"] == pytest.approx(
        by_hand(run.model(), columns, columns["weight"])["size_loss"], rel=1e-4
    )
    assert weighted["size_loss"] != pytest.approx(expected["size_loss"], rel=1e-3)


def test_text_shows_each_output_with_its_share(run: Run) -> None:
    """People see on what it was measured, a line an output, how many samples and how long it took."""
    lines = call(run.path).stdout.splitlines()
    assert lines[0].startswith(f"{run.path} on test: loss")
    assert "share" in lines[1]
    assert "share" in lines[2]
    assert lines[3].startswith(f"{ROWS} samples in ")


@pytest.mark.slow
def test_rows_and_files_are_measured_like_a_split(run: Run, tmp_path: Path) -> None:
    """`--rows`, and every file by its name, give what the split of the same table gives."""
    file = run.path.parent / "table.csv"
    split = run.evaluate("train")
    assert run.evaluate(Files(rows=file)) == pytest.approx(split)
    given = ["-i", f"x={file}#a,b", "-t", f"kind={file}#kind", "-t", f"size={file}#size"]
    weighted = measured(run.path, *given, "-w", f"size={file}#weight")
    assert {name: measured(run.path, *given)[name] for name in split} == pytest.approx(split)
    assert {name: weighted[name] for name in split} == pytest.approx(run.evaluate("test"))
    other = tmp_path / "other.csv"
    columns = table(other, seed=2)
    assert measured(run.path, "--rows", other, "--batch-size", 5)["loss"] == pytest.approx(
        by_hand(run.model(), columns)["loss"], rel=1e-4
    )


def test_missing_targets_are_said(run: Run, tmp_path: Path) -> None:
    """Inputs alone can be predicted from, and not be measured on."""
    rows = tmp_path / "rows.csv"
    rows.write_text("a,b,kind\n1,2,yes\n", encoding="utf-8")
    assert "has no column `size`" in refused(run.path, "--rows", rows)
    said = refused(run.path, "-i", f"x={rows}#a,b", "-t", f"kind={rows}#kind")
    assert "the output `size` has no file" in said
    assert "`--target size=FILE`" in said
    assert "names the output `sise`" in refused(run.path, "-i", f"x={rows}#a,b", "-t", f"sise={rows}#kind")


def test_bad_targets_are_refused_with_their_place(run: Run, tmp_path: Path) -> None:
    """A word that was never trained on, and text for a number."""
    rows = tmp_path / "rows.csv"
    rows.write_text("a,b,kind,size\n1,2,yess,1\n", encoding="utf-8")
    assert "did you mean `yes`?" in refused(run.path, "--rows", rows)
    rows.write_text("a,b,kind,size\n1,2,yes,big\n", encoding="utf-8")
    assert "line 2 column `size` holds `big`" in refused(run.path, "--rows", rows)


def test_wrong_usage(run: Run) -> None:
    """A split and files exclude each other; an option of the wrong form says the right one."""
    assert "excludes the options for files" in refused(run.path, "--split", "test", "--rows", "t.csv", code=2)
    assert "NAME=FILE" in refused(run.path, "-i", "x", code=2)
    assert "given twice" in refused(run.path, "-i", "x=a.npy", "-i", "x=b.npy", code=2)
    assert "no `validation` split" in refused(run.path, "--split", "validation")


def test_spec_gives_other_data_losses_and_metrics(run: Run, tmp_path: Path) -> None:
    """`--spec` measures a run, or its model file, as another spec says; indices of words stay those of the run."""
    columns = table(tmp_path / "table.csv", seed=3)
    text = SPEC.replace("metrics: [mae]", "metrics: [mse]").replace("loss_weight: 0.3", "loss_weight: 2")
    (tmp_path / "other.yaml").write_text(text, encoding="utf-8")
    expected = by_hand(run.model(), columns)
    for model in (run.path, run.path / "model.keras"):
        found = measured(model, "--spec", tmp_path / "other.yaml", "--split", "train")
        assert found["size_mse"] == pytest.approx(expected["size_loss"], rel=1e-4)
        assert found["kind_accuracy"] == pytest.approx(expected["kind_accuracy"])
        assert found["share/size"] == pytest.approx(2 * found["size_loss"] / found["loss"])


def compiled(path: Path, form: str) -> tuple[dict[str, Any], list[Any]]:
    """A plain Keras model of two outputs, compiled in one of Keras' forms: its inputs and its targets in order."""
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(ROWS, 2)), rng.normal(size=(ROWS, 1)), rng.normal(size=(ROWS, 2))
    for name, values in (("x", x), ("y", y), ("z", z)):
        np.save(path.parent / f"{name}.npy", values)
    tensor = keras.Input((2,), name="x")
    one, two = L.Dense(1, name="y")(tensor), L.Dense(2, name="z")(tensor)
    if form == "dict":
        model = keras.Model({"x": tensor}, {"y": one, "z": two})
        model.compile(loss={"y": "mse", "z": keras.losses.Huber()}, loss_weights={"y": 0.5, "z": 2.0})
    else:
        model = keras.Model(tensor, [one, two])
        if form == "list":
            model.compile(loss=["mse", "huber"], loss_weights=[0.5, 2.0], metrics=[["mae"], None])
        else:
            model.compile(loss="mse")
    model.save(path)
    return {"x": x.astype(np.float32)}, [y, z]


@pytest.mark.parametrize("form", ["dict", "list", "one"])
def test_compiled_models_are_measured_as_they_were_compiled(tmp_path: Path, form: str) -> None:
    """Total, losses and metrics of a plain Keras model are Keras' own; those by output are true means."""
    path = tmp_path / "m.keras"
    given, (y, z) = compiled(path, form)
    model = keras.saving.load_model(path)
    truth: Any = {"y": y, "z": z} if form == "dict" else [y, z]
    whole = model.evaluate(given["x"] if form != "dict" else given, truth, batch_size=ROWS, verbose=0, return_dict=True)
    files = ["-i", f"x={tmp_path / 'x.npy'}", "-t", f"y={tmp_path / 'y.npy'}", "-t", f"z={tmp_path / 'z.npy'}"]
    found = measured(path, *files, "--batch-size", 8)
    for name, value in whole.items():
        assert found[name] == pytest.approx(value, rel=1e-5), name
    assert sum(found[f"share/{name}"] for name in "yz") == pytest.approx(1)


def test_single_outputs_are_measured_like_keras(tmp_path: Path) -> None:
    """A sequential model with metrics, and one that was never compiled, which says what is missing."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(ROWS, 3)).astype(np.float32), rng.integers(0, 2, (ROWS, 1))
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    model = keras.Sequential([keras.Input((3,), name="x"), L.Dense(1, activation="sigmoid", name="y")])
    files = ["-i", f"x={tmp_path / 'x.npy'}", "-t", f"y={tmp_path / 'y.npy'}"]
    model.save(tmp_path / "bare.keras")
    assert "--spec SPEC" in refused(tmp_path / "bare.keras", *files)
    model.compile(loss="binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(name="auc")])
    model.save(tmp_path / "m.keras")
    expected = model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)
    found = measured(tmp_path / "m.keras", *files, "--batch-size", 8)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert not [name for name in found if name.startswith("share/")]
    np.save(tmp_path / "y.npy", np.zeros((ROWS, 3)))
    assert "GS503" in refused(tmp_path / "m.keras", *files)


def test_custom_losses_in_a_file_are_refused(tmp_path: Path) -> None:
    """What a file was compiled with is looked through like its layers: code of others is not run."""

    def mine(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(y_true - y_pred)

    np.save(tmp_path / "x.npy", np.zeros((4, 3)))
    model = keras.Sequential([keras.Input((3,), name="x"), L.Dense(1, name="y")])
    model.compile(loss=mine)
    model.save(tmp_path / "m.keras")
    files = ["-i", f"x={tmp_path / 'x.npy'}", "-t", f"y={tmp_path / 'x.npy'}"]
    assert "holds the function `mine`, which is not of Keras" in refused(tmp_path / "m.keras", *files)
    model.compile(loss=lambda y_true, y_pred: keras.ops.mean(y_true - y_pred))
    model.save(tmp_path / "m.keras")
    assert "carries code" in refused(tmp_path / "m.keras", *files)


def test_python_takes_files_and_checkpoints(run: Run) -> None:
    """`Run.evaluate` says the same as the command, and refuses what it refuses."""
    file = run.path.parent / "table.csv"
    found = run.evaluate(Files({"x": f"{file}#a,b"}, {"kind": f"{file}#kind", "size": f"{file}#size"}), batch_size=4)
    assert found == pytest.approx(run.evaluate("train"), rel=1e-5)
    with pytest.raises(SpecError, match=r"best\.keras"):
        run.evaluate("train", checkpoint="best")
