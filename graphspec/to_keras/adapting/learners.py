"""Learners, which adapt a preprocessing layer batch by batch: `update` with each batch, then `finish`."""

from __future__ import annotations

from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from graphspec.to_keras.adapted_layers import is_adapted


def learner_of(layer: Any) -> Moments | Quantiles | Words:
    """Return the learner of an adaptable layer, whose state is reset."""
    if isinstance(layer, keras.layers.Normalization):
        return Moments(layer)
    return Quantiles(layer) if isinstance(layer, keras.layers.Discretization) else Words(layer)


class Moments:
    """The mean and variance of a `Normalization`, in float64.

    Keras accumulates them in the dtype of the layer, which leaves two digits in mixed precision.
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
        with np.errstate(invalid="ignore"):  # `finish` reports infinite values
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
    """The quantiles of a `Discretization`."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        layer.reset_state()

    def update(self, values: Any) -> None:
        self.layer.update_state(values)

    def finish(self) -> None:
        self.layer.finalize_state()
        boundaries = self.layer.bin_boundaries
        if not np.isfinite(boundaries).all():
            raise ValueError("what reaches it holds NaN or infinite values")
        if self.layer.output_mode != "int" and len(boundaries) + 1 != self.layer.num_bins:
            raise ValueError(f"{len(boundaries) + 1} values are too few for `num_bins: {self.layer.num_bins}`")


class Words:
    """The vocabulary of a lookup layer, by descending frequency."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        layer.reset_state()

    def update(self, values: Any) -> None:
        # Keras would read a batch of single words as one document.
        self.layer.update_state(tf.expand_dims(values, -1) if len(values.shape) == 1 else values)

    def finish(self) -> None:
        self.layer.finalize_state()
        if not is_adapted(self.layer):
            raise ValueError("no words reach it")
