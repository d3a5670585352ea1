"""An `Embedding` has a vector for each index that the layer before it gives: what is counted is what Keras gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec

Write = Callable[..., Path]

WORDS = ["bread", "milk", "salt"]
LAYERS: list[tuple[str, dict[str, Any], Any]] = [
    ("StringLookup", {"vocabulary": WORDS}, [*WORDS, "else"]),
    ("StringLookup", {"vocabulary": WORDS, "num_oov_indices": 0}, WORDS),
    ("StringLookup", {"vocabulary": WORDS, "num_oov_indices": 2}, [*WORDS, "a", "b", "c", "d", "e"]),
    ("StringLookup", {"vocabulary": WORDS, "mask_token": ""}, [*WORDS, "", "else"]),
    ("StringLookup", {"vocabulary": ["[UNK]", *WORDS]}, [*WORDS, "else"]),
    ("StringLookup", {"vocabulary": ["", "[UNK]", *WORDS], "mask_token": ""}, [*WORDS, "", "else"]),
    ("IntegerLookup", {"vocabulary": [7, 8, 9]}, [7, 8, 9, 1]),
    ("IntegerLookup", {"vocabulary": [7, 8, 9], "mask_token": 0}, [7, 8, 9, 0, 1]),
    ("TextVectorization", {"vocabulary": WORDS}, [[" ".join([*WORDS, "else"])]]),
    ("TextVectorization", {"vocabulary": ["", "[UNK]", *WORDS]}, [[" ".join([*WORDS, "else"])]]),
    ("Hashing", {"num_bins": 3}, [f"{number}" for number in range(50)]),
    ("Discretization", {"bin_boundaries": [0.0, 1.0]}, [-1.0, 0.5, 2.0]),
]


def spec(write: Write, name: str, arguments: dict[str, Any], size: int, between: list[Any] | None = None) -> Path:
    dtype = {"IntegerLookup": "int64", "Discretization": "float32"}.get(name, "string")
    steps = [{name: arguments}, *(between or []), {"Embedding": {"input_dim": size, "output_dim": 2}}]
    return write(
        json.dumps(
            {
                "graphspec": 1,
                "inputs": {"x": {"shape": [1], "dtype": dtype}},
                "outputs": {"y": {"from": "x", "apply": steps}},
            }
        ),
        "spec.json",
    )


@pytest.mark.parametrize(("name", "arguments", "values"), LAYERS)
def test_an_embedding_is_as_large_as_what_keras_gives(
    name: str, arguments: dict[str, Any], values: Any, write: Write
) -> None:
    """The smallest `input_dim` without a finding is one more than the highest index that Keras gives."""
    layer = getattr(keras.layers, name)(**arguments)
    dtype = {"IntegerLookup": "int64", "Discretization": "float32"}.get(name)
    indices = layer(np.array(values, dtype) if dtype else keras.tree.map_structure(str, values))
    needed = int(np.max(indices)) + 1
    assert not graphspec.validate(spec(write, name, arguments, needed)).found
    (found,) = graphspec.validate(spec(write, name, arguments, needed - 1)).found
    assert found.rule.code == "GS612"
    assert f"write `input_dim: {needed}`" in found.help


@pytest.mark.parametrize("between", [["Flatten"], [{"Reshape": [1, 1]}, "Identity"]])
def test_layers_between_that_keep_indices(between: list[Any], write: Write) -> None:
    """What only changes the shape is looked through; what computes is not."""
    codes = [each.rule.code for each in graphspec.validate(spec(write, "Hashing", {"num_bins": 9}, 8, between)).found]
    assert codes == ["GS612"]
    counted = [{"ops.minimum": {"x2": 3}}]
    assert not graphspec.validate(spec(write, "Hashing", {"num_bins": 9}, 8, counted)).found


def test_codes_and_unknown_vocabularies_are_no_finding(write: Write) -> None:
    """A layer that gives no indices, or whose words come with the data, is left alone."""
    for name, arguments in (
        ("StringLookup", {"vocabulary": WORDS, "output_mode": "multi_hot"}),
        ("StringLookup", {}),
        ("TextVectorization", {"max_tokens": 50}),
        ("Hashing", {"num_bins": 9, "output_mode": "one_hot"}),
    ):
        assert "GS612" not in [each.rule.code for each in graphspec.validate(spec(write, name, arguments, 2)).found]


def test_entries_for_unknown_words_are_counted_not_listed(write: Write) -> None:
    """More entries than any memory holds end in the finding of a small `Embedding`, and in no other."""
    arguments = {"vocabulary": WORDS, "num_oov_indices": 10**15}
    (found,) = graphspec.validate(spec(write, "StringLookup", arguments, 10)).found
    assert found.rule.name == "index-range"
    assert "1,000,000,000,000,002" in found.message


@pytest.mark.parametrize("end", ["", "\n"])
def test_words_of_a_file_are_counted(end: str, write: Write, tmp_path: Path) -> None:
    """The lines of a vocabulary beside the spec, as Keras counts them."""
    (tmp_path / "words.txt").write_text("\n".join(WORDS) + end, encoding="utf-8")
    layer = keras.layers.StringLookup(vocabulary=str(tmp_path / "words.txt"))
    needed = layer.vocabulary_size()
    assert not graphspec.validate(spec(write, "StringLookup", {"vocabulary": "words.txt"}, needed)).found
    (found,) = graphspec.validate(spec(write, "StringLookup", {"vocabulary": "words.txt"}, needed - 1)).found
    assert found.rule.code == "GS612"


def test_nodes_and_models_between(write: Write) -> None:
    """The `Embedding` may stand in another node, or in a nested model."""
    text = """
        graphspec: 1
        models:
          m:
            inputs: {i: {shape: [1], dtype: int64}}
            outputs: {e: {from: i, apply: {Embedding: {input_dim: 5, output_dim: 2}}}}
        inputs: {x: {shape: [1], dtype: string}}
        graph: {index: {from: x, apply: {Hashing: 9}}, same: index}
        outputs: {y: {from: same, apply: NEXT}}
        """
    for following in ("{Embedding: {input_dim: 5, output_dim: 2}}", "m"):
        found = graphspec.validate(write(text.replace("NEXT", following))).found
        assert "GS612" in [each.rule.code for each in found], following
