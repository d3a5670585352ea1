"""Models from files: their shapes are read from what Keras saved; parts that are not understood are unknown."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.shapes import UNKNOWN, Tensor, infer
from graphspec.shapes.tensor import Value
from graphspec.spec import load

Write = Callable[..., Path]
L = keras.layers


def of_node(path: Path) -> Value:
    """Return the output of the node `y` of the spec at `path`."""
    spec = load(path)
    return infer(spec.graph).of(spec.graph, "y")


def two_heads() -> keras.Model:
    """Two named inputs, a layer that is called twice, two named outputs."""
    a, b = keras.Input((None, 4), name="a"), keras.Input((8,), dtype="int32", name="b")
    shared = L.Dense(3)
    looked_up = L.Embedding(9, 4)(b)
    joined = L.Concatenate(axis=1)([shared(a), shared(looked_up)])
    return keras.Model({"a": a, "b": b}, {"code": L.LSTM(5)(joined), "steps": joined})


def save(model: keras.Model, folder: Path) -> None:
    model.save(folder / "saved.keras")


def test_shapes_of_a_saved_model_are_those_of_keras(write: Write, tmp_path: Path) -> None:
    """Several inputs and outputs, a shared layer, and a length that is known in the spec alone."""
    save(two_heads(), tmp_path)
    path = write(
        """
        graphspec: 1
        models: {saved: {file: saved.keras}}
        inputs: {p: [6, 4], q: {shape: [8], dtype: int32}}
        graph: {both: {from: {a: p, b: q}, apply: saved}, y: both.steps}
        outputs: {code: both.code, steps: both.steps}
        """
    )
    assert of_node(path) == Tensor((None, 14, 3))
    assert graphspec.build(path, weightless=True).output["steps"].shape == (None, 14, 3)


def test_input_that_a_saved_model_does_not_take_is_refused(write: Write, tmp_path: Path) -> None:
    """The finding names the input, both shapes and the step."""
    model = keras.Model(image := keras.Input((8, 8, 1), name="image"), L.Dense(2)(L.Flatten()(image)))
    save(model, tmp_path)
    path = write(
        """
        graphspec: 1
        models: {saved: {file: saved.keras}}
        inputs: {x: [8, 1, 8]}
        outputs: {y: {from: x, apply: saved}}
        """
    )
    (finding,) = graphspec.validate(path)
    assert finding.rule.code == "GS405"
    assert "the input `image` of the model `saved` expects (batch, 8, 8, 1), but received (batch, 8, 1, 8)" in str(
        finding
    )


@pytest.mark.parametrize("feed", ["[x, x]", "{picture: x}", "{image: x, other: x}"])
def test_others_than_the_inputs_of_a_saved_model_are_refused(write: Write, tmp_path: Path, feed: str) -> None:
    """A list of two for one input, another name, and one name more."""
    model = keras.Model(image := keras.Input((3,), name="image"), L.Dense(2)(image))
    save(model, tmp_path)
    path = write(
        f"""
        graphspec: 1
        models: {{saved: {{file: saved.keras}}}}
        inputs: {{x: [3]}}
        outputs: {{y: {{from: {feed}, apply: saved}}}}
        """
    )
    (finding,) = graphspec.validate(path)
    assert finding.rule.code == "GS307"
    with pytest.raises(SpecError, match="does not get exactly its inputs"):
        graphspec.build(path)


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.Sequential([keras.Input((5, 2)), L.LSTM(3)]),
        lambda: keras.Model(x := keras.Input((5, 2)), L.TimeDistributed(L.Dense(3))(x)),
        lambda: keras.Model(x := keras.Input((5, 2)), keras.Sequential([L.Dense(3)])(x)),
        lambda: keras.Model(x := keras.Input((5, 2)), L.MultiHeadAttention(2, 2)(x, value=x)),
        lambda: keras.Model(x := keras.Input((5, 2)), keras.ops.mean(x, axis=1)),
    ],
)
def test_what_is_not_understood_is_unknown_and_no_mistake(
    write: Write, tmp_path: Path, make: Callable[[], keras.Model]
) -> None:
    """Wrappers, models in models, tensors by keyword and operations are left open."""
    save(make(), tmp_path)
    path = write(
        """
        graphspec: 1
        models: {saved: {file: saved.keras}}
        inputs: {x: [5, 2]}
        graph: {y: {from: x, apply: saved}}
        outputs: {out: {from: y, apply: {Dense: 1}}}
        """
    )
    assert of_node(path) is UNKNOWN
    graphspec.build(path, weightless=True)


@pytest.mark.parametrize(
    "config", [{}, [], {"class_name": "Functional"}, {"class_name": "Functional", "config": {"layers": [{}]}}, 7]
)
def test_a_file_that_is_none_is_unknown(write: Write, tmp_path: Path, config: Any) -> None:
    """A broken model file is reported when the model is built; validation does not fail on it."""
    with zipfile.ZipFile(tmp_path / "saved.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    path = write(
        """
        graphspec: 1
        models: {saved: {file: saved.keras}}
        inputs: {x: [5, 2]}
        graph: {y: {from: x, apply: saved}}
        outputs: {out: {from: y, apply: {Dense: 1}}}
        """
    )
    assert of_node(path) is UNKNOWN


@pytest.mark.parametrize("change", ["encrypted", "unknown method", "damaged"])
def test_a_configuration_that_cannot_be_unpacked_is_a_finding(write: Write, tmp_path: Path, change: str) -> None:
    """Validation knows no shapes of such a file and does not fail; whoever builds the model says what is wrong."""
    file = tmp_path / "saved.keras"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Functional", "config": {}}))
    data = bytearray(file.read_bytes())
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    if change == "damaged":
        first = local + 30 + len("config.json")
        data[first : first + 8] = b"\xff" * 8
    else:
        at, value = (6, 1) if change == "encrypted" else (8, 99)
        data[local + at], data[central + at + 2] = value, value
    file.write_bytes(data)
    path = write(
        """
        graphspec: 1
        models: {saved: {file: saved.keras}}
        inputs: {x: [4]}
        outputs: {y: {from: x, apply: saved}}
        """
    )
    assert list(graphspec.validate(path)) == []
    with pytest.raises(SpecError, match=r"saved\.keras cannot be read as a model"):
        graphspec.build(path)
