"""What preprocessing layers have learned, and weights at the top of a spec."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import graphspec
from tests.from_keras.round_trip import differences, numeric

WORDS = [f"word{number}" for number in range(40)]


def lookup_model() -> keras.Model:
    """Return a model with a vocabulary that is too long for a line."""
    words = keras.Input((1,), dtype="string", name="words")
    lookup = layers.StringLookup(output_mode="multi_hot", name="known")
    lookup.adapt(WORDS)
    return keras.Model(words, layers.Dense(2, name="out")(lookup(words)))


def test_vocabulary_is_a_file_beside_the_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found from any folder, and leaves out the tokens that the layer adds."""
    folder = tmp_path / "specs"
    found, spec = differences(lookup_model(), folder)
    assert found == []
    assert sorted((folder / "spec.known.txt").read_text(encoding="utf-8").split()) == sorted(WORDS)
    assert spec.tree["outputs"]["out"]["apply"][0]["StringLookup"]["vocabulary"] == "spec.known.txt"
    monkeypatch.chdir(tmp_path)
    assert graphspec.build("specs/spec.yaml").get_layer("known").vocabulary_size() == len(WORDS) + 1
    assert not graphspec.validate("specs/spec.yaml").errors
    (folder / "spec.known.txt").unlink()
    (missing,) = graphspec.validate("specs/spec.yaml").errors
    assert missing.rule.code == "GS601"


def test_vocabulary_stays_in_a_spec_that_is_not_written() -> None:
    """Without a path there is no file: the spec holds the words itself."""
    spec = graphspec.decompile(lookup_model())
    assert sorted(spec.tree["outputs"]["out"]["apply"][0]["StringLookup"]["vocabulary"]) == sorted(WORDS)


@pytest.mark.parametrize("weights", [True, False])
def test_normalization_keeps_what_it_learned(weights: bool, tmp_path: Path) -> None:
    """Its mean and variance are arguments, or in the file of weights; outputs are the same to the bit."""
    x = keras.Input((3,), name="x")
    learned = layers.Normalization(name="scaled")
    learned.adapt(np.random.default_rng(0).normal(5.0, 3.0, (100, 3)))
    model = keras.Model(x, learned(x))
    path = tmp_path / "spec.yaml"
    spec = graphspec.decompile(model, path, weights=weights)
    arguments = spec.tree["outputs"]["scaled"]["apply"]
    assert ("mean" in str(arguments)) is not weights
    assert numeric(model, graphspec.build(path)) == []


def test_weights_at_the_top_are_those_that_training_starts_from(tmp_path: Path) -> None:
    """They are loaded by `build` and before training; a run names the file from where it lies."""
    x = keras.Input((3,), name="x")
    model = keras.Model(x, layers.Dense(1, name="y")(x))
    model.compile("sgd", "mse")
    path = tmp_path / "spec.yaml"
    graphspec.decompile(model, path, weights=True)
    np.save(tmp_path / "x.npy", np.zeros((8, 3), "float32"))
    np.save(tmp_path / "y.npy", np.zeros((8, 1), "float32"))
    data = "data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}\n"
    path.write_text(path.read_text(encoding="utf-8") + data, encoding="utf-8")
    overrides = ["training.optimizer={SGD: 0.0}"]
    run = graphspec.train(path, overrides=overrides, run_dir=tmp_path / "run")
    trained = keras.models.load_model(run.path / "model.keras", compile=False)
    for ours, theirs in zip(model.weights, trained.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    again = graphspec.build(run.path / "spec.yaml")
    np.testing.assert_array_equal(again.weights[0], model.weights[0])


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    """A file that does not fit is a finding at the key, before anything is trained."""
    x = keras.Input((3,), name="x")
    graphspec.decompile(keras.Model(x, layers.Dense(1, name="y")(x)), tmp_path / "one.yaml", weights=True)
    graphspec.decompile(keras.Model(x, layers.Dense(2, name="z")(x)), tmp_path / "other.yaml", weights=True)
    (tmp_path / "other.weights.h5").replace(tmp_path / "one.weights.h5")
    with pytest.raises(graphspec.SpecError) as error:
        graphspec.build(tmp_path / "one.yaml")
    (finding,) = error.value.report
    assert finding.rule.code == "GS510"
    assert finding.span is not None
    assert finding.span.text == "one.weights.h5"
