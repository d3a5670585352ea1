"""Preprocessing layers learn from the training split what plain Keras learns from the same arrays, and keep it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import graphspec
from graphspec.cli import main
from graphspec.datasets.samples import read_training_data
from graphspec.diagnostics import SpecError
from graphspec.to_keras import build_spec
from graphspec.to_keras.adapted_layers import adaptable_layers, restore_configs, saved_configs
from graphspec.to_keras.adapting import adapt
from graphspec.to_keras.keras_internals import lookup_layer

from .preprocessing import NUMBERS, SAID, WHOLE, changed, learnt, one_layer, table

L = keras.layers

CASES: dict[str, tuple[str, list[Any], str, Callable[[], Any]]] = {
    "normalization": ("Normalization", NUMBERS, "float32", L.Normalization),
    "normalization of all": ("{Normalization: {axis: null}}", NUMBERS, "float32", lambda: L.Normalization(axis=None)),
    "discretization": ("{Discretization: {num_bins: 5}}", NUMBERS, "float32", lambda: L.Discretization(num_bins=5)),
    "integers": ("IntegerLookup", WHOLE, "int64", L.IntegerLookup),
    "masked integers": (
        "{IntegerLookup: {mask_token: 2, num_oov_indices: 2, max_tokens: 9}}",
        WHOLE,
        "int64",
        lambda: L.IntegerLookup(mask_token=2, num_oov_indices=2, max_tokens=9),
    ),
    "strings": ("StringLookup", SAID, "string", L.StringLookup),
    "masked strings": (
        "{StringLookup: {mask_token: '', num_oov_indices: 3}}",
        SAID,
        "string",
        lambda: L.StringLookup(mask_token="", num_oov_indices=3),
    ),
    "weighed strings": (
        "{StringLookup: {output_mode: tf_idf, max_tokens: 20, pad_to_max_tokens: true}}",
        SAID,
        "string",
        lambda: L.StringLookup(output_mode="tf_idf", max_tokens=20, pad_to_max_tokens=True),
    ),
    "texts": (
        "{TextVectorization: {output_sequence_length: 4}}",
        SAID,
        "string",
        lambda: L.TextVectorization(output_sequence_length=4),
    ),
    "weighed texts": (
        "{TextVectorization: {output_mode: tf_idf, max_tokens: 20, pad_to_max_tokens: true}}",
        SAID,
        "string",
        lambda: L.TextVectorization(output_mode="tf_idf", max_tokens=20, pad_to_max_tokens=True),
    ),
    "pairs of words": (
        "{TextVectorization: {output_sequence_length: 4, ngrams: 2, max_tokens: 8}}",
        SAID,
        "string",
        lambda: L.TextVectorization(output_sequence_length=4, ngrams=2, max_tokens=8),
    ),
    "characters": (
        "{TextVectorization: {output_sequence_length: 4, split: character, standardize: null}}",
        SAID,
        "string",
        lambda: L.TextVectorization(output_sequence_length=4, split="character", standardize=None),
    ),
}


def assert_alike(ours: Any, theirs: Any) -> None:
    """The two layers know the same."""
    if isinstance(ours, L.Normalization):
        np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-5)
        np.testing.assert_allclose(ours.variance, theirs.variance, rtol=1e-5)
    elif isinstance(ours, L.Discretization):
        np.testing.assert_allclose(ours.bin_boundaries, theirs.bin_boundaries)
    else:
        assert ours.get_vocabulary() == theirs.get_vocabulary()
        if theirs.get_config()["output_mode"] == "tf_idf":
            np.testing.assert_allclose(lookup_layer(ours).idf_weights, lookup_layer(theirs).idf_weights, rtol=1e-6)


RELOADED = ("normalization", "discretization", "masked integers", "weighed strings", "texts")


@pytest.mark.parametrize("name", [name for name in CASES if name != "weighed texts"])
def test_layers_learn_and_reload_what_plain_keras_learns(name: str, tmp_path: Path) -> None:
    """Against `layer.adapt` on the whole array: the same state, the same outputs, and both again from the saved run."""
    written, values, dtype, make = CASES[name]
    path = one_layer(tmp_path, written, values, dtype)
    model, inputs = learnt(path)
    whole = inputs["x"].astype(object if dtype == "string" else dtype)
    layer = make()
    layer.adapt(whole)
    assert_alike(model.get_layer("it"), layer)
    saved = tmp_path / "m.keras"
    model.save(saved)
    loaded = keras.saving.load_model(saved)
    assert_alike(loaded.get_layer("it"), layer)
    given = keras.ops.convert_to_tensor(whole, dtype=dtype)
    expected = layer(given)
    runs = [graphspec.train(path, run_dir=tmp_path / "run").model()] if name in RELOADED else []
    for each in (model, loaded, *runs):
        np.testing.assert_allclose(each.get_layer("it")(given), expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["strings", "texts", "integers", "normalization of all", "weighed texts"])
def test_inputs_without_an_axis_of_one_are_taken_as_well(name: str, tmp_path: Path) -> None:
    """`shape: []` gives a batch of single values: each is a sample of its own, as in a whole array."""
    written, values, dtype, make = CASES[name]
    path = one_layer(tmp_path, written, values, dtype, shape="[]")
    if "texts" not in name:
        changed(path, "{ops.mean: {axis: -1, keepdims: true}}", "{ops.expand_dims: {axis: -1}}")
    model, inputs = learnt(path)
    layer = make()
    layer.adapt(inputs["x"].astype(object if dtype == "string" else dtype))
    assert_alike(model.get_layer("it"), layer)


def test_a_split_larger_than_one_piece_is_learnt_as_a_whole(tmp_path: Path) -> None:
    """30,000 rows: the same mean, variance and words as of the whole; the bins hold equal shares of the samples."""
    rng = np.random.default_rng(4)
    numbers = rng.normal(1000, 3, 30_000).round(4)
    words = [f"w{number}" for number in rng.geometric(0.01, 30_000)]
    table(tmp_path / "t.csv", {"n": list(numbers), "w": words, "y": [1.0] * 30_000})
    (tmp_path / "spec.yaml").write_text(
        """
