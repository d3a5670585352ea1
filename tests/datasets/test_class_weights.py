"""`class_weight: balanced`: each class of the training split has the same share of the loss of its output."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.cli._verify_resume import differences
from graphspec.datasets.class_weights import class_weights
from graphspec.datasets.samples import read_training_data
from graphspec.editor.json_schema import language_schema
from tests.killed import killed_at

Write = Callable[..., Path]

RARE = np.array([0] * 12 + [1] * 6 + [2] * 2)
YES = np.array([0] * 16 + [1] * 4)

SPEC = """
graphspec: 1
inputs: {x: [3]}
graph: {deep: {from: x, apply: [{Dense: {units: 4, activation: tanh}}, {Dropout: 0.2}]}}
outputs:
  kind: {from: deep, apply: {Dense: {units: 3, activation: softmax}}, loss: LOSS, class_weight: KIND}
  answer: {from: deep, apply: {Dense: {units: 1, activation: sigmoid}}, loss: binary_crossentropy, class_weight: ANSWER}
  size: {from: deep, apply: {Dense: 1}, loss: mse}
training: {optimizer: adam, epochs: 3, batch_size: 8, seed: 3}
data:
  train: {inputs: {x: x.npy}, outputs: {kind: kind.npy, answer: yes.npy, size: yes.npy}}
  VALIDATION
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    order = rng.permutation(len(RARE))
    np.save(tmp_path / "x.npy", rng.random((len(RARE), 3), np.float32))
    np.save(tmp_path / "kind.npy", RARE[order])
    np.save(tmp_path / "one_hot.npy", np.eye(3)[RARE[order]])
    np.save(tmp_path / "yes.npy", YES[order])
    return tmp_path


def spec(write: Write, kind: str = "balanced", answer: str = "balanced", validation: str = "", name: str = "a") -> Path:
    text = SPEC.replace("KIND", kind).replace("ANSWER", answer).replace("VALIDATION", validation)
    return write(text.replace("LOSS", "sparse_categorical_crossentropy"), f"{name}.yaml")


def final_weights(run: Any) -> list[np.ndarray]:
    return [np.asarray(each) for each in run.model().get_weights()]


def test_weights_are_those_of_the_formula(write: Write, files: Path) -> None:
    """By output: samples / (classes * samples of the class); an output without the word has none."""
    loaded = graphspec.load(spec(write))
    weights = class_weights(loaded.graph, read_training_data(loaded).train)
    assert weights == {
        "kind": {0: 20 / 3 / 12, 1: 20 / 3 / 6, 2: 20 / 3 / 2},
        "answer": {0: 20 / 2 / 16, 1: 20 / 2 / 4},
    }


@pytest.mark.slow
def test_balanced_is_the_same_training_as_its_weights_written_out(write: Write, files: Path) -> None:
    """The weights in the end to the bit, and so the losses, but for the order in which TensorFlow adds them up."""
    kind = f"{{0: {20 / 3 / 12!r}, 1: {20 / 3 / 6!r}, 2: {20 / 3 / 2!r}}}"
    written = spec(write, kind, f"{{0: {20 / 2 / 16!r}, 1: {20 / 2 / 4!r}}}", name="written")
    runs = [graphspec.train(each, run_dir=files / each.stem) for each in (spec(write), written)]
    rows = [[{key: value for key, value in row.items() if "loss" in key} for row in run.metrics] for run in runs]
    assert rows[0][0]
    assert rows[0] == [pytest.approx(row, rel=1e-6) for row in rows[1]]
    for one, other in zip(*map(final_weights, runs), strict=True):
        np.testing.assert_array_equal(one, other)


def test_only_what_is_trained_on_is_counted(write: Write, files: Path) -> None:
    """Samples that are held out for validation balance nothing, and weigh nothing in validation."""
    loaded = graphspec.load(spec(write, validation="validation: {split: 0.4}"))
    train = read_training_data(loaded).train
    kept = np.load(files / "kind.npy")[train.rows]
    classes, counts = np.unique(kept, return_counts=True)
    expected = {int(each): len(kept) / (len(classes) * count) for each, count in zip(classes, counts, strict=True)}
    assert class_weights(loaded.graph, train)["kind"] == expected
    assert sum(expected[int(each)] for each in kept) == pytest.approx(len(kept))


def test_one_hot_targets(write: Write, files: Path) -> None:
    """The class of several numbers is the greatest of them."""
    text = SPEC.replace("KIND", "balanced").replace("ANSWER", "{1: 2.0}").replace("VALIDATION", "")
    text = text.replace("LOSS", "categorical_crossentropy").replace("kind: kind.npy", "kind: one_hot.npy")
    loaded = graphspec.load(write(text))
    assert class_weights(loaded.graph, read_training_data(loaded).train)["kind"][2] == 20 / 3 / 2


