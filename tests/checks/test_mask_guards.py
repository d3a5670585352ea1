"""Masks that Keras drops without a word: each made by hand with plain Keras, and what graphspec says instead."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import graphspec

Write = Callable[..., Path]
L = keras.layers


def test_dropped_mask_is_said_with_its_place(write: Write) -> None:
    """`Reshape` destroys a mask with a warning that names no line; graphspec names node and line."""
    path = write(
        """
        graphspec: 1
        inputs: {words: {shape: [6], dtype: int32}}
        graph:
          padded: {from: words, apply: {Embedding: {input_dim: 9, output_dim: 4, mask_zero: true}}}
          shaped:
            from: padded
            apply:
              - Reshape: [6, 4]
        outputs: {last: {from: shaped, apply: {LSTM: 3}}}
        """
    )
    found = list(graphspec.load(path).warnings)
    assert [(each.rule.code, each.span.line if each.span else 0) for each in found] == [("GS402", 9)]
    assert "`shaped`" in found[0].message


def test_mask_lost_in_a_sum_is_said(write: Write) -> None:
    """Keras masks a sum only where all its parts are masked, and says nothing of a mask that it drops there."""
    words = keras.Input((3,), dtype="int32")
    masked, bare = L.Embedding(5, 2, mask_zero=True)(words), L.Embedding(5, 2)(words)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        added = L.Add()([masked, bare])
    assert getattr(masked, "_keras_mask", None) is not None
    assert getattr(added, "_keras_mask", None) is None
    assert not [each for each in caught if "mask" in str(each.message)]
    path = write(
        """
        graphspec: 1
        inputs: {words: {shape: [3], dtype: int32}}
        graph:
          masked: {from: words, apply: {Embedding: {input_dim: 5, output_dim: 2, mask_zero: true}}}
          bare: {from: words, apply: {Embedding: {input_dim: 5, output_dim: 2}}}
          both: {from: [masked, masked], merge: sum}
        outputs:
          y: {from: [masked, bare], merge: sum, apply: {LSTM: 2}}
          z: {from: both, apply: {LSTM: 2}}
        """
    )
    (finding,) = graphspec.summarize(path).warnings
    assert finding.rule.code == "GS402"
    assert "in `y`" in finding.message


def test_mask_through_an_operation(write: Write) -> None:
    """Keras: an operation hands no mask on, so a layer after it reads the padding. graphspec: a warning."""
    words = keras.Input((3,), dtype="int32")
    vectors = L.Embedding(5, 2, mask_zero=True)(words)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        doubled = keras.ops.multiply(vectors, 2.0)
        L.LSTM(2)(doubled)
    assert getattr(vectors, "_keras_mask", None) is not None
    assert getattr(doubled, "_keras_mask", None) is None
    assert not [each for each in caught if "mask" in str(each.message)]
    path = write(
        """
        graphspec: 1
        inputs: {words: {shape: [3], dtype: int32}}
        graph:
          vectors: {from: words, apply: {Embedding: {input_dim: 5, output_dim: 2, mask_zero: true}}}
        outputs: {y: {from: vectors, apply: [{ops.multiply: 2.0}, {LSTM: 2}]}}
        """
    )
    assert [finding.rule.code for finding in graphspec.summarize(path).warnings] == ["GS402"]


def telling(layer_class: Any) -> Any:
    """The layer class, whose layers keep in `seen` which masks they are called with when they run."""

    class Telling(layer_class):
        @functools.wraps(layer_class.call)
        def call(self, *given: Any, **more: Any) -> Any:
            if not isinstance([*given, *more.values()][0], keras.KerasTensor):
                self.seen = {name for name, each in more.items() if name.endswith("mask") and each is not None}
            return super().call(*given, **more)

    return Telling


def test_masks_that_attention_takes_off(write: Write) -> None:
    """Keras: the second block of a residual transformer sees no mask when it runs. graphspec: a warning."""
    words = keras.Input((3,), dtype="int32")
    vectors = L.Embedding(5, 2, mask_zero=True)(words)
    first, second = telling(L.MultiHeadAttention)(1, 2), telling(L.MultiHeadAttention)(1, 2)
    block = L.Add()([vectors, first(query=vectors, value=vectors)])
    model = keras.Model(words, second(query=block, value=block))
    model(np.array([[1, 2, 0]]))
    assert (first.seen, second.seen) == ({"query_mask", "value_mask"}, set())
    path = write(
        """
        graphspec: 1
        inputs: {words: {shape: [3], dtype: int32}}
        graph:
          vectors: {from: words, apply: {Embedding: {input_dim: 5, output_dim: 2, mask_zero: true}}}
          first: {from: {query: vectors, value: vectors}, apply: {MultiHeadAttention: {num_heads: 1, key_dim: 2}}}
          block: {from: [vectors, first], merge: sum}
        outputs:
          y: {from: {query: block, value: block}, apply: {MultiHeadAttention: {num_heads: 1, key_dim: 2}}}
        """
    )
    (finding,) = graphspec.load(path).warnings
    assert (finding.rule.code, finding.span and finding.span.line) == ("GS402", 7)


def test_mask_beside_an_initial_state(write: Write) -> None:
    """Keras: a recurrent layer with an initial state is called without its sequence's mask. graphspec: a warning."""
    words, state = keras.Input((3,), dtype="int32"), keras.Input((2,))
    vectors = L.Embedding(5, 2, mask_zero=True)(words)
    plain, started = telling(L.LSTM)(2), telling(L.LSTM)(2)
    model = keras.Model([words, state], [plain(vectors), started(vectors, initial_state=[state, state])])
    model([np.array([[1, 2, 0]]), np.zeros((1, 2))])
    assert (plain.seen, started.seen) == ({"mask"}, set())
    path = write(
        """
        graphspec: 1
        inputs: {words: {shape: [3], dtype: int32}, state: [2]}
        graph:
          vectors: {from: words, apply: {Embedding: {input_dim: 5, output_dim: 2, mask_zero: true}}}
        outputs:
          plain: {from: vectors, apply: {LSTM: 2}}
          started: {from: vectors, apply: [{LSTM: 2, call: {initial_state: [state, state]}}]}
        """
    )
    (finding,) = graphspec.load(path).warnings
    assert "`LSTM` in `started`" in finding.message
