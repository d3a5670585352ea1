"""Layers that two models, or a model and a wrapper, hold."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest
from keras import layers

import graphspec
from tests.from_keras.round_trip import differences


def test_layer_in_two_models_is_refused() -> None:
    """A layer that a model and a model in it both call has one set of weights, which no spec can say."""
    common, inner_input, x = layers.Dense(4, name="common"), keras.Input((4,)), keras.Input((4,), name="x")
    inner = keras.Model(inner_input, common(inner_input), name="inner")
    model = keras.Model(x, layers.Add(name="out")([inner(x), common(x)]))
    with pytest.raises(graphspec.SpecError) as error:
        graphspec.decompile(model)
    (finding,) = error.value.report
    assert finding.rule.code == "GS702"
    assert "`common` is the same layer as one in another model" in finding.message


def test_model_in_a_wrapper_and_beside_it_is_one(tmp_path: Path) -> None:
    """A nested model that is called and wrapped too is declared once, and keeps one set of weights."""
    inner_input = keras.Input((4,), name="features")
    inner = keras.Model(inner_input, layers.Dense(3, name="dense")(inner_input), name="inner")
    x, steps = keras.Input((4,), name="x"), keras.Input((5, 4), name="steps")
    pooled = layers.GlobalAveragePooling1D(name="pooled")(layers.TimeDistributed(inner, name="each")(steps))
    model = keras.Model([x, steps], layers.Add(name="out")([inner(x), pooled]))
    found, _ = differences(model, tmp_path)
    assert found == []
    assert len(graphspec.build(tmp_path / "spec.yaml").weights) == len(model.weights) == 2