graphspec: 1
inputs: {n: [1], w: {shape: [1], dtype: string}}
graph:
  scaled: {from: n, apply: Normalization}
  bins: {from: n, apply: [{Discretization: {num_bins: 10, output_mode: one_hot}}, Flatten]}
  word: {from: w, apply: [StringLookup, {Embedding: {input_dim: 2000, output_dim: 2}}, Flatten]}
outputs: {y: {from: [scaled, bins, word], merge: concat, apply: {Dense: 1}, loss: mse}}
training: {optimizer: sgd, epochs: 1, batch_size: 64}
data: {train: {file: t.csv, inputs: {n: {column: n}, w: {column: w}}, outputs: {y: {column: y}}}}
""",
        encoding="utf-8",
    )
    model, inputs = learnt(tmp_path / "spec.yaml")
    numbers = inputs["n"].astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(np.ravel(model.get_layer("scaled").mean), numbers.mean(), rtol=1e-6)
    np.testing.assert_allclose(np.ravel(model.get_layer("scaled").variance), numbers.var(), rtol=1e-5)
    layer = L.StringLookup()
    layer.adapt(inputs["w"].astype(object))
    assert model.get_layer("word_string_lookup").get_vocabulary() == layer.get_vocabulary()
    shares = np.histogram(numbers, [-np.inf, *model.get_layer("bins_discretization").bin_boundaries, np.inf])[0]
    np.testing.assert_allclose(shares / len(numbers), 0.1, atol=0.015)


def test_nothing_is_learnt_from_samples_held_out(tmp_path: Path) -> None:
    """Every row has a word of its own: the vocabulary is that of the training rows, none of the validation's."""
    words = [f"word{number}" for number in range(200)]
    path = one_layer(tmp_path, "StringLookup", words, "string", more=", validation: {split: 0.3}")
    model, inputs = learnt(path)
    known = model.get_layer("it").get_vocabulary(include_special_tokens=False)
    assert len(known) == 140
    assert set(known) == set(inputs["x"].reshape(-1))


