"""Shapes of presets that validation knows from their files, held against KerasHub."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

import graphspec
from graphspec.catalog.generated import read_file

from ..scripts import SCRIPTS, load_script

Write = Callable[..., Path]

needs_hub = pytest.mark.skipif(importlib.util.find_spec("keras_hub") is None, reason="keras-hub is not installed")

SIZES = {"hidden_dim": 60, "hidden_size": 60, "embedding_dim": 56, "intermediate_dim": 64, "length": 17}

BERT = {
    "registered_name": "keras_hub>BertBackbone",
    "config": {"vocabulary_size": 20, "num_layers": 1, "num_heads": 2, "hidden_dim": 4, "intermediate_dim": 8},
}

SPEC = """
graphspec: 1
models: {bert: {preset: ./bert}}
inputs: {words: {shape: [6], dtype: int32}, mask: {shape: [6], dtype: int32}}
graph: {encoded: {from: {token_ids: words, segment_ids: mask, padding_mask: mask}, apply: bert}}
outputs: {mood: {from: encoded.pooled_output, apply: {Dense: 2}}, each: {from: encoded.sequence_output, apply: Flatten}}
"""


@pytest.fixture(scope="module")
def script() -> Any:
    """The script that measures backbones, whose import changes the import path."""
    return load_script(SCRIPTS / "make_backbones.py")


def bert(folder: Path, **changes: Any) -> None:
    """Write a preset that holds nothing but its configuration."""
    (folder / "bert").mkdir(exist_ok=True)
    written = {**BERT, "config": {**BERT["config"], **changes}}  # type: ignore[dict-item]
    (folder / "bert" / "config.json").write_text(json.dumps(written), encoding="utf-8")


def shape(spec: graphspec.Spec, name: str) -> Any:
    return getattr(spec.shapes.of(spec.graph, name), "shape", None)


def test_shapes_of_a_backbone_are_known_without_keras_hub(write: Write, tmp_path: Path) -> None:
    """What follows is checked; what is not understood stays unknown, and nothing is wrong with it."""
    path = write(SPEC)
    bert(tmp_path)
    spec = graphspec.load(path)
    assert (shape(spec, "mood"), shape(spec, "each")) == ((None, 2), (None, 24))
    for changes in ({"hidden_dim": "many"}, {"hidden_dim": -4}, {"hidden_dim": 2**70}, {"hidden_dim": True}):
        bert(tmp_path, **changes)
        assert shape(graphspec.load(path), "each") is None
    for text in ("", "[]", "{", "[" * 100_000, '{"registered_name": "keras_hub>BertBackbone"}'):
        (tmp_path / "bert" / "config.json").write_text(text, encoding="utf-8")
        assert shape(graphspec.load(path), "each") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("apply: {Dense: 2}", "apply: {LSTM: 2}"), "GS404"),
        (("segment_ids: mask, ", ""), "GS307"),
        (("segment_ids", "segments"), "GS307"),
        (("words: {shape: [6], dtype: int32}", "words: {shape: [6], dtype: string}"), "GS410"),
    ],
)
def test_what_does_not_fit_a_backbone_is_found_statically(
    write: Write, tmp_path: Path, change: tuple[str, str], code: str
) -> None:
    """Each is one finding, without KerasHub and TensorFlow."""
    bert(tmp_path)
    assert [each.rule.code for each in graphspec.validate(write(SPEC.replace(*change))).errors] == [code]


@needs_hub
@pytest.mark.slow
def test_every_backbone_of_tokens_is_as_the_catalogue_says(write: Write, tmp_path: Path, script: Any) -> None:
    """Each class, of sizes that were not measured, has the shapes that validation infers from its configuration."""
    hub = script.keras_hub
    known = read_file("backbones.json")
    checked = set()
    for kind in vars(hub.models).values():
        if not (isinstance(kind, type) and issubclass(kind, hub.models.Backbone)):
            continue
        name = keras.saving.get_registered_name(kind)
        if name not in known or name in checked:
            continue
        entry = script.measured(kind, SIZES)
        assert entry is not None, name
        assert entry == {key: each for key, each in known[name].items() if key != "fixed"}
        checked.add(name)
        with script.weightless_scope():
            written = keras.saving.serialize_keras_object(script.made(kind, SIZES, {}))
        (tmp_path / "bert").mkdir(exist_ok=True)
        (tmp_path / "bert" / "config.json").write_text(json.dumps(written), encoding="utf-8")
        inputs = ", ".join(f"{each}: {{shape: [17], dtype: int32}}" for each in entry["inputs"])
        feed = ", ".join(f"{each}: {each}" for each in entry["inputs"])
        first = next(iter(entry["outputs"]))
        spec = graphspec.load(
            write(
                f"graphspec: 1\nmodels: {{bert: {{preset: ./bert}}}}\ninputs: {{{inputs}}}\n"
                f"graph: {{encoded: {{from: {{{feed}}}, apply: bert}}}}\n"
                f"outputs: {{found: encoded{f'.{first}' if first else ''}}}\n"
            )
        )
        expected = tuple(SIZES[each] for each in entry["outputs"][first])
        assert shape(spec, "found") == (None, *expected), name
    assert checked == set(known)
