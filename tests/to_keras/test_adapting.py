"""Preprocessing layers learn from the training split what plain Keras learns from the same arrays, and keep it."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import textwrap
import zipfile
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
from graphspec.runs.run import Run
from graphspec.to_keras import build_spec
from graphspec.to_keras.adapted_layers import adaptable_layers, restore_configs, saved_configs
from graphspec.to_keras.adapting import adapt
from graphspec.to_keras.keras_internals import lookup_layer

Write = Callable[..., Path]
L = keras.layers
ROOT = Path(__file__).resolve().parents[2]

TEXTS = [
    "",
    "one",
    "one two",
    "Zwei, drei!",
    "naïve café",
    "雪 が 降る",
    "a\u2028b c",
    "x\x85y",
    "🙂 🙂",
    "two\nlines",
    "  ",
]
"""Texts with words that hold line breaks of other alphabets, and texts without a word."""


def table(path: Path, columns: dict[str, list[Any]]) -> None:
    """Write a CSV of these columns."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))


def learnt(path: Path) -> tuple[keras.Model, dict[str, np.ndarray[Any, Any]]]:
    """The model of a spec with its layers adapted, and the inputs of the training split as arrays."""
    spec = graphspec.load(path)
    train = read_training_data(spec).train
    built = build_spec(spec, precision=spec.model.precision)
    adapt(spec, built, train)
    return built.model, {name: train.batch(column, np.arange(train.count)) for name, column in train.inputs.items()}


def changed(path: Path, old: str, new: str) -> Path:
    """The spec with one text replaced."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def one_layer(tmp_path: Path, layer: str, values: list[Any], dtype: str, *, shape: str = "[1]", more: str = "") -> Path:
    """A spec whose one input, from a CSV, goes through one preprocessing layer called `it`."""
    table(tmp_path / "t.csv", {"x": values, "y": [0.5] * len(values)})
    text = f"""
        graphspec: 1
        inputs: {{x: {{shape: {shape}, dtype: {dtype}}}}}
        graph:
          it: {{from: x, apply: {layer}}}
          numbers: {{from: it, apply: {{ops.cast: {{dtype: float32}}}}}}
          total: {{from: numbers, apply: {{ops.mean: {{axis: -1, keepdims: true}}}}}}
        outputs:
          y: {{from: total, apply: {{Dense: 1}}, loss: mse}}
        training: {{optimizer: sgd, epochs: 1, batch_size: 8, seed: 3}}
        data: {{train: {{file: t.csv, inputs: {{x: {{column: x}}}}, outputs: {{y: {{column: y}}}}}}{more}}}
        """
    path = tmp_path / "spec.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


NUMBERS = [float(number) for number in np.random.default_rng(2).gamma(2, 30, 500).round(3)]
WHOLE = [int(number) for number in np.random.default_rng(3).geometric(0.2, 500)]
SAID = [TEXTS[number % len(TEXTS)] for number in WHOLE]

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


GRAPHS: dict[str, tuple[str, str, Callable[[Any, Any], dict[str, Any]]]] = {
    "a shared layer": (
        "layers: {norm: Normalization}",
        "{one: {from: a, apply: norm}, two: {from: b, apply: norm}}",
        lambda a, b: {"norm": np.concatenate([a, b])},
    ),
    "after one that learns": (
        "",
        "{first: {from: a, apply: Normalization}, one: {from: first, apply: [{Rescaling: 3.0}, Normalization]},"
        " two: {from: b, apply: Normalization}}",
        lambda a, b: {"first": a, "one": 3 * (a - a.mean(0)) / a.std(0), "two": b},
    ),
    "a shared layer on what it gives": (
        "layers: {norm: Normalization}",
        "{one: {from: a, apply: [norm, {Rescaling: 2.0}, norm]}, two: b}",
        lambda a, b: {"norm": a},
    ),
    "two shared layers that wait for each other": (
        "layers: {left: Normalization, right: Normalization}",
        "{one: {from: a, apply: [left, right]}, two: {from: b, apply: [right, left]}}",
        lambda a, b: {"left": a},
    ),
    "a block": (
        "blocks: {scaled: {inputs: x, graph: {y: {from: x, apply: [{Rescaling: 2.0}, Normalization]}}, output: y}}",
        "{one: {from: a, apply: scaled}, two: {from: b, apply: scaled}}",
        lambda a, b: {"one__y": 2 * a, "two__y": 2 * b},
    ),
    "a pipeline": (
        "",
        "{one: {from: a, apply: {Pipeline: {layers: [{Rescaling: 2.0}, Normalization]}}}, two: b}",
        lambda a, b: {"one/normalization": 2 * a},
    ),
    "a model applied twice": (
        "models: {code: {inputs: {x: [3]}, outputs: {y: {from: x, apply: [{Rescaling: 2.0}, Normalization]}}}}",
        "{one: {from: a, apply: code}, two: {from: b, apply: [{Rescaling: 10.0}, code]}}",
        lambda a, b: {"code/y": np.concatenate([2 * a, 20 * b])},
    ),
    "a model of two inputs in a model": (
        "models: {outer: {inputs: {x: [3], z: [3]}, models: {inner: {inputs: {p: [3], q: [3]},"
        " graph: {s: {from: q, apply: Normalization}}, outputs: {r: {from: [p, s], merge: sum}}}},"
        " outputs: {y: {from: {q: x, p: z}, apply: inner}}}}",
        "{one: {from: {z: a, x: b}, apply: outer}, two: b}",
        lambda a, b: {"outer/inner/s": b},
    ),
}


def test_a_layer_behind_many_ways_is_found_at_once(tmp_path: Path) -> None:
    """Forty residual sums: 2 ** 40 ways lead to the layer."""
    path = one_layer(tmp_path, "[{block: {}, repeat: 40}, Normalization]", NUMBERS, "float32")
    block = "{inputs: x, graph: {half: {from: x, apply: {Rescaling: 0.5}}}, output: {from: [x, half], merge: sum}}"
    changed(path, "graph:", f"blocks: {{block: {block}}}\ngraph:")
    model, inputs = learnt(path)
    np.testing.assert_allclose(np.ravel(model.get_layer("it").mean), inputs["x"].mean() * 1.5**40, rtol=1e-4)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_layer_learns_from_all_that_reaches_it(name: str, tmp_path: Path) -> None:
    """Wherever it is applied, and through whatever lies before it; the state is found again in the saved run."""
    declared, nodes, expected = GRAPHS[name]
    rng = np.random.default_rng(5)
    a, b = rng.normal(3, 2, (90, 3)).astype(np.float32), rng.gamma(2, 5, (90, 3)).astype(np.float32)
    np.savez(tmp_path / "d.npz", a=a, b=b, y=a[:, 0])
    path = tmp_path / "spec.yaml"
    path.write_text(
        f"""
