"""Vocabularies of decompiled models: in the spec, or in files beside it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import Input, Model
from keras import layers as L  # noqa: N812

import graphspec
from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file

WORDS = [f"word{number}" for number in range(30)]


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    """Let Keras number the names of layers from the start."""
    keras.backend.clear_session()


def lookup(words: list[str], **arguments: object) -> Model:
    """Return a model that looks words up."""
    x = Input((1,), dtype="string", name="x")
    layer = L.StringLookup(name="look", **arguments)
    layer.adapt(words)
    return Model(x, layer(x))


def test_short_vocabulary_stands_in_the_spec(tmp_path: Path) -> None:
    """A few words are listed, without those that Keras adds, and no file is written."""
    spec = graphspec.decompile(lookup(["a", "b", "b"]), tmp_path / "spec.yaml")
    assert "vocabulary: [b, a]" in (tmp_path / "spec.yaml").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["spec.yaml"]
    assert graphspec.build(spec).get_layer("look").get_vocabulary() == ["[UNK]", "b", "a"]


def test_words_that_no_line_holds_stand_in_the_spec(tmp_path: Path) -> None:
    """Words with line breaks and spaces at their ends are listed, however many there are."""
    x = Input((1,), dtype="string", name="x")
    model = Model(x, L.StringLookup(vocabulary=[*WORDS, "two\nlines", " padded "], name="look")(x))
    built = graphspec.build(graphspec.decompile(model, tmp_path / "spec.yaml"))
    assert list(tmp_path.glob("*.txt")) == []
    assert built.get_layer("look").get_vocabulary() == model.get_layer("look").get_vocabulary()


@pytest.mark.parametrize("weights", [False, True])
def test_adapted_words_are_those_in_memory(weights: bool, tmp_path: Path) -> None:
    """Words with line breaks, which the file of a model loses, are asked of a model in memory."""
    x = Input((1,), dtype="string", name="x")
    words, numbers = L.StringLookup(name="words"), L.IntegerLookup(name="numbers")
    words.adapt([*WORDS, "two\nlines", "of\u2028two"])
    numbers.adapt([7, 7, 5, 5, 5])
    inner = Model(x, words(x), name="inner")
    y = Input((1,), dtype="int64", name="y")
    model = Model([x, y], [inner(x), numbers(y)])
    built = graphspec.build(graphspec.decompile(model, tmp_path / "spec.yaml", weights=weights))
    assert built.get_layer("inner").get_layer("words").get_vocabulary() == words.get_vocabulary()
    assert built.get_layer("numbers").get_vocabulary() == [-1, 5, 7]


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (L.StringLookup, "w" * 2_000),
        (L.StringLookup, "a\nb\nc"),
        (L.StringLookup, "[UNK]\na"),
        (L.TextVectorization, "w" * 2_000),
        (L.TextVectorization, "[UNK]\na\nb"),
        (L.TextVectorization, "\n[UNK]\na"),
        (L.IntegerLookup, "5\n6"),
        (L.IntegerLookup, "-1\n5\n6"),
    ],
)
def test_words_in_the_place_of_special_tokens_are_kept(layer: type, text: str, tmp_path: Path) -> None:
    """A vocabulary that does not begin with the special tokens has words from the first line on, as in Keras."""
    is_whole = layer is L.IntegerLookup
    x = Input((1,), dtype="int64" if is_whole else "string", name="x")
    looked = layer(name="look")
    looked.adapt([1, 2] if is_whole else ["a", "b"])
    path, edited = tmp_path / "model.keras", tmp_path / "edited.keras"
    Model(x, looked(x)).save(path)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(edited, "w") as written:
        for name in archive.namelist():
            written.writestr(name, text if name.endswith("vocabulary.txt") else archive.read(name))
    expected = keras.saving.load_model(edited).get_layer("look").get_vocabulary()
    spec = decompile_file(read_model_file(edited), DecompileOptions(path=tmp_path / "spec.yaml")).spec
    assert graphspec.build(spec).get_layer("look").get_vocabulary() == expected
    assert (tmp_path / "spec.look.txt").exists() is (len(text) > 1_000)


def test_two_layers_of_one_name_have_a_file_each(tmp_path: Path) -> None:
    """Layers of two models may have one name, and two vocabularies."""
    x = Input((1,), dtype="string", name="x")
    one, other = lookup(WORDS), lookup([word.upper() for word in WORDS])
    model = Model(x, [Model(one.input, one.output, name="one")(x), Model(other.input, other.output, name="other")(x)])
    spec = graphspec.decompile(model, tmp_path / "spec.yaml")
    assert len(list(tmp_path.glob("*.txt"))) == 2
    built = graphspec.build(spec)
    for name in ("one", "other"):
        ours, theirs = (each.get_layer(name).get_layer("look").get_vocabulary() for each in (model, built))
        assert ours == theirs


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("layer", [L.StringLookup, L.TextVectorization])
def test_weights_of_words_are_kept(layer: type, weights: bool, tmp_path: Path) -> None:
    """A layer that counts by `tf_idf` has its weights, in the spec or in the file."""
    x = Input((1,), dtype="string", name="x")
    counting = layer(output_mode="tf_idf", name="counted")
    counting.adapt(["a b", "a", "c c"] if layer is L.TextVectorization else [["a", "b"], ["a", "c"]])
    model = Model(x, counting(x))
    built = graphspec.build(graphspec.decompile(model, tmp_path / "spec.yaml", weights=weights))
    asked = keras.ops.convert_to_tensor([["a"], ["c"], ["?"]], "string")
    assert np.array_equal(model(asked), keras.tree.flatten(built({"x": asked}))[0])


def test_weights_need_a_path() -> None:
    """Weights are written beside a spec, so that it has to have a place."""
    with pytest.raises(ValueError, match="path"):
        graphspec.decompile(lookup(WORDS), weights=True)