def test_layers_that_know_already_are_left_alone(tmp_path: Path) -> None:
    """A vocabulary, mean and variance, or boundaries among the arguments hold, whatever the data is."""
    cases: tuple[tuple[str, list[Any], str, Callable[[Any], bool]], ...] = (
        ("{StringLookup: {vocabulary: [q]}}", SAID, "string", lambda layer: layer.get_vocabulary()[1:] == ["q"]),
        ("{Normalization: {mean: 5.0, variance: 4.0}}", NUMBERS, "float32", lambda layer: float(layer.mean[0, 0]) == 5),
        ("{Discretization: {bin_boundaries: [1.0]}}", NUMBERS, "float32", lambda layer: layer.bin_boundaries == [1.0]),
    )
    for written, values, dtype, state in cases:
        model, _ = learnt(one_layer(tmp_path, written, values, dtype))
        assert state(model.get_layer("it"))


@pytest.mark.parametrize("name", ["normalization", "discretization", "weighed strings"])
def test_state_from_initial_weights_holds(name: str, tmp_path: Path) -> None:
    """What the weights were trained with is not learnt anew: a run that starts from another's model keeps its state."""
    written, values, dtype, _ = CASES[name]
    first = graphspec.train(one_layer(tmp_path, written, values, dtype), run_dir=tmp_path / "first")
    path = one_layer(tmp_path, written, values[:3] * 10, dtype)
    changed(path, "seed: 3", "seed: 3, initial_weights: first/model.keras")
    second = graphspec.train(path, run_dir=tmp_path / "second")
    assert_alike(second.model().get_layer("it"), first.model().get_layer("it"))


def test_a_model_takes_its_state_with_its_weights(tmp_path: Path) -> None:
    """The `weights` of a nested model, in the file of a run: its vocabulary comes with them."""
    words = ["q", "s", "r", "r"] * 5
    first = graphspec.train(one_layer(tmp_path, "StringLookup", words, "string"), run_dir=tmp_path / "first")
    model = "{inputs: {w: {shape: [1], dtype: string}}, outputs: {it: {from: w, apply: [StringLookup]}}}"
    path = one_layer(tmp_path, "again", ["s"] * 9, "string")
    changed(path, "graph:", f"models: {{again: {model}}}\ngraph:")
    spec = graphspec.load(path)
    built = build_spec(spec)
    (layer,) = adaptable_layers(built.model).values()
    assert restore_configs(built.model.get_layer("again"), saved_configs(first.path / "model.keras")) == []
    assert layer.get_vocabulary() == ["[UNK]", "r", "s", "q"]
    adapt(spec, built, read_training_data(spec).train)
    assert layer.get_vocabulary() == ["[UNK]", "r", "s", "q"]


def test_models_from_files_keep_their_state(tmp_path: Path) -> None:
    """A model that was saved with its vocabulary is used with it, and the run holds it when the file is gone."""
    words = keras.Input((1,), dtype="string", name="x")
    layer = L.StringLookup(name="inner")
    layer.adapt(np.array([["q"], ["r"], ["r"]]))
    keras.Model(words, L.Flatten()(L.Embedding(9, 2)(layer(words)))).save(tmp_path / "inner.keras")
    path = one_layer(tmp_path, "saved", ["q", "s", "r"] * 5, "string")
    changed(path, "graph:", "models: {saved: {file: inner.keras}}\ngraph:")
    run = graphspec.train(path, run_dir=tmp_path / "run")
    loaded = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert loaded.get_layer("saved").get_layer("inner").get_vocabulary() == ["[UNK]", "r", "q"]
    predicted = run.predict("train")["y"]
    np.testing.assert_allclose(loaded.predict(_strings(["q", "s", "r"] * 5), verbose=0)["y"], predicted, rtol=1e-5)