graphspec: 1
inputs: {{a: [3], b: [3]}}
{declared}
graph: {nodes}
outputs: {{y: {{from: [one, two], merge: concat, apply: {{Dense: 1}}, loss: mse}}}}
training: {{optimizer: sgd, epochs: 1}}
data: {{train: {{file: d.npz, inputs: {{a: {{key: a}}, b: {{key: b}}}}, outputs: {{y: {{key: y}}}}}}}}
""",
        encoding="utf-8",
    )
    model, _ = learnt(path)
    model.save(tmp_path / "m.keras")
    again = graphspec.build(path)
    assert restore_configs(again, saved_configs(tmp_path / "m.keras")) == []
    again.load_weights(tmp_path / "m.keras")
    for layer_path, array in expected(a.astype(np.float64), b.astype(np.float64)).items():
        layer: Any = again
        for part in layer_path.split("/"):
            inside = {each.name: each for each in layer._flatten_layers(include_self=False, recursive=False)}
            layer = inside[part]
        np.testing.assert_allclose(np.ravel(layer.mean), array.mean(0), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(np.ravel(layer.variance), array.var(0), rtol=1e-4)


def test_a_layer_in_time_distributed_learns_from_every_step(tmp_path: Path) -> None:
    """A model over frames: its layer sees each frame of each sample."""
    frames = np.random.default_rng(6).normal(4, 2, (40, 5, 3)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=frames, y=frames[:, 0, 0])
    path = tmp_path / "spec.yaml"
    path.write_text(
        """
