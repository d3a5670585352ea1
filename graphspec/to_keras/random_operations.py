"""The functions of `keras.random` in a functional model, which draws anew in every call, at inference too.

No layer of Keras is random at inference. But `Activation` takes any callable, an initializer is one of a shape, and
both are saved: so a shape that is computed in the model becomes random numbers, and plain Keras loads the file. Keras
takes the result for a tensor of the shape of that vector; a last dimension of size 1, summed away, mends that. Zeros
are subtracted, since Keras may add them as a bias of channels.

The source of these functions is written into exported Python code, so they need nothing of graphspec.
"""

from __future__ import annotations

import random
from typing import Any

import keras
import numpy as np
from keras import layers, ops


def drawn(like: Any, initializer: Any, dtype: Any = None) -> Any:
    """Return numbers that an initializer draws, one for each number of the tensor `like`."""
    zeros = ops.zeros_like(like, dtype=dtype or keras.config.floatx())
    axes = range(len(like.shape))
    counted = [axis for axis in axes if like.shape[axis] is None] or [0]
    sizes = []
    for axis, size in enumerate((*like.shape, 1)):
        if axis in counted:
            others = [each for each in axes if each != axis]
            size = ops.reshape(ops.size(ops.sum(zeros, axis=others) if others else zeros), (1,))
        sizes.append(np.array([size], "int32") if isinstance(size, int) else size)
    shape = ops.concatenate(sizes) if len(sizes) > 1 else sizes[0]
    numbers = layers.Activation(initializer, dtype="float32")(shape)
    spread = ops.subtract(ops.cast(numbers, zeros.dtype), ops.expand_dims(zeros, -1))
    return ops.sum(spread, axis=-1)


def generator(seed: Any) -> Any:
    """Return a generator with a seed, by default one that Keras would draw, so that the model is saved with it."""
    return keras.random.SeedGenerator(random.randint(1, 10**9) if seed is None else seed)


def random_normal(shape: Any, *, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Return normal random numbers of the shape of a tensor."""
    return drawn(shape, keras.initializers.RandomNormal(mean, stddev, generator(seed)), dtype)


def random_truncated_normal(
    shape: Any, *, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Return normal random numbers within two standard deviations, of the shape of a tensor."""
    return drawn(shape, keras.initializers.TruncatedNormal(mean, stddev, generator(seed)), dtype)


def random_uniform(shape: Any, *, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Return random numbers between two bounds, of the shape of a tensor."""
    return drawn(shape, keras.initializers.RandomUniform(minval, maxval, generator(seed)), dtype)


def random_randint(shape: Any, *, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    """Return random whole numbers from `minval` up to `maxval`, of the shape of a tensor."""
    numbers = ops.floor(ops.multiply(random_uniform(shape, seed=seed), float(maxval - minval)))
    return ops.add(ops.cast(numbers, dtype), minval)


def random_dropout(inputs: Any, *, rate: Any, noise_shape: Any = None, seed: Any = None) -> Any:
    """Return a tensor with a share of its numbers set to 0 and the others scaled up."""
    like = inputs
    if noise_shape is not None:
        like = inputs[tuple(slice(0, 1) if size == 1 else slice(None) for size in noise_shape)]
    is_kept = ops.greater_equal(random_uniform(like, seed=seed), rate)
    return ops.where(is_kept, ops.multiply(inputs, 1 / (1 - rate)), 0.0)


def random_categorical(logits: Any, *, num_samples: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    """Return random classes by their log-probabilities: that of the largest, with Gumbel noise."""
    logits = ops.repeat(ops.expand_dims(logits, 1), num_samples, axis=1)
    exponential = ops.negative(ops.log(random_uniform(logits, seed=seed)))
    return ops.cast(ops.argmax(ops.subtract(logits, ops.log(exponential)), axis=-1), dtype)


def random_shuffle(x: Any, *, axis: Any = 0, seed: Any = None) -> Any:
    """Return a tensor in a random order along an axis."""
    axis = axis % len(x.shape)
    line = x[tuple(slice(None) if each == axis else slice(0, 1) for each in range(len(x.shape)))]
    size = -1 if x.shape[axis] is None else x.shape[axis]
    order = ops.argsort(ops.reshape(random_uniform(line, seed=seed), (size,)))
    return ops.take(x, order, axis=axis)
