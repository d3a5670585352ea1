"""How each of the layers that learn from data does so, piece by piece: `update` with each, and `finish`."""

from __future__ import annotations

from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from graphspec.to_keras.adapted import has_learnt


def learner_of(layer: Any) -> Moments | Quantiles | Words:
    """How `layer` learns. What it knew before is forgotten."""
    if isinstance(layer, keras.layers.Normalization):
        return Moments(layer)
    return Quantiles(layer) if isinstance(layer, keras.layers.Discretization) else Words(layer)


class Moments:
    """Mean and variance for `Normalization`, in float64.

    Keras itself computes those of batches in the dtype of the layer, which in mixed precision leaves two digits.
    """

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.count = 0
        self.mean: Any = 0.0
        self.squares: Any = 0.0

    def update(self, values: Any) -> None:
        array = np.asarray(values, np.float64)
        kept = {axis % array.ndim for axis in self.layer.axis}
        reduced = tuple(axis for axis in range(array.ndim) if axis not in kept)
        count = prod(array.shape[axis] for axis in reduced)
        if count == 0:
            return
        total = self.count + count
        with np.errstate(invalid="ignore"):  # infinite values are told of in the end
            between = array.mean(axis=reduced) - self.mean
            self.squares = self.squares + array.var(axis=reduced) * count + between**2 * (self.count * count / total)
            self.mean = self.mean + between * (count / total)
        self.count = total

    def finish(self) -> None:
        if not (np.isfinite(self.mean).all() and np.isfinite(self.squares).all()):
            raise ValueError("what reaches it holds NaN or infinite values")
        self.layer.adapt_mean.assign(self.mean)
        self.layer.adapt_variance.assign(self.squares / max(1, self.count))
        self.layer.finalize_state()


class Quantiles:
    """Quantiles for `Discretization`."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        layer.reset_state()

    def update(self, values: Any) -> None:
        self.layer.update_state(values)

    def finish(self) -> None:
        self.layer.finalize_state()
        found = self.layer.bin_boundaries
        if not np.isfinite(found).all():
            raise ValueError("what reaches it holds NaN or infinite values")
        if self.layer.output_mode != "int" and len(found) + 1 != self.layer.num_bins:
            raise ValueError(f"{len(found) + 1} values are too few for `num_bins: {self.layer.num_bins}`")


class Words:
    """The words for a lookup layer, the frequent ones first."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        layer.reset_state()

    def update(self, values: Any) -> None:
        # Keras would take a batch of single words for one document.
        self.layer.update_state(tf.expand_dims(values, -1) if len(values.shape) == 1 else values)

    def finish(self) -> None:
        self.layer.finalize_state()
        if not has_learnt(self.layer):
            raise ValueError("no words reach it")