graphspec: 1
models: {frame: {inputs: {f: [3]}, outputs: {c: {from: f, apply: [Normalization, {Dense: 2}]}}}}
inputs: {x: [5, 3]}
graph: {frames: {from: x, apply: [{TimeDistributed: frame}, Flatten]}}
outputs: {y: {from: frames, apply: {Dense: 1}, loss: mse}}
training: {optimizer: sgd, epochs: 1}
data: {train: {file: d.npz, inputs: {x: {key: x}}, outputs: {y: {key: y}}}}
""",
        encoding="utf-8",
    )
    model, _ = learnt(path)
    (layer,) = [each for each in model._flatten_layers() if isinstance(each, L.Normalization)]
    np.testing.assert_allclose(np.ravel(layer.mean), frames.mean((0, 1)), rtol=1e-5)


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


WHOLE_SPEC = """
graphspec: 1
name: whole
layers: {words: {TextVectorization: {max_tokens: 40, output_sequence_length: 4}}}
models:
  place:
    inputs: {city: {shape: [1], dtype: string}}
    outputs: {code: {from: city, apply: [StringLookup, {Embedding: {input_dim: 30, output_dim: 2}}, Flatten]}}
inputs:
  text: {shape: [1], dtype: string}
  reply: {shape: [], dtype: string}
  city: {shape: [1], dtype: string}
  size: {shape: [1], dtype: int64}
  numbers: [2]
graph:
  said: {from: text, apply: [words, {Embedding: {input_dim: 40, output_dim: 3}}, GlobalAveragePooling1D]}
  replied: {from: reply, apply: [words, {Embedding: {input_dim: 40, output_dim: 3}}, GlobalAveragePooling1D]}
  from_where: {from: city, apply: place}
  sized: {from: size, apply: {IntegerLookup: {max_tokens: 5, pad_to_max_tokens: true, output_mode: multi_hot}}}
  scaled: {from: numbers, apply: Normalization}
  cut: {from: numbers, apply: [{Discretization: {num_bins: 4}}, {Rescaling: 0.25}]}
outputs:
  kind: {from: [said, replied, from_where, sized, scaled, cut], merge: concat,
         apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy, metrics: [accuracy]}
training:
  optimizer: adam
  epochs: 2
  batch_size: 16
  seed: 5
  checkpoint: {every: epoch}
  callbacks: [{ModelCheckpoint: {filepath: kept.keras}}]