def _strings(texts: list[str]) -> Any:
    return {"x": keras.ops.convert_to_tensor(np.array(texts, object)[:, None], dtype="string")}


@settings(max_examples=10, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8), min_size=1))
def test_any_words_survive_saving(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Whatever characters words are made of, the saved model knows them all, in plain Keras too."""
    folder = tmp_path_factory.mktemp("words")
    path = one_layer(folder, "StringLookup", texts, "string")
    np.save(folder / "x.npy", np.array(texts)[:, None])
    changed(path, "x: {column: x}", "x: {file: x.npy}")
    model, inputs = learnt(path)
    model.save(folder / "m.keras")
    loaded = keras.saving.load_model(folder / "m.keras")
    known = loaded.get_layer("it").get_vocabulary(include_special_tokens=False)
    assert sorted(known) == sorted(set(inputs["x"].reshape(-1).tolist()) - {"[UNK]"})


def refusal(path: Path) -> str:
    with pytest.raises(SpecError) as refused:
        graphspec.train(path, run_dir=path.parent / "refused")
    assert not (path.parent / "refused").exists()
    return str(refused.value)


def test_data_that_teaches_nothing_is_refused_at_the_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding stands at the step that cannot learn, and says why; the data is too large to be looked through."""
    monkeypatch.setattr("graphspec.datasets.samples.MAX_SCANNED", 0)
    for written, values, dtype, says in (
        ("{TextVectorization: {output_sequence_length: 3}}", ["", " "] * 9, "string", "no words reach it"),
        ("{Discretization: {num_bins: 9, output_mode: one_hot}}", NUMBERS[:4], "float32", "too few for `num_bins: 9`"),
        ("Normalization", [1.0, float("inf"), 2.0], "float32", "NaN or infinite"),
    ):
        path = one_layer(tmp_path, written, values, dtype)
        told = refusal(path)
        assert says in told
        assert "spec.yaml:5:" in told


def test_words_that_end_in_nul_are_refused(tmp_path: Path) -> None:
    """Keras drops the NUL where it reads a vocabulary, and then finds a word twice."""
    path = one_layer(tmp_path, "StringLookup", ["a", "b"] * 9, "string")
    (tmp_path / "x.jsonl").write_text("".join(json.dumps({"x": text}) + "\n" for text in ["a", "a\0"] * 9))
    changed(path, "x: {column: x}", "x: {file: x.jsonl, column: x}")
    assert "ends in a NUL character" in refusal(path)


def test_mixed_precision_learns_as_exactly(tmp_path: Path) -> None:
    """Mean and variance are those of the numbers, and not of what bfloat16 makes of them."""
    path = one_layer(tmp_path, "Normalization", NUMBERS, "float32")
    changed(path, "seed: 3", "seed: 3, precision: mixed_bfloat16")
    model, inputs = learnt(path)
    np.testing.assert_allclose(np.ravel(model.get_layer("it").adapt_mean), inputs["x"].mean(0), rtol=1e-5)


def test_frozen_layers_learn_too(tmp_path: Path) -> None:
    """`freeze` is about what training changes; a lookup without a vocabulary would be of no use."""
    path = one_layer(tmp_path, "StringLookup", SAID, "string")
    changed(path, "seed: 3", "seed: 3, freeze: [it]")
    model, inputs = learnt(path)
    assert set(model.get_layer("it").get_vocabulary()[1:]) == set(inputs["x"].reshape(-1))


def test_progress_says_what_is_adapted(tmp_path: Path) -> None:
    """`graphspec train` tells of it before the first epoch, on standard error."""
    path = one_layer(tmp_path, "StringLookup", SAID, "string")
    result = CliRunner().invoke(main, ["train", str(path), "--run-dir", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "adapted it on 500 samples" in result.output