def test_an_ignored_class_balances_nothing(write: Write, files: Path) -> None:
    """The index that a loss ignores is no class."""
    kinds = np.load(files / "kind.npy")
    np.save(files / "kind.npy", np.where(kinds == 2, 255, kinds))
    text = SPEC.replace("KIND", "balanced").replace("ANSWER", "balanced").replace("VALIDATION", "")
    loaded = graphspec.load(write(text.replace("LOSS", "{SparseCategoricalCrossentropy: {ignore_class: 255}}")))
    assert class_weights(loaded.graph, read_training_data(loaded).train)["kind"] == {0: 18 / 2 / 12, 1: 18 / 2 / 6}


@pytest.mark.slow
def test_resuming_is_exact(write: Write, files: Path) -> None:
    """A training that was stopped goes on with the same weights, to the same result."""
    whole = graphspec.train(spec(write), run_dir=files / "whole")
    stopped = graphspec.train(spec(write), overrides=["training.epochs=1"], run_dir=files / "stopped")
    resumed = graphspec.resume(stopped, epochs=3)
    assert [row["loss"] for row in resumed.metrics] == [row["loss"] for row in whole.metrics]
    for one, other in zip(final_weights(whole), final_weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_killed_within_an_epoch(write: Write, files: Path) -> None:
    """A training that was killed between two of its steps goes on with the same weights, to the same result.

    It has two losses: TensorFlow adds up three in another order with each training of a process.
    """
    text = spec(write).read_text(encoding="utf-8").replace(", size: yes.npy", "")
    path = write("\n".join(line for line in text.splitlines() if "  size:" not in line), "two.yaml")
    overrides = ["training.checkpoint={every: 1 steps, keep: 20}", "training.epochs=2"]
    whole = graphspec.train(path, overrides=overrides, run_dir=files / "whole")
    for step in (1, 5):  # of three an epoch
        killed = killed_at(whole, step, files / f"killed_{step}")
        graphspec.resume(killed)
        assert list(differences(whole.path, killed)) == []


@pytest.mark.parametrize("validation", ["", "validation: {split: 0.4}"])
@pytest.mark.parametrize("kind", ["balanced", "{0: 0.5, 2: 3.0}"])
def test_python_code_weighs_the_same(kind: str, validation: str, write: Write, files: Path) -> None:
    """The exported module makes the weights of samples that graphspec trains with; what is held out weighs 1."""
    made, path = files / "made.py", spec(write, kind, validation=validation)
    done = CliRunner().invoke(main, ["export", str(path), "--to", "python", "-o", str(made)])
    assert done.exit_code == 0, done.output
    found = importlib.util.spec_from_file_location("made", made)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    _, targets, weights = module.load_train()
    loaded = graphspec.load(path)
    train = read_training_data(loaded).train
    rows = train.rows if train.rows is not None else np.arange(len(RARE))
    expected = class_weights(loaded.graph, train)
    for name in ("kind", "answer"):
        wanted = np.ones(len(RARE))
        wanted[rows] = [expected[name].get(int(each), 1.0) for each in np.ravel(targets[name])[rows]]
        np.testing.assert_allclose(np.ravel(weights[name]), wanted)
    assert set(np.ravel(weights["size"])) == {1.0}


@pytest.mark.parametrize(
    ("weights", "code"),
    [("balanced", ""), ("balancd", "GS104"), ("[1, 2]", "GS103"), ("3", "GS103"), ("{a: 1}", "GS104"), ("null", "")],
)
def test_other_words_are_findings(weights: str, code: str, write: Write, files: Path) -> None:
    """A misspelt word, a list or a number is one finding; the JSON schema takes what `validate` takes."""
    path = spec(write, weights)
    found = graphspec.validate(path).found
    assert [each.rule.code for each in found] == ([code] if code else [])
    if code == "GS104" and "balan" in weights:
        assert found[0].help == "did you mean `balanced`?"
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert jsonschema.Draft202012Validator(language_schema()).is_valid(tree) == (not code)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("apply: {Dense: 1}, loss: mse", "compares numbers"),
        ("apply: {Dense: 3}, loss: null", "no loss"),
        ("apply: [{Reshape: [3, 1]}, {Dense: {units: 2, activation: softmax}}], loss: sparse_categorical_crossentropy",
         "more than one class"),
    ],
)  # fmt: skip
def test_outputs_without_one_class_a_sample(output: str, said: str, write: Write) -> None:
    """Where class weights weigh nothing, balanced ones do not either."""
    text = f"""
        graphspec: 1
        inputs: {{x: [3]}}
        outputs: {{y: {{from: x, {output}, class_weight: balanced}}}}
        training: {{optimizer: sgd}}
        """
    (found,) = graphspec.validate(write(text)).found
    assert found.rule.code == "GS506"
    assert said in found.message


def test_a_difference_of_two_specs(write: Write, files: Path) -> None:
    """`diff` names the change, and a run's lock holds the word."""
    paths = [spec(write, name="one"), spec(write, "{0: 1.0}", name="two")]
    done = CliRunner().invoke(main, ["diff", *map(str, paths)])
    assert "class_weight" in done.output
    assert "balanced" in done.output
