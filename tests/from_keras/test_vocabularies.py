"""Vocabularies of decompiled models: in the spec, or in files beside it."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import Input, Model
from keras import layers as L  # noqa: N812

import graphspec

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