data:
  train:
    file: t.csv
    inputs: {text: {column: text}, reply: {column: reply}, city: {column: city}, size: {column: size},
             numbers: {columns: [age, pay]}}
    outputs: {kind: {column: kind, vocabulary: auto}}
  validation: {split: 0.25}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a spec with all five layers on raw rows of one CSV."""
    folder = tmp_path_factory.mktemp("whole")
    rng = np.random.default_rng(8)
    columns = {
        "text": [TEXTS[number] for number in rng.integers(0, len(TEXTS), 200)],
        "reply": [TEXTS[number] for number in rng.integers(0, len(TEXTS), 200)],
        "city": [["Köln", "", "New York", "大阪"][number] for number in rng.integers(0, 4, 200)],
        "size": list(rng.integers(0, 6, 200)),
        "age": list(rng.integers(1, 90, 200)),
        "pay": list(rng.normal(3000, 400, 200).round(2)),
        "kind": [["yes", "no", "maybe"][number] for number in rng.integers(0, 3, 200)],
    }
    table(folder / "t.csv", columns)
    (folder / "spec.yaml").write_text(WHOLE_SPEC, encoding="utf-8")
    return graphspec.train(folder / "spec.yaml", run_dir=folder / "run")


@pytest.mark.slow
def test_a_fresh_process_predicts_the_same_from_raw_rows(whole: Run, tmp_path: Path) -> None:
    """`predict --rows` in another process gives what the trained model gives of the same rows, to the bit."""
    out = tmp_path / "out.npz"
    data = whole.path.parent / "t.csv"
    subprocess.run(
        [sys.executable, "-m", "graphspec", "predict", str(whole.path), "--rows", str(data), "-o", str(out)],
        check=True,
        cwd=ROOT,
    )
    with np.load(out) as written:
        np.testing.assert_array_equal(written["kind"], whole.predict(whole.rows(data))["kind"])
    last = {name: values[-1] for name, values in whole.history.items()}
    measured = whole.evaluate("validation")
    assert measured["accuracy"] == pytest.approx(last["val_accuracy"])
    assert measured["loss"] == pytest.approx(last["val_loss"], rel=1e-5)


@pytest.mark.parametrize("file", ["model.keras", "kept.keras", "best.keras"])
def test_whole_models_load_in_plain_keras_with_their_state(whole: Run, file: str) -> None:
    """The model, the best one and those of a callback predict alike, without graphspec."""
    with open(whole.path.parent / "t.csv", encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    strings = {name: np.array([row[name] for row in table], object) for name in ("text", "reply", "city")}
    inputs = {
        "text": keras.ops.convert_to_tensor(strings["text"][:, None], dtype="string"),
        "reply": keras.ops.convert_to_tensor(strings["reply"], dtype="string"),
        "city": keras.ops.convert_to_tensor(strings["city"][:, None], dtype="string"),
        "size": np.array([[int(row["size"])] for row in table]),
        "numbers": np.array([[float(row["age"]), float(row["pay"])] for row in table], np.float32),
    }
    predicted = keras.saving.load_model(whole.path / file).predict(inputs, verbose=0)
    ours = whole.predict(whole.rows(whole.path.parent / "t.csv"))
    np.testing.assert_allclose(predicted["kind"], ours["kind"], rtol=1e-5)


def test_predict_takes_inputs_one_by_one_as_well(whole: Run) -> None:
    """`-i name=file#column` beside `--rows`: both name the same columns here."""
    data = whole.path.parent / "t.csv"
    result = CliRunner().invoke(
        main, ["predict", str(whole.path), "--rows", str(data), "-i", f"text={data}#text", "--limit", "2"]
    )
    assert result.exit_code == 0, result.output
    assert len(re.findall(r"\b(?:maybe|yes|no)  [01]", result.output)) == 2


def test_rows_that_do_not_fit_are_refused_by_name(whole: Run, tmp_path: Path) -> None:
    """A column that is missing is named with the nearest there is; text for a number with its line and column."""
    other = tmp_path / "rows.csv"
    for header, size, says in (
        ("text,replies,city,size,age,pay", 3, ["no column `reply`", "`replies`"]),
        ("text,reply,city,size,years,pay", 3, ["no column `age`"]),
        ("text,reply,city,size,age,pay", "many", ["line 3 column `size` holds `many`"]),
    ):
        other.write_text(f"{header}\na,b,c,1,2,3\na,b,c,{size},2,3\n", encoding="utf-8")
        with pytest.raises(SpecError) as refused:
            whole.predict(whole.rows(other))
        assert all(each in str(refused.value) for each in says), str(refused.value)
    with pytest.raises(SpecError, match="is not a table"):
        whole.rows("rows.npy")


def test_rows_need_inputs_that_came_from_a_table(tmp_path: Path) -> None:
    """A run on arrays has no columns to look for."""
    path = one_layer(tmp_path, "Normalization", NUMBERS, "float32")
    np.save(tmp_path / "x.npy", np.array(NUMBERS))
    changed(path, "x: {column: x}", "x: {file: x.npy}")
    run = graphspec.train(path, run_dir=tmp_path / "run")
    with pytest.raises(SpecError, match="read no input from a table"):
        run.rows("t.csv")


def test_a_model_file_without_the_state_is_refused(tmp_path: Path) -> None:
    """A run whose model does not say what a layer has learnt would predict nonsense."""
    run = graphspec.train(one_layer(tmp_path, "StringLookup", SAID, "string"), run_dir=tmp_path / "run")
    file = run.path / "model.keras"
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    (lookup,) = [each for each in config["config"]["layers"] if each["class_name"] == "StringLookup"]
    for wrong, says in ((None, "does not hold the adapted state of `it`"), ({}, "is no list"), ([1], "is no word")):
        lookup["config"]["vocabulary"] = wrong
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in {**parts, "config.json": json.dumps(config).encode()}.items():
                archive.writestr(name, content)
        with pytest.raises(SpecError, match=says):
            run.model()


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
