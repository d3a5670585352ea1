"""Every layer of Keras, decompiled and built again."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import keras
import pytest

from tests.from_keras.round_trip import differences
from tests.known_uses import CASES
from tests.to_keras.test_every_layer import APPLIED, make, tensors

STRUCTURE_ONLY = {
    "AugMix": "is random outside of training, too",
    "RandomGrayscale": "is random, too",
    "MaxNumBoundingBoxes": "wants images beside its boxes",
}
"""Layers whose numbers cannot be compared, with the reason."""

NESTED = {"LSTMCell": "gives its states as a list in a list", "StackedRNNCells": "gives states of states"}
"""Layers whose tensors no spec can pick, with the reason."""

QUICK = (
    *("Dense", "Conv2D", "BatchNormalization", "LSTM", "Bidirectional", "RNN", "TimeDistributed", "MultiHeadAttention"),
    *("Attention", "EinsumDense", "TextVectorization", "Discretization", "Concatenate", "Dot", "SpectralNormalization"),
)
"""Layers that are tried every day."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in APPLIED if name not in NESTED],
)
def test_layer_comes_back(name: str, tmp_path: Path) -> None:
    """A model of one layer gives a spec that builds the same layer with the same weights and the same outputs."""
    case = CASES[name]
    layer = make(name, case)
    inputs, call = tensors(case.inputs, case.dtype), {key: tensors(each) for key, each in case.call.items()}
    by_keyword = isinstance(inputs, dict) and "data" not in inspect.signature(layer.call).parameters
    result = layer(**inputs, **call) if by_keyword else layer(inputs, **call)
    outputs: Any = keras.tree.flatten(result)
    model = keras.Model(keras.tree.flatten([inputs, call]), outputs)
    found, _ = differences(model, tmp_path, numbers=name not in STRUCTURE_ONLY)
    assert found == []
