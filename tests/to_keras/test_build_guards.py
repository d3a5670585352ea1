"""What a build leaves behind, and how deep it may recurse, beside what plain Keras does."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import pytest

import graphspec
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]
L = keras.layers


def test_weightless_build_leaves_nothing_to_be_allocated_later() -> None:
    """A weightless model's variables stay unallocated even when Keras initialises whatever is pending."""
    from keras.src.backend.common import global_state

    from graphspec.to_keras.keras_internals import weightless_scope

    def pending() -> int:
        return len(global_state.get_global_attribute("uninitialized_variables") or [])

    before = pending()
    with keras.StatelessScope(initialize_variables=False):
        L.Dense(3).build((None, 2))
    assert pending() == before + 2, "Keras no longer keeps such variables: the guard can go"
    keras.utils.clear_session()
    before = pending()
    with weightless_scope():
        L.Dense(3).build((None, 2))
    assert pending() == before


def test_chain_of_many_layers_is_built(write: Write) -> None:
    """Keras ends in a RecursionError on a chain of a thousand layers; graphspec lets it recurse as deep as it must."""
    layers = 1_200
    with keras.StatelessScope(initialize_variables=False):
        x = inputs = keras.Input((2,))
        for _ in range(layers):
            x = L.Dense(2)(x)
        with pytest.raises(RecursionError):
            keras.Model(inputs, x)
    path = write(
        f"""
        graphspec: 1
        inputs: {{x: [2]}}
        outputs: {{y: {{from: x, apply: {{Dense: 2, repeat: {layers}}}}}}}
        """
    )
    limit = sys.getrecursionlimit()
    assert graphspec.build(path, weightless=True).count_params() == 6 * layers
    assert sys.getrecursionlimit() == limit


def test_garbage_collection_rests_only_while_a_model_is_built(write: Write) -> None:
    """The collector is on again after a build, after a failed one too."""
    graphspec.build(write("{graphspec: 1, inputs: {x: [2]}, outputs: {y: {from: x, apply: {Dense: 2}}}}"))
    assert gc.isenabled()
    with pytest.raises(SpecError):
        graphspec.build(write("{graphspec: 1, inputs: {x: [2]}, outputs: {y: {from: x, apply: {Dense: -2}}}}"))
    assert gc.isenabled()
