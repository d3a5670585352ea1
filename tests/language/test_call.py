"""`call:` and keyword tensors: call arguments reach Keras as a user would write them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]
L = keras.layers


def initial_state() -> keras.Model:
    source, target = keras.Input((6, 4), name="source"), keras.Input((6, 4), name="target")
    _, hidden, cell = L.LSTM(3, return_state=True)(source)
    decoded = L.LSTM(3, return_sequences=True)(target, initial_state=[hidden, cell])
    return keras.Model({"source": source, "target": target}, {"y": L.Dense(2, name="y")(decoded)})


def attention() -> keras.Model:
    source, target = keras.Input((6, 4), name="source"), keras.Input((6, 4), name="target")
    attended = L.MultiHeadAttention(2, 3)(query=target, value=source, key=source, use_causal_mask=True)
    scores = L.Attention(name="y")([attended, source])
    return keras.Model({"source": source, "target": target}, {"y": scores})


def inference_mode() -> keras.Model:
    source = keras.Input((6, 4), name="source")
    normal = L.BatchNormalization()(source, training=False)
    return keras.Model({"source": source}, {"y": L.Dropout(0.5, name="y")(normal, training=False)})


def explicit_mask() -> keras.Model:
    source, keep = keras.Input((6, 4), name="source"), keras.Input((6,), dtype="bool", name="keep")
    return keras.Model({"source": source, "keep": keep}, {"y": L.GRU(3, name="y")(source, mask=keep)})


def attention_scores() -> keras.Model:
    source = keras.Input((6, 4), name="source")
    attended, scores = L.MultiHeadAttention(1, 2)(source, source, return_attention_scores=True)
    return keras.Model({"source": source}, {"y": L.Identity(name="y")(scores), "z": L.Dense(1, name="z")(attended)})


CASES: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "initial_state": (
        initial_state,
        """
        inputs: {source: [6, 4], target: [6, 4]}
        graph:
          encoded: {from: source, apply: {LSTM: {units: 3, return_state: true}}}
          decoded:
            from: target
            apply: [{LSTM: {units: 3, return_sequences: true}, call: {initial_state: ["encoded[1]", "encoded[2]"]}}]
        outputs: {y: {from: decoded, apply: {Dense: 2}}}
        """,
    ),
    "attention": (
        attention,
        """
        inputs: {source: [6, 4], target: [6, 4]}
        graph:
          attended:
            from: {query: target, value: source, key: source}
            apply: [{MultiHeadAttention: {num_heads: 2, key_dim: 3}, call: {use_causal_mask: true}}]
        outputs: {y: {from: [attended, source], apply: Attention}}
        """,
    ),
    "inference_mode": (
        inference_mode,
        """
        inputs: {source: [6, 4]}
        outputs:
          y:
            from: source
            apply:
              - {BatchNormalization: , call: {training: false}}
              - {Dropout: 0.5, call: {training: false}}
        """,
    ),
    "explicit_mask": (
        explicit_mask,
        """
        inputs: {source: [6, 4], keep: {shape: [6], dtype: bool}}
        outputs: {y: {from: source, apply: {GRU: 3, call: {mask: keep}}}}
        """,
    ),
    "attention_scores": (
        attention_scores,
        """
        inputs: {source: [6, 4]}
        graph:
          both:
            from: {query: source, value: source}
            apply: [{MultiHeadAttention: {num_heads: 1, key_dim: 2}, call: {return_attention_scores: true}}]
        outputs: {y: "both[1]", z: {from: "both[0]", apply: {Dense: 1}}}
        """,
    ),
}


def batch(model: keras.Model) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        name: rng.random((2, *tensor.shape[1:])) > 0.3
        if tensor.dtype == "bool"
        else rng.normal(size=(2, *tensor.shape[1:])).astype(tensor.dtype)
        for name, tensor in model.input.items()
    }


@pytest.mark.parametrize("case", CASES)
def test_call_arguments_are_those_of_keras(case: str, write: Write) -> None:
    """With equal weights the spec and the hand-written calls give equal outputs.

    Also in training mode, but for dropout, which is random there: Keras overrides `training` of a call (GS403).
    """
    make, text = CASES[case]
    theirs, ours = make(), graphspec.build(write(f"graphspec: 1\n{textwrap.dedent(text)}"))
    ours.set_weights(theirs.get_weights())
    values = batch(theirs)
    for training in (False,) if case == "inference_mode" else (False, True):
        expected = theirs(values, training=training)
        for name, found in ours(values, training=training).items():
            np.testing.assert_allclose(found, expected[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"encoded[1]"', '"encoded[7]"', "GS306"),
        ('"encoded[1]"', '"encoder[1]"', "GS301"),
        ("initial_state:", "initial_stat:", "GS202"),
        ('["encoded[1]", "encoded[2]"]', '{h: "encoded[1]"}', "GS103"),
    ],
)
def test_faulty_call_arguments_are_findings(old: str, new: str, code: str, write: Write) -> None:
    """An index, a name, or a keyword that is not there is one finding."""
    text = textwrap.dedent(CASES["initial_state"][1])
    assert old in text
    with pytest.raises(SpecError) as refused:
        graphspec.build(write(f"graphspec: 1\n{text.replace(old, new)}"))
    assert [each.rule.code for each in refused.value.report] == [code]
